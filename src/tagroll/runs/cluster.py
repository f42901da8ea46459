"""Looking at photos on many machines that see the same folder, by Dask; writing, and remembering, stays with who began.

A worker (see `worker`) takes a photo, hashes, decodes and looks at it with its own server or its own built-in model. Which worker
gets which photo, and what becomes of the photos of one that dies, is Dask's business. Workers are admitted one by one: one with
another tagroll or another model, or that does not see the folder gets no photo.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from concurrent.futures import Future as Promise
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from tagroll import __version__
from tagroll.domain import Describer, Description, Photo, Preview, Prompt
from tagroll.errors import MetadataError, PictureError, ServerError, UsageError, plainly
from tagroll.metadata.store import MetadataStore
from tagroll.models.choose import Model
from tagroll.models.spec import ModelSpec
from tagroll.runs.context import Context, Telling
from tagroll.runs.limits import Limits
from tagroll.runs.look import Questions
from tagroll.runs.tag import Tagger
from tagroll.runs.worker import KEY, URLS, Hello, hello, look, picture
from tagroll.settings import Settings, without_password

if TYPE_CHECKING:
    from distributed import Client, Future

T = TypeVar("T")

LOCAL: Final = "local:"
INSTALL: Final = "Install it with the cluster: pip install 'tagroll[cluster]'"
THREADS: Final = 8
"""Photos at once on a worker that is started here; who starts workers says it with `dask worker --nthreads`."""
ADMIT_EVERY: Final = 2.0
SILENCE: Final = 20.0
"""Seconds within which a scheduler answers."""
_MOST_WORKERS: Final = 10
"""How often a photo is given to others where all that it was given to are gone: it may be the reason."""
_LOGGERS = ("distributed", "distributed.client", "distributed.gc", "tornado.application")
_GONE = "the scheduler of Dask is gone"
_GO_ON = "Start it, and run the same command again: it goes on where it stopped"


class ClusterDescriber(Describer):
    """Stands for the model that all workers have; it is asked by them.

    Args:
        model: The name under which its answers are kept.
        names_only: See Describer.
    """

    def __init__(self, model: str, *, names_only: bool) -> None:
        self._model, self._names_only = model, names_only

    @property
    def model(self) -> str:
        """See Describer."""
        return self._model

    @property
    def names_only(self) -> bool:
        """See Describer."""
        return self._names_only

    def kept_name(self, answer: Description) -> str:
        """See Describer."""
        del answer
        return self._model

    def describe(self, preview: Preview, prompt: Prompt) -> Description:
        """Nobody asks here."""
        raise NotImplementedError


@dataclass(frozen=True)
class ClusterWish:
    """What a person wants of a cluster.

    Attributes:
        address: Of Dask's scheduler, as tcp://HOST:8786, or local:N for N processes here.
        folders: Folder here -> what it is called on the workers.
    """

    address: str
    folders: Mapping[Path, Path] = field(default_factory=dict)

    def there(self, photo: Photo) -> Photo:
        """A photo by the path that it has on the workers."""
        for here, there in self.folders.items():
            if photo.path.is_relative_to(here):
                return replace(photo, path=there / photo.path.relative_to(here))
        return photo


def wanted_of(settings: Settings, limits: Limits) -> ModelSpec:
    """The model that these settings name, as workers find it."""
    return ModelSpec(settings, limits)


class Cluster:
    """Workers that look at photos. Safe to use from many threads.

    Args:
        client: Of Dask.
        wish: What a person wants.
        spec: Which model.
        probes: Some of the photos: a worker that does not see them gets none.
        stop: Ends all waiting.
        patience: Seconds for which it is waited for a worker where none is left.
        tell: Called with what a person should know.
    """

    def __init__(  # noqa: PLR0913 - what is asked of it, and by whom
        self,
        client: "Client",
        wish: ClusterWish,
        spec: ModelSpec,
        *,
        probes: Sequence[Photo],
        stop: threading.Event,
        patience: float,
        tell: Callable[[str], None],
    ) -> None:
        self._client, self._wish, self._spec, self._stop = client, wish, spec, stop
        self._probes = list(_pictures(wish, probes))
        self._patience, self._tell = patience, tell
        self._admitted: dict[str, Hello] = {}
        self._refused: dict[str, str] = {}
        self._admit()
        if not self._admitted:
            reasons = "; ".join(f"{name} {reason}" for name, reason in self._refused.items())
            raise UsageError(
                f"no worker can look at the photos: {reasons or 'none is there'}", "See: tagroll doctor on it"
            )
        self._first = next(iter(self._admitted.values()))
        self._closed = threading.Event()
        self._admitting = threading.Thread(target=self._go_on_admitting, name="tagroll-admit", daemon=True)
        self._admitting.start()

    @classmethod
    @contextmanager
    def open(cls, wish: ClusterWish, spec: ModelSpec, **more: Any) -> Iterator["Cluster"]:
        """Find the workers, or start some here.

        Raises:
            ServerError: There is no scheduler.
            UsageError: None of its workers can be used, or what runs it is not installed.
        """
        settings = spec.settings if wish.address.startswith(LOCAL) else replace(spec.settings, api_key="")
        with ExitStack() as resources:
            cluster = cls(_client(wish.address, resources), wish, replace(spec, settings=settings), **more)
            resources.callback(cluster.close)
            yield cluster

    def close(self) -> None:
        """No worker is admitted any more."""
        self._closed.set()
        self._admitting.join()

    @property
    def threads(self) -> int:
        """Photos that are of use at once: a few more than the workers look at, so that none has to wait for one."""
        nthreads: dict[str, int] = self._client.nthreads()
        return max(8, sum(nthreads.get(name, 0) for name in list(self._admitted)) * 5 // 4 + 4)

    def tagger(self, here: Tagger) -> Tagger:
        """What tags photos as another tagger does, and has the workers look."""
        questions = ClusterQuestions.on(self, here.questions, here.run.space.store)
        return replace(here, questions=questions)

    def model(self) -> Model:
        """The model that they all have."""
        describer = ClusterDescriber(self._first.model, names_only=self._first.names_only)
        count = len(self._admitted)
        notes = [
            f"{count} {'worker looks' if count == 1 else 'workers look'} at the photos: {self._first.model}"
        ]
        return Model(describer, self.threads, tuple(notes))

    def picture_hash(self, photo: Photo) -> str:
        """Hash of a photo's picture.

        Raises:
            MetadataError: It cannot be read.
            ServerError: No worker is left.
        """
        return self._done(picture, self._wish.there(photo))

    def look(
        self, photo: Photo, question: Prompt, telling: Telling | None
    ) -> tuple[Description, Context | None]:
        """What a worker's model says of a photo, and what it was told of it.

        Raises:
            PhotoError: It cannot be looked at.
            ServerError: No worker is left.
        """
        return self._done(look, self._wish.there(photo), photo, question, telling)

    def _done(self, work: Callable[..., T], *given: object) -> T:
        from distributed import KilledWorker
        from distributed.client import ClosedClientError

        try:
            for _ in range(_MOST_WORKERS):
                workers = list(self._admitted)
                future = self._client.submit(work, self._spec, *given, pure=False, workers=workers)
                if self._is_done(future, workers):
                    done: T = future.result()
                    return done
                future.cancel()
        except (CancelledError, ClosedClientError) as error:
            raise ServerError(_GONE, _GO_ON) from error
        except KilledWorker:
            pass
        raise PictureError("ends every worker that looks at it", "Leave it out with --exclude")

    def _is_done(self, future: "Future", workers: Sequence[str]) -> bool:
        """Wait for what some workers are to do; False where they are all gone, and others are there.

        Raises:
            ServerError: Nobody is.
        """
        done, lonely = threading.Event(), 0.0
        future.add_done_callback(lambda _: done.set())
        while not done.wait(1):
            there = self._there()
            if not there.isdisjoint(workers):
                lonely = 0.0
            elif not there.isdisjoint(list(self._admitted)):
                return False
            else:
                lonely = lonely or time.monotonic()
                if self._stop.is_set() or time.monotonic() - lonely > self._patience:
                    future.cancel()
                    raise ServerError(
                        "no worker is left",
                        "Start one, and run the same command again: it goes on where it stopped",
                    )
        return True

    def _there(self) -> set[str]:
        """The workers that the scheduler knows; after it has gone, none."""
        return set(self._client.scheduler_info(n_workers=-1).get("workers", ()))

    def _go_on_admitting(self) -> None:
        with suppress(OSError):  # the scheduler is gone: whoever waits for a photo says so
            while not self._closed.wait(ADMIT_EVERY):
                self._admit()

    def _admit(self) -> None:
        """Ask the workers that are new who they are."""
        new = sorted(self._there() - self._admitted.keys() - self._refused.keys())
        if not new:
            return
        told = self._client.run(hello, __version__, self._spec, self._probes, workers=new, on_error="return")
        for name, one in told.items():
            if reason := self._why_not(one):
                self._refused[name] = reason
                self._tell(f"worker {name} {reason}: it gets no photos")
            else:
                self._admitted[name] = one

    def _why_not(self, one: Hello | BaseException) -> str:
        first = next(iter(self._admitted.values()), None)
        if isinstance(one, BaseException):
            return f"cannot run tagroll ({plainly(one)})"
        if one.version != __version__:
            return f"has tagroll {one.version}, not {__version__}"
        if one.unseen:
            return f"does not see {one.unseen}"
        if one.error:
            return f"has no model ({one.error})"
        return (
            f"has another model ({one.model}, not {first.model})"
            if first and one.model != first.model
            else ""
        )


def _pictures(wish: ClusterWish, photos: Sequence[Photo]) -> Iterator[tuple[Photo, str]]:
    """Photos as the workers find them, and the hashes of their pictures; those that cannot be read here prove nothing."""
    store = MetadataStore()
    for photo in photos:
        with suppress(MetadataError):
            yield wish.there(photo), store.picture_hash(photo)


def _client(address: str, resources: ExitStack) -> "Client":
    try:
        import dask.config

        # read when it is imported: what goes wrong we tell
        dask.config.set({"logging": dict.fromkeys(_LOGGERS, "critical")})
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise UsageError("--cluster needs Dask, which is not installed", INSTALL) from error
    if address.startswith(LOCAL):
        number = address.removeprefix(LOCAL)
        if not number.isdecimal() or int(number) < 1:
            raise UsageError(f"{address} names no number of processes", "Write it as local:4")
        address = resources.enter_context(
            LocalCluster(
                n_workers=int(number),
                threads_per_worker=THREADS,
                dashboard_address="127.0.0.1:0",
                env={URLS: "", KEY: ""},  # what was typed counts more, and travels
            )
        )

    class Quiet(Client):  # type: ignore[misc]  # it has no types
        """Of Dask's own, one that found no scheduler goes on waiting for it when it is thrown away, and complains."""

        def __del__(self) -> None:
            pass

    try:
        found = _within(SILENCE, lambda: Quiet(address, timeout=10, set_as_default=False))
        return resources.enter_context(found)
    except (OSError, ValueError) as error:
        raise ServerError(
            f"no scheduler of Dask answers at {without_password(address)}", "Start one: dask scheduler"
        ) from error


def _within(seconds: float, make: Callable[[], T]) -> T:
    """What is made in so many seconds: for a program that is no scheduler Dask would wait without end.

    Raises:
        TimeoutError: It takes longer.
    """
    made = Promise[T]()

    def work() -> None:
        try:
            made.set_result(make())
        except BaseException as error:  # noqa: BLE001 - told where it is waited for
            made.set_exception(error)

    threading.Thread(target=work, name="tagroll-connect", daemon=True).start()
    return made.result(seconds)


@dataclass(frozen=True, slots=True)
class Remote:
    """Hashes pictures on workers; whether a file is as it was is seen from here.

    Attributes:
        cluster: The workers.
        store: Sees the files here.
    """

    cluster: Cluster
    store: MetadataStore

    def stamp(self, photo: Photo) -> str:
        """See MetadataStore."""
        return self.store.stamp(photo)

    def picture_hash(self, photo: Photo, like: str = "") -> str:
        """See MetadataStore."""
        return self.store.picture_hash(photo, like) if like else self.cluster.picture_hash(photo)


@dataclass(frozen=True, slots=True)
class ClusterQuestions(Questions):
    """Asks through workers.

    Attributes:
        cluster: The workers.
    """

    cluster: Cluster | None = None

    def ask(self, photo: Photo, picture: str, name: str) -> tuple[Description, Context | None]:
        """See Questions."""
        del name
        assert self.cluster  # noqa: S101 - see `on`
        telling = self.looker.knowledge.telling if self.looker.knowledge else None
        answer, context = self.cluster.look(photo, self.looker.prompt, telling)
        return self.keep(photo, picture, context, answer), context

    @classmethod
    def on(cls, cluster: Cluster, asked: Questions, store: MetadataStore) -> "ClusterQuestions":
        """The same questions, asked by workers; of bursts they know nothing."""
        return cls(
            asked.looker, asked.answers, asked.again, asked.just_this, asked.features, hashes=Remote(cluster, store),
            judge=asked.judge, cluster=cluster,
        )  # fmt: skip
