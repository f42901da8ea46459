"""What every run shares: opening, the lock, recovery, the journal, mapping photos, counting, and the end.

with Workspace.open(settings) as space:                     # catalog, metadata, exiftool; the lock; recovery
    model = space.model()                                   # only where photos are looked at
    with space.begin("tag", arguments, model) as run:       # a run in the catalog; finished whatever happens
        for outcome in run.outcomes(tagger.tag, photos):    # in threads, counted
            ...                                             # a face shows it
"""

import dataclasses
import json
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from tagroll.catalog import About, Catalog, PhotoRow, State, Writing
from tagroll.domain import (
    Change,
    Decide,
    Describer,
    Facts,
    Metadata,
    Outcome,
    Photo,
    Preview,
    Prompt,
    Status,
    Waiting,
    Write,
)
from tagroll.errors import ServerError
from tagroll.exiftool.pool import INSTALL, ExifTool, available_exiftool
from tagroll.formats import FORMATS
from tagroll.metadata.store import MADE, MetadataStore, target_of
from tagroll.photos.preview.opened import previews
from tagroll.photos.scan import Known, scan
from tagroll.runs.entries import Entries
from tagroll.runs.executors import Executor, threads
from tagroll.runs.pictures import picture_now
from tagroll.runs.recover import leftover_cleaner, recover
from tagroll.runs.tally import Tally
from tagroll.settings import WHERE_SAFE, Mtime, Placing, Settings, without_password

if TYPE_CHECKING:
    from tagroll.models.choose import Model, Watch
    from tagroll.models.server.retry import Limits
    from tagroll.photos.preview.maker import PreviewMaker
    from tagroll.runs.context import Telling
    from tagroll.runs.look import Questions

__all__ = ["Entries", "Known", "Run", "Tally", "Workspace", "Written", "scan"]

T = TypeVar("T")
LEFT = "left"
"""In what was wanted of a photo: its stamp when it was written last. With another one, others have been at it since."""
MOST_REMEMBERED = 1000
"""Failures whose photos are remembered for the next run."""


def past_of(catalog: Catalog, photo: Path, picture: str) -> list[Write]:
    """What was written for a photo; where it was moved since, with the places where its files are now."""
    written = (write for write in catalog.journal.in_force(photo, picture) if write.engine not in MADE)
    return [
        write if write.photo == photo else dataclasses.replace(write, target=target_of(write, photo))
        for write in written
    ]


def about(photo: Photo, said: Metadata, facts: Facts) -> About:
    """What the index keeps of a photo besides its tags."""
    return About(photo.format.name, facts, said.title, said.description)


@dataclass
class Workspace:
    """What a command works with, open.

    Attributes:
        settings: What all commands share.
        catalog: Remembers. Others may write into it, too, unless the lock is held.
        store: Reads and writes the metadata of photos.
        exiftool: For the formats that need it; false where there is none.
        placing: Where the store writes.
        stop: Once it is set, no new photo is begun with.
    """

    settings: Settings
    catalog: Catalog
    store: MetadataStore
    exiftool: ExifTool
    placing: Placing = WHERE_SAFE
    stop: threading.Event = field(default_factory=threading.Event)
    _resources: ExitStack = field(default_factory=ExitStack, repr=False)
    _models: "list[Model]" = field(default_factory=list)
    _opening: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    @contextmanager
    def open(
        cls, settings: Settings, *, placing: Placing = WHERE_SAFE, mtime: Mtime = "nudge", hold: bool = True
    ) -> Iterator["Workspace"]:
        """Open the catalog and all that reads and writes photos.

        Args:
            settings: Say where the catalog is.
            placing: Where metadata are written.
            mtime: The modification time of written files (see MetadataStore).
            hold: Take the lock at once, so that a run that cannot begin says so before anything is done.

        Raises:
            CatalogLockedError: Another run holds it.
            CatalogError: The catalog cannot be opened.
        """
        exiftool = available_exiftool()
        with (
            Catalog(settings.catalog) as catalog,
            MetadataStore(
                **dataclasses.asdict(placing), mtime=mtime, exiftool=exiftool, past=partial(past_of, catalog)
            ) as store,
            ExitStack() as resources,
        ):
            space = cls(settings, catalog, store, exiftool, placing, _resources=resources)
            if hold:
                resources.enter_context(space.held())
            yield space

    def sidecar_notes(self, photos: Iterable[Photo]) -> tuple[str, ...]:
        """What a person should know of photos that exiftool would write, if it is missing and there are any."""
        if self.placing.sidecar != "auto" or all(photo.format.writer != "exiftool" for photo in photos):
            return ()
        if self.exiftool:
            return ()
        names = ", ".join(fmt.name.upper() for fmt in FORMATS if fmt.writer == "exiftool")
        text = f"exiftool is not there: these photos get sidecars: {names}."
        return text, f"  To write into them: {INSTALL}"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock that only one run may have, and settle what an earlier run was cut off from.

        Raises:
            CatalogLockedError: Another run holds it.
        """
        with self.catalog.held() as is_new:
            if is_new:
                recover(self.catalog, self.store)
            yield

    @contextmanager
    def begin(
        self,
        command: str,
        arguments: Sequence[str],
        *,
        model: str = "",
        done: Status = Status.TAGGED,
        of_today: bool = False,
    ) -> Iterator["Run"]:
        """Begin a run: it stands in the history from now on, and comes to its end whatever happens.

        Args:
            command: What the history calls it.
            arguments: Likewise, without secrets.
            model: The name of the model that is asked, or "".
            done: What it does to photos.
            of_today: Go on with the same run of today, if there was one.
        """
        with self.held():
            earlier = self.catalog.runs.of_today(command, arguments) if of_today else None
            number = earlier.id if earlier else self.catalog.runs.start(command, arguments, model)
            tally = Tally(done, failed_before=self.catalog.runs.failures_before(number))
            run = Run(self, number, tally, earlier.summary if earlier else {})
            try:
                yield run
            except ServerError:
                if not run.tally.total:  # without a model it has not begun
                    self.catalog.runs.forget(number)
                raise
            finally:
                failed = (failure.path for failure in run.tally.failures[:MOST_REMEMBERED])
                self.catalog.runs.finish(run.number, run.summary(), failed)

    def model(
        self,
        settings: Settings | None = None,
        limits: "Limits | None" = None,
        watch: "Watch | None" = None,
        *,
        defer: bool = False,
    ) -> "Model":
        """Find the model that looks at the photos; it is ready for as long as the workspace is open.

        Args:
            settings: Say which, if they are not the workspace's own.
            limits: How many questions at once, and how long to wait for answers.
            watch: Shows what is waited for meanwhile.
            defer: A server is first asked when a question is due; kept answers are looked for under the name of the
                model that was found there the last time.

        Raises:
            ServerError: A server is wanted and cannot be used, or a model file cannot be run.
            UsageError: What was named as a model file is none.
        """
        from tagroll.models.choose import choose_model  # 0.15 s that commands without a model need not pay
        from tagroll.runs.limits import Limits

        if not defer:
            _ = self.preview  # the decoding processes start while a server is looked for
        wanted, catalog = settings or self.settings, self.catalog
        place = _place(wanted)
        last = catalog.servers.model_at(place) if defer else None
        limits = dataclasses.replace(limits or Limits(), took=catalog.servers.limits())
        model = self._resources.enter_context(choose_model(wanted, limits, watch, last=last))
        self._resources.callback(lambda: catalog.servers.note_limits(model.describer.took))
        self._models.append(model)
        if defer:
            model.when_found(lambda _: catalog.servers.note_model(place, model.describer.served_as))
        return model

    def asked_server_before(self, settings: Settings) -> bool:
        """Whether these settings led to a server the last time, and not to the built-in model."""
        return bool(self.catalog.servers.model_at(_place(settings)))

    @property
    def waiting(self) -> Waiting | None:
        """What is waited for longer than usual, or None."""
        return next(filter(None, (model.describer.waiting for model in self._models)), None)

    def news(self) -> tuple[str, ...]:
        """What the user should know since this was asked last, a sentence each."""
        return tuple(news for model in self._models for news in model.describer.news())

    def halt(self) -> None:
        """Stop: no new photo is begun with, and nobody waits for a model any more."""
        self.stop.set()
        for model in tuple(self._models):
            model.describer.stop()

    def when_closed(self, end: Callable[[], None]) -> None:
        """Have something ended before the catalog is closed."""
        self._resources.callback(end)

    def picture_now(self, photo: Photo) -> str:
        """Hash of a photo's picture as its file is now; see `picture_now`."""
        return picture_now(photo, self.store, self.catalog)

    def see(self, photo: Photo) -> Preview:
        """What a model sees of a photo. The decoding processes start with the first one: a run may have nothing to ask."""
        return self.preview(photo)

    @property
    def preview(self) -> "PreviewMaker":
        """Makes what a model, or a person, sees of a photo, in processes that start now."""
        with self._opening:
            return self._previews

    @cached_property
    def _previews(self) -> "PreviewMaker":
        return self._resources.enter_context(previews(self.exiftool))


def _place(settings: Settings) -> str:
    """What the catalog calls the servers and the model that are wanted."""
    models = settings.models or (settings.model,)
    return json.dumps([*map(without_password, settings.api_urls), *models])


@dataclass(frozen=True, slots=True)
class Written:
    """What came of writing one photo.

    Attributes:
        before: What it said.
        tags: What it says now; on a dry run what it would say.
        writes: The files that were, or would be, changed.
    """

    before: Metadata
    tags: tuple[str, ...]
    writes: tuple[Write, ...] = ()

    def outcome(self, path: Path, done: Status) -> Outcome:
        """What came of the photo. A photo is tagged where its tags are in a sidecar, but rewritten only itself."""
        if not self.writes:
            return Outcome(path, Status.UNCHANGED, self.tags)
        is_inside = any(not write.is_sidecar for write in self.writes)
        return Outcome(
            path, done if is_inside or done is Status.TAGGED else Status.BESIDE, self.tags, beside=self.writes[-1].beside,
            broke_seal=any(write.broke_seal for write in self.writes),
        )  # fmt: skip


class Run:
    """A run that has begun. Safe to use from many threads.

    Args:
        space: What it works with.
        number: Its number in the catalog.
        tally: Counts its outcomes.
        extra: Counts that come to those: what it cost, or what the catalog has of it already where it goes on.
    """

    def __init__(
        self,
        space: Workspace,
        number: int,
        tally: Tally | None = None,
        extra: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self.space = space
        self.number = number
        self.tally = tally or Tally()
        self.extra = extra
        self.clean: Callable[[Path], None] = leftover_cleaner(space.store)

    @property
    def cut_off(self) -> bool:
        """Whether somebody wanted it to stop."""
        return self.space.stop.is_set()

    def summary(self) -> dict[str, int]:
        """What the catalog keeps of it."""
        now = self.tally.summary()
        return {name: self.extra.get(name, 0) + now.get(name, 0) for name in {**self.extra, **now}}

    def outcomes(
        self, work: Callable[[T], Outcome], items: Iterable[T | Outcome], executor: Executor | None = None
    ) -> Iterator[Outcome]:
        """What `work` gives for each item, many at once and counted; what is an outcome already only counts."""
        do = executor or threads()

        def one(item: T | Outcome) -> Outcome:
            return item if isinstance(item, Outcome) else work(item)

        return self.tally.counted(do(one, items, stop=self.space.stop))

    def asks(self, model: "Model") -> None:
        """Note which model it is, as soon as that is known."""
        model.when_found(lambda _: self.space.catalog.runs.note_model(self.number, model.describer.model))

    def questions(  # noqa: PLR0913 - by name, and each with what most want
        self,
        describer: Describer,
        prompt: Prompt,
        *,
        again: bool,
        telling: "Telling | None" = None,
        english: bool = True,
        bursts: bool = False,
    ) -> "Questions":
        """What asks a model about photos in this run; `again`: also where an answer is kept.

        It is told of photos what `telling` says, and held to what they say; `english`: it answers in English;
        `bursts`: of the frames of a burst it is shown one.
        """
        from tagroll.runs.bars import judging
        from tagroll.runs.bursts import Bursts
        from tagroll.runs.context import Knowledge
        from tagroll.runs.look import Looker, Questions

        space = self.space
        told = telling and telling.heard_by(space.settings)
        knowledge = Knowledge(told, space.store.read, english) if told else None
        looker = Looker(describer, space.see, space.store.picture_hash, prompt, knowledge)
        return Questions(
            looker, space.catalog.answers, again,
            features=space.catalog.features, bursts=Bursts(space.store.read) if bursts else None,
            judge=judging(space.catalog, space.settings.threshold),
        )  # fmt: skip

    def decide(self, into: Mapping[str, str], apart: Iterable[Collection[str]] = ()) -> None:
        """Remember what tags become, and which stay apart, before the first photo: what is cut off goes on with it."""
        self.space.catalog.decisions.decide(into, apart, self.number)

    def entries(
        self, undoes: int | None = None, *, by_person: bool = False, takes_back: Sequence[Writing] = ()
    ) -> Entries:
        """The journal of one photo.

        Args:
            undoes: The number of the write that is taken back exactly.
            by_person: A person wants these very tags to come and go: no model brings back what they take.
            takes_back: The writes that are taken back by a change, whatever else has come since.
        """
        return Entries(self.space.catalog, self.number, undoes, by_person, takes_back)

    def write(
        self,
        photo: Photo,
        decide: Decide,
        row: PhotoRow | None = None,
        *,
        dry_run: bool = False,
        entries: Entries | None = None,
    ) -> Written:
        """Change what a photo says, journalled before it happens, and note in the index what it says now.

        Args:
            photo: Which.
            decide: What it says -> what is to be changed.
            row: What the index is to know of it (stamp and tags are filled in) even where nothing changes; None: what
                it knew.
            dry_run: Write nothing.
            entries: The journal of the photo, where it has more to tell; see `entries`.

        Raises:
            PhotoError: It cannot be read or written.
        """
        catalog, store = self.space.catalog, self.space.store
        entries = entries or self.entries()
        seen = Metadata()

        def decided(metadata: Metadata) -> Change:
            nonlocal seen
            seen = metadata
            return dataclasses.replace(decide(metadata), left=catalog.journal.left_tags(photo.path))

        writes = store.write(photo, decided, entries, dry_run=dry_run)
        tags = writes[-1].after.tags if writes else seen.tags
        if not dry_run and (writes or row):
            known = row or catalog.photos.at(photo.path)
            picture, stamp = row.picture_hash if row else writes[-1].picture_hash, store.stamp(photo)
            wanted = {**known.wanted, LEFT: stamp} if known and known.wanted is not None else None
            now = PhotoRow(
                photo.path, stamp, picture, tags, wanted,
                about=about(photo, writes[-1].after if writes else seen, seen.facts),
            )  # fmt: skip
            catalog.photos.conclude(entries.states(State.DONE), now)
        if entries.takes_back and not dry_run:  # also where nothing of them was left
            catalog.journal.settle(dict.fromkeys((one.id for one in entries.takes_back), State.UNDONE))
        return Written(seen, tags, writes)
