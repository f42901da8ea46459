"""The words of tagroll: what flows from a path on disk to a changed photo. No I/O here.

path -> Photo -> Preview -> Description -> tags -> Change -> file on disk (verified) -> catalog
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal, Protocol

from tagroll.errors import ServerError
from tagroll.formats import Format

CAPTIONS: Final = ("title", "description", "alt_text")
"""The texts about a whole photo, as `Metadata` and `Change` name them."""
ADDRESS: Final = ("XMP-photoshop:City", "XMP-photoshop:State", "XMP-photoshop:Country")
"""The fields for where a photo was taken, as `Change.fields` names them."""


def plural(number: int, word: str) -> str:
    """`1 photo`, `1,200 photos`."""
    return f"{number:,} {word}" + ("" if number == 1 else "s")


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo file as the scan saw it; nothing is decoded yet.

    Attributes:
        path: Absolute path, symlinks not resolved.
        size: Bytes.
        mtime_ns: Modification time in nanoseconds since the epoch.
        format: Its row in the table of formats, by content.
    """

    path: Path
    size: int
    mtime_ns: int
    format: Format


@dataclass(frozen=True, slots=True)
class Preview:
    """What a model gets to see: an upright sRGB baseline JPEG, long edge at most 1024 px.

    Attributes:
        jpeg: Its bytes.
        width: In pixels.
        height: Likewise.
        outline: Its brightness as OUTLINE x OUTLINE bytes, row by row, or b"": by it frames of a burst are told.
    """

    jpeg: bytes = field(repr=False)
    width: int
    height: int
    outline: bytes = field(default=b"", repr=False, compare=False)


OUTLINE: Final = 32
"""Rows and columns of an outline."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a picture is made for people's eyes.

    Attributes:
        long_edge: At most so many pixels; no picture is enlarged.
        format: Of the file that is made.
    """

    long_edge: int
    format: Literal["jpeg", "webp"] = "webp"


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is asked.

    Attributes:
        task: "tags" wants keywords; "classify" wants title, description, keywords and a file name; "pairs" shows no
            picture and wants to know how pairs of tags belong together; "check" wants yes or no of each word of an answer.
        text: The words that go with the picture.
        schema: JSON schema of the wanted answer.
        max_tags: How many keywords, or answers about pairs, are wanted at the most.
        key: Short hash of all that shapes the answer; part of the key of kept answers.
        about: Short hash of what it tells of the one photo, if it does; kept answers are told apart by it.
        earlier: Keys of older wordings of the same question: an answer to one of them counts.
        votes: So many times a model that can say something else each time is asked; what recurs is kept.
        language: Of the answer, by its English name; "" where any will do.
        listed: Words of a person's list are wanted, in whatever language these are.
        check: The model is asked again of each of its words whether it is there.
        after: Words that come after the picture.
    """

    task: Literal["tags", "classify", "pairs", "check"]
    text: str
    schema: Mapping[str, object] = field(repr=False)
    max_tags: int
    key: str
    about: str = ""
    earlier: tuple[str, ...] = ()
    votes: int = 1
    language: str = "English"
    listed: bool = False
    check: bool = False
    after: str = ""


@dataclass(frozen=True, slots=True)
class Features:
    """What a model's network sees in a picture, as numbers: pictures of the same things have nearly the same direction.

    Attributes:
        model: Its name and version; numbers of different models have nothing to do with each other.
        vector: As `tags.packed` packs it.
    """

    model: str
    vector: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Description:
    """One photo as one model saw it, parsed but not normalised. What was not asked for is empty.

    Attributes:
        keywords: In the model's order.
        model: Its name.
        title: A few words.
        description: A sentence or more.
        filename: A name for the file, without a suffix.
        confidences: Word -> how likely it is right, 0 to 1, of keywords and of words that were not sure enough; empty
            for a model that does not tell.
        language: Of all this, by its English name; "" for English, and where nobody knows.
        inherited: Hash of the picture that the model was shown, where it is another frame of the same burst; else "".
        said: The model's own words, where it was asked again of each whether it is there; what it was asked of besides are
            broader words. Empty where it was not.
        features: What its network saw, where it tells and was asked now; they are kept apart from the answer.
    """

    keywords: tuple[str, ...]
    model: str
    title: str = ""
    description: str = ""
    filename: str = ""
    confidences: Mapping[str, float] = field(default_factory=dict)
    language: str = ""
    inherited: str = ""
    said: tuple[str, ...] = ()
    features: Features | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a run waits for.

    Attributes:
        reason: What, in words: "the model server at http://... is gone: nobody answers there".
        seconds: For how long already.
        most: For how many seconds at most; None if that is not known.
    """

    reason: str
    seconds: float
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """What the answers have cost so far.

    Attributes:
        answers: How many there were, second tries included.
        seconds: What they took, from sending to receiving, added up over all threads.
        prompt_tokens: As the server counted.
        completion_tokens: Likewise.
    """

    answers: int = 0
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: "Stats") -> "Stats":
        return Stats(
            self.answers + other.answers,
            self.seconds + other.seconds,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )


class Describer(Protocol):
    """Looks at previews. Safe to call from several threads.

    A backend derives from this and says what it has to say; what it leaves out has a plain default.
    """

    @property
    def model(self) -> str:
        """The model's name, as it goes into the catalog."""

    def describe(self, preview: Preview, prompt: Prompt) -> Description:
        """Describe one picture.

        Raises:
            ReplyError: The model answered, but with nothing usable.
            ServerError: The model cannot be reached any more; the run has to stop.
        """

    def answer(self, prompt: Prompt) -> str:
        """Get an answer to words alone.

        Raises:
            PhotoError: This question gets none.
            ServerError: The model cannot be asked in words, or cannot be reached any more.
        """
        del prompt
        raise ServerError(f"{self.model} answers no questions without a picture", "Take a model on a server")

    @property
    def cache_name(self) -> str:
        """The name under which kept answers are found: that of what looks, whatever is made of what it sees."""
        return self.model

    @property
    def served_as(self) -> str:
        """The name of the model on a server, or "" for one that runs here."""
        return ""

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that it can answer in, by English names; none for a model that may know any."""
        return ()

    @property
    def names_only(self) -> bool:
        """Whether it knows names of things and no more, so that its titles say little."""
        return False

    @property
    def capacity(self) -> int:
        """Pictures that are of use at once."""
        return 1

    @property
    def stats(self) -> Stats:
        """What the answers have cost so far; nothing for a model that does not count."""
        return Stats()

    @property
    def took(self) -> Mapping[str, int]:
        """How many questions at once it turned out to take, by place: where the next run had better begin."""
        return {}

    @property
    def waiting(self) -> Waiting | None:
        """What is waited for longer than usual, or None."""
        return None

    def discover(self) -> tuple[str, ...]:
        """See that the model can be asked; gives what the user should know about it, a sentence each.

        Raises:
            ServerError: It cannot.
        """
        return ()

    def news(self) -> tuple[str, ...]:
        """What the user should know since this was asked last, a sentence each."""
        return ()

    def turns_out_another(self, name: str) -> bool:
        """See that the model can be asked; whether its kept answers have another name than `cache_name` gave before.

        Raises:
            ServerError: It cannot.
        """
        return name != self.cache_name

    def kept_name(self, answer: Description) -> str:
        """The name under which an answer of this model is kept."""
        return answer.model

    def reread(self, kept: Description, prompt: Prompt) -> Description | None:
        """What this model would say, going by a kept answer; None where it does not tell."""
        del prompt
        return kept

    def at_threshold(self, threshold: float) -> "Describer | None":
        """The same model, sure of a tag from this probability (0 to 1) on; None for one that tells none."""
        del threshold
        return None

    def stop(self) -> None:
        """The user stops the run: nobody waits any longer than for answers that are on their way."""
        return

    def close(self) -> None:
        """Let go of what the model holds."""
        return


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file tells of its photo that is neither a tag nor a caption. What it does not tell is empty.

    Attributes:
        width: Of the upright picture, in pixels; 0 when unknown.
        height: Likewise.
        taken: When, in seconds since 1970-01-01 00:00 local time there, as the camera's clock told it.
        camera: Maker and model, or "".
        latitude: Of the place, -90 to 90 degrees, north is positive.
        longitude: Likewise, -180 to 180, east is positive.
        rating: 0 to 5 stars; -1: rejected.
    """

    width: int = 0
    height: int = 0
    taken: int | None = None
    camera: str = ""
    latitude: float | None = None
    longitude: float | None = None
    rating: int | None = None

    def values(self) -> tuple[int, int, int | None, str, float | None, float | None, int | None]:
        """All of them, in their order."""
        return (
            self.width, self.height, self.taken, self.camera, self.latitude, self.longitude, self.rating,
        )  # fmt: skip

    @property
    def date(self) -> datetime | None:
        """When, as a date without a time zone."""
        return None if self.taken is None else _EPOCH + timedelta(seconds=self.taken)


_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local time
_NOTHING_TOLD = Facts()


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a photo's own metadata (embedded and sidecar) say about its content.

    Attributes:
        tags: Every tag once (by identity), in order. A hierarchical tag is its whole path with "|" between the
            levels ("Places|Europe|Paris"); a flat value that only repeats a level of such a path is not a tag.
        fields: Raw values by the name of the row in FIELDS, as read from the file that would be written.
        title: dc:title, default language, or "".
        description: dc:description, default language, or "".
        alt_text: Iptc4xmpCore:AltTextAccessibility, default language, or "".
        away: Tags that a person took away since tagroll wrote them; what a model says does not bring them back.
        ours: Those of the tags that tagroll wrote; all others are a person's.
        facts: What else it tells; no part of equality, as no write changes it.
        people: Names that other programs gave to faces in it.
        address: City, state and country as another program or a person wrote them, "" for what is not there.
    """

    tags: tuple[str, ...] = ()
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    title: str = ""
    description: str = ""
    alt_text: str = ""
    away: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    facts: Facts = field(default=_NOTHING_TOLD, compare=False)
    people: tuple[str, ...] = field(default=(), compare=False)
    address: tuple[str, str, str] = field(default=("", "", ""), compare=False)


@dataclass(frozen=True, slots=True)
class Change:
    """What to do to the metadata of one file. Never a full new list: differences only.

    Attributes:
        add: Tags to add where they are missing ("a|b" is a hierarchical one).
        remove: Tags to take away, compared by identity; a path removes the flat values that only it explained.
        set: New values for CAPTIONS; "" removes.
        left: Lists of tags that tagroll has left in the photo before. A UserComment of just one of them is its own.
        align: Whether fields that disagree are brought in step even where no tag comes or goes.
        hang: Words that go into a tree of Lightroom's too where they are, so far, flat beside it.
        fields: Raw values that fields shall hold, whatever the tags are; () takes one out.
        comment: Whether UserComment shall hold the tags as well, where it is empty or ours and no caption.
        ours: Tags that count as written by tagroll afterwards. What is added and not named here is a person's.
        theirs: Tags that are a person's afterwards, though tagroll wrote them. It wins over `ours`.
    """

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    set: Mapping[str, str] = field(default_factory=dict)
    left: tuple[tuple[str, ...], ...] = ()
    align: bool = False
    hang: tuple[str, ...] = ()
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    comment: bool = False
    ours: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there may be anything to do."""
        return self.is_new or self.align or bool(self.fields or self.ours)

    @property
    def is_new(self) -> bool:
        """Whether the photo says something else afterwards, or a person's tag, and not only the same in more fields."""
        return bool(self.add or self.remove or self.set or self.theirs)


@dataclass(frozen=True, slots=True)
class Write:
    """One file replaced (or created), as the journal keeps it: enough to take it back.

    Attributes:
        photo: The photo, absolute.
        target: The file that is replaced: the photo (symlinks resolved) or its sidecar.
        engine: "jpeg", "png", "webp", "exiftool" or "sidecar".
        before: Metadata of the photo before.
        after: Metadata of the photo after.
        before_hash: Hash (see metadata/hashing.py) of the whole target before, or "" when there was no such file.
        after_hash: Hash of the whole target after, or "" when the write removes it.
        patch: Turns the bytes after into the bytes before (metadata/patch.py); b"" when there was no file.
        picture_hash: Hash of the photo's picture data; a write never changes it.
        beside: Set where the photo itself was not written, but a sidecar. The journal does not keep it, nor what follows.
        broke_seal: Whether the photo carried a C2PA signature, which is invalid now.
    """

    photo: Path
    target: Path
    engine: str
    before: Metadata
    after: Metadata
    before_hash: str
    after_hash: str
    patch: bytes = field(repr=False)
    picture_hash: str
    beside: "Beside | None" = field(default=None, compare=False)
    broke_seal: bool = field(default=False, compare=False)

    @property
    def is_sidecar(self) -> bool:
        """Whether the target is a sidecar, and not the photo itself."""
        return self.engine == "sidecar"


@dataclass(frozen=True, slots=True)
class Beside:
    """That tags were written beside a photo and not into it.

    Attributes:
        reason: Why, one line.
        kind: The photo's format, or "dng": a RAW into which other programs write.
        is_base: The sidecar is called name.xmp, as Lightroom wants it, not name.ext.xmp.
        keeps_old: The photo itself still carries tags that were taken away.
    """

    reason: str
    kind: str
    is_base: bool = False
    keeps_old: bool = False


Decide = Callable[[Metadata], Change]
"""What a photo says -> what is to be done to it."""

Journal = Callable[[Write], None]
"""Called just before a file is replaced; returns when the row is durable on disk, or raises to stop the write."""


class Status(StrEnum):
    """How it went with one photo; of one that was changed, what was done."""

    TAGGED = "tagged"
    COPIED = "copied"
    REWRITTEN = "rewritten"
    RESTORED = "restored"
    REMOVED = "removed"
    BESIDE = "beside"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"

    @property
    def changed(self) -> bool:
        """Whether a file was, or would be, written, made or removed."""
        return self not in (Status.UNCHANGED, Status.SKIPPED, Status.FAILED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one photo's way through a run.

    Attributes:
        path: The photo.
        status: How it went.
        tags: The tags the photo carries now (as far as known).
        error: What went wrong, one line, or "".
        hint: What the user can do about it, or "".
        removed: How many tags were there that tagroll had not written and are now replaced.
        kept: Whether a caption that was asked for is not written, because the photo has one.
        asked: Whether a model was asked (and not the catalog).
        target: The file that was made from the photo, or None.
        beside: Why its tags are beside it and not in it; None where they are in it.
        broke_seal: Whether it carried a C2PA signature that is invalid now.
        withheld: Tags that the model says and that a person took away: they are not given again.
        unlisted: What the model says and is dropped, as it is not on the person's list.
        ours: Those of the tags that tagroll wrote, where that was asked for.
        away: Tags that a person took away since tagroll wrote them, likewise.
        lists: Where a person wants lists of tags in step: field -> what came into it, and what went.
        struck: What the model says of people and places that no field of the photo names: it is not written.
        confidences: How sure a model that tells it was of the tags, 0 to 1.
        proposals: The same of tags of which it was not sure enough: for a person to judge.
        same_as: The frame of its burst that the model was shown in its place, or None.
    """

    path: Path
    status: Status
    tags: tuple[str, ...] = ()
    error: str = ""
    hint: str = ""
    removed: int = 0
    kept: bool = False
    asked: bool = False
    target: Path | None = None
    beside: Beside | None = None
    broke_seal: bool = False
    withheld: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    away: tuple[str, ...] = ()
    lists: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    struck: tuple[str, ...] = ()
    confidences: Mapping[str, float] = field(default_factory=dict)
    proposals: Mapping[str, float] = field(default_factory=dict)
    same_as: Path | None = None

    def row(self) -> dict[str, object]:
        """What programs get to read of it, the same from every command."""
        more = {"target": str(self.target)} if self.target else {}
        if self.same_as:
            more["same_as"] = str(self.same_as)
        if self.beside:
            more["beside"] = self.beside.reason
        lists: dict[str, object] = {
            name: list(found) for name in ("withheld", "unlisted", "struck") if (found := getattr(self, name))
        }
        if self.lists:
            lists["lists"] = {
                name: {"added": list(came), "removed": list(went)}
                for name, (came, went) in self.lists.items()
            }
        told = {name: dict(found) for name in ("confidences", "proposals") if (found := getattr(self, name))}
        return {
            "type": "photo", "path": str(self.path), "status": str(self.status), "tags": list(self.tags),
            "error": self.error or None, **more, **lists, **told,
        }  # fmt: skip
