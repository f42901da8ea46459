"""What a person wants changed at once: an action, its part for each photo, and how parts for one photo add up."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import count, pairwise
from pathlib import Path
from typing import Final

from tagroll.catalog import TagVerdict, Writing, as_text
from tagroll.domain import Change, Decide, Metadata, Outcome, Status
from tagroll.errors import TagrollError
from tagroll.metadata.store import ours_after, tags_after
from tagroll.runs.run import Run
from tagroll.tags.identity import identities, identity, without

CAPTIONS: Final = frozenset({"title", "description", "alt_text"})

_numbers = count(int(time.time()))
"""Numbers of actions: none of an earlier server is that of another action of this one."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A photo that an action could not change.

    Attributes:
        number: Of the photo; None for one that is not shown.
        outcome: Says why.
    """

    number: int | None
    outcome: Outcome

    @classmethod
    def of(cls, error: TagrollError) -> "Failure":
        """Why nothing at all could be done."""
        return cls(None, Outcome(Path(), Status.FAILED, error=error.message, hint=error.hint))


@dataclass(frozen=True, slots=True)
class Effect:
    """What an action or a run did to one photo.

    Attributes:
        number: Of the photo.
        before: What it said.
        after: What it said then.
        writes: How that was written, if it was written for this alone.
    """

    number: int
    before: Metadata
    after: Metadata
    writes: Sequence[Writing] = ()


@dataclass(frozen=True, slots=True)
class PhotoEdit:
    """What an action wants of one photo.

    Attributes:
        action: Which.
        path: The photo.
        number: Its number in the gallery; None for one that is not shown.
        decide: What the photo says -> what is to be changed; None where something is taken back.
        undo: Takes something back.
        takes_back: The writes of the photo that `decide` takes back.
    """

    action: "Action"
    path: Path
    number: int | None
    decide: Decide | None = None
    undo: Callable[[], Outcome] | None = None
    takes_back: Sequence[Writing] = ()

    def goes_with(self, before: float, later: "PhotoEdit") -> bool:
        """Whether a later part, of an action before that of this number, may be written in one change with this one."""
        alone = (self.undo, later.undo, self.takes_back, later.takes_back)
        is_plain = not any(alone) and later.action.number < before
        # what a person says of tags is kept of a whole change, or not
        return is_plain and later.action.by_person == self.action.by_person


@dataclass(slots=True, eq=False)
class Action:
    """Something a person did: it is one run in the history, and can be undone.

    Attributes:
        label: A few words for people: "+Beach".
        arguments: What the history is to tell of it.
        number: Of the action, unique.
        command: What the history calls it.
        by_person: The very tags that come and go are what is wanted: no model brings back what goes.
        decides: What tags become from now on, as a rename says.
        undoes: The action that this one takes back.
        done_status: What it does to photos.
        total: Photos.
        left: Photos that are not done yet.
        changed: Photos that were changed.
        failures: Those that failed.
        run: Where it writes, once it has begun.
        effects: Photo -> what was done to it.
        shared: A write was made for it and for another action together.
        said: Verdicts that were only said, as they were before: picture and word -> verdict, or None for none.
        finished: Whether all is done.
        resources: Ends the run.
    """

    label: str
    arguments: tuple[str, ...]
    number: int = field(default_factory=_numbers.__next__)
    command: str = "serve"
    by_person: bool = True
    decides: Mapping[str, str] = field(default_factory=dict)
    undoes: "Action | None" = None
    done_status: Status = Status.REWRITTEN
    total: int = 0
    left: int = 0
    changed: int = 0
    failures: list[Failure] = field(default_factory=list)
    run: Run | None = None
    effects: dict[Path, Effect] = field(default_factory=dict)
    shared: bool = False
    said: dict[tuple[str, str], TagVerdict | None] = field(default_factory=dict)
    finished: bool = False
    resources: ExitStack = field(default_factory=ExitStack, repr=False)

    def ended(self, part: PhotoEdit, outcome: Outcome) -> None:
        """Note how it went with one photo."""
        self.left -= 1
        self.changed += outcome.status.changed
        if outcome.status is Status.FAILED:
            self.failures.append(Failure(part.number, outcome))

    def row(self) -> dict[str, object]:
        """What programs get to read of it."""
        failed = [
            {"id": one.number} | {
                name: as_text(told)
                for name, told in (("name", one.outcome.path.name), ("error", one.outcome.error), ("hint", one.outcome.hint))
            }
            for one in self.failures
        ]  # fmt: skip
        return {
            "number": self.number, "label": as_text(self.label), "done": self.total - self.left, "total": self.total,
            "failed": failed, "finished": self.finished, "run": self.run.number if self.run else None,
            "undoes": self.undoes.number if self.undoes else None,
        }  # fmt: skip


def label_of(add: Sequence[str], remove: Sequence[str], captions: Mapping[str, str]) -> str:
    """A few words for what is done: "+Beach -Person"."""
    return " ".join((*(f"+{tag}" for tag in add), *(f"-{tag}" for tag in remove), *sorted(captions)))


def edited(add: Sequence[str], remove: Sequence[str], captions: Mapping[str, str]) -> Decide:
    """What a person's edit makes of a photo: tags it has already do not come, those it has not do not go.

    What a person adds is theirs, also where tagroll wrote it before.
    """
    added = identities(add)

    def decide(metadata: Metadata) -> Change:
        there, gone = identities(metadata.tags), identities(remove)
        return Change(
            add=tuple(tag for tag in add if identity(tag) not in there),
            remove=tuple(tag for tag in metadata.tags if identity(tag) in gone),
            set={name: text for name, text in captions.items() if getattr(metadata, name) != text},
            theirs=tuple(tag for tag in metadata.ours if identity(tag) in added),
        )

    return decide


def reverted(before: Metadata, after: Metadata) -> Decide:
    """What takes a change back that led from one state to another, whatever else has come since."""
    captions = {
        name: getattr(before, name)
        for name in CAPTIONS
        if getattr(before, name) != getattr(after, name)
    }  # fmt: skip
    back = edited(without(before.tags, after.tags), without(after.tags, before.tags), captions)
    ours, theirs = without(before.ours, after.ours), without(after.ours, before.ours)
    return lambda metadata: replace(back(metadata), ours=ours, theirs=theirs)


def added_up(
    parts: Sequence[PhotoEdit], metadata: Metadata
) -> tuple[Change, list[tuple[Metadata, Metadata]]]:
    """One change for all that waits for a photo, and what each part does to it: what comes and goes again is nothing."""
    states, change = [replace(metadata, fields={}, away=())], Change()
    for part in parts:
        assert part.decide  # noqa: S101 - nothing is added to what takes something back
        change = part.decide(states[-1])
        captions = {name: change.set.get(name, getattr(states[-1], name)) for name in CAPTIONS}
        ours = ours_after(states[-1], change)
        states.append(Metadata(tags_after(states[-1], change), ours=ours, **captions))
    effects = list(pairwise(states))
    return change if len(parts) == 1 else _between(metadata, states[-1]), effects


def _between(before: Metadata, after: Metadata) -> Change:
    return Change(
        add=without(after.tags, before.tags),
        remove=without(before.tags, after.tags),
        set={
            name: getattr(after, name) for name in CAPTIONS if getattr(after, name) != getattr(before, name)
        },
        ours=without(after.ours, before.ours),
        theirs=without(before.ours, after.ours),
    )
