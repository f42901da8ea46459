"""The options of a cluster, and the model that looks, here or there."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tagroll.cli.asking import AskingOptions
from tagroll.cli.scanning import Scope, ignore_error, scanned
from tagroll.cli.terminal import tell
from tagroll.domain import Photo
from tagroll.errors import UsageError

if TYPE_CHECKING:
    from tagroll.runs.cluster import Cluster
    from tagroll.runs.run import Workspace


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """The options, as click gives them.

    Attributes:
        address: Of the scheduler, or None.
        folders: Folder here -> folder on the workers.
    """

    address: str | None
    folders: Mapping[Path, Path]


HERE = ClusterOptions(None, {})
"""No cluster."""


def cluster_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--cluster` and `--map`; the command gets them as `cluster`."""

    @functools.wraps(function)
    def wrapper(*, cluster: str | None, folders: Sequence[str], **values: Any) -> Any:
        return function(cluster=ClusterOptions(cluster, dict(map(_pair, folders))), **values)

    options = (
        click.option("--cluster", metavar="ADDRESS", envvar="TAGROLL_CLUSTER",
                     help="Look on Dask's workers: tcp://HOST:8786, or local:N for N processes here; needs tagroll[cluster]."),
        click.option("--map", "folders", multiple=True, metavar="HERE=THERE",
                     help="What a folder is called on the workers. May be given more than once."),
    )  # fmt: skip
    decorated: Callable[..., Any] = wrapper
    return functools.reduce(lambda made, option: option(made), reversed(options), decorated)


def _pair(text: str) -> tuple[Path, Path]:
    here, equals, there = text.partition("=")
    if not (here and equals and there):
        raise UsageError(f"--map {text} names no two folders", "Write it as --map /photos=/mnt/photos")
    return Path(here).absolute(), Path(there)


@contextmanager
def cluster(
    space: "Workspace", options: ClusterOptions, asking: AskingOptions, paths: Sequence[Path], scope: Scope
) -> "Iterator[Cluster | None]":
    """The workers, if some are wanted.

    Raises:
        ServerError: There is no scheduler.
        UsageError: None of its workers can be used, or what runs it is not installed.
    """
    if options.address is None:
        yield None
        return
    from tagroll.runs.cluster import Cluster, ClusterWish, wanted_of

    photos = (found for found in scanned(paths, scope, ignore_error) if isinstance(found, Photo))
    with Cluster.open(
        ClusterWish(options.address, options.folders), wanted_of(space.settings, asking.limits()),
        probes=list(islice(photos, 3)), stop=space.stop, patience=asking.patience,
        tell=lambda text: tell(space.settings, text),
    ) as found:  # fmt: skip
        yield found
