"""What is known of a photo besides its picture: where, when, in which folder, who, and what its owner says.

It is made from metadata that are there, on this machine, and told to a model behind the fixed words of its prompt.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final, Literal, get_args

from tagroll.domain import Description, Facts, Metadata, Photo, Prompt
from tagroll.errors import MetadataError
from tagroll.models.sending import departures
from tagroll.places.towns import Place, atlas, distance
from tagroll.runs.folder_words import folder_words
from tagroll.runs.held import Held, hold
from tagroll.runs.proper_names import is_place, names_in, plain
from tagroll.settings import Settings
from tagroll.tags.identity import LEVEL, identities, identity

Kind = Literal["place", "date", "folder", "people", "keywords"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
TOLD: Final[frozenset[Kind]] = frozenset({"place", "date", "folder", "keywords"})
"""What is told unless a person says otherwise."""
PEOPLE_AT: Final = "people"
"""The top of a tree of people, as Lightroom and digiKam have it."""
MOST = 12
"""Keywords, or people, that are told; more would drown the picture."""
ALSO_CALLED: Final = {
    "US": ("USA", "America"), "GB": ("UK", "Britain", "Great Britain"), "NL": ("Holland",), "CZ": ("Czech Republic",),
    "AE": ("Emirates", "UAE"), "CH": ("Swiss",), "TR": ("Turkey",), "CI": ("Ivory Coast",), "CV": ("Cape Verde",),
}  # fmt: skip
"""Other names of countries that people and models use, by code."""
CLOSE = 50.0
"""Kilometres within which a town that a folder is called after may well be where the photo was taken."""
_WORD = re.compile(r"[^\W\d_]+")
_LONGEST = 200
_SEASONS = ("winter", "spring", "summer", "autumn")
_HOURS = ((5, "night"), (11, "morning"), (14, "midday"), (18, "afternoon"), (22, "evening"), (24, "night"))
"""Until which hour of the day what lasts."""
_TROPIC = 23.44
"""Degrees: nearer the equator there are no four seasons."""

_HEAD = """This is known of the photo from elsewhere. It may help to tell what is seen; it is no reason to name what \
cannot be seen. Name no other place and no other person."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of one photo. What is not known is empty.

    Attributes:
        place: "Malcesine, Veneto, Italy", or with "near " before it.
        when: Month or season, and time of day.
        folder: What its folders say, the nearest last.
        keywords: Those that a person or another program gave it.
        people: Those whom another program named in it.
        hint: What its owner says.
        words: Identities of all words that some field of the photo says, told or not: what an answer may name.
        facts: What its file tells; no model is told it as such.
    """

    place: str = ""
    when: str = ""
    folder: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    hint: str = ""
    words: frozenset[str] = field(default=frozenset(), compare=False)
    facts: Facts = field(default=Facts(), compare=False)

    @property
    def text(self) -> str:
        """As a model is told it; "" where nothing is known."""
        facts = (
            ("Place", self.place), ("Time", self.when), ("Folder", " / ".join(self.folder)),
            ("Keywords so far", ", ".join(self.keywords)), ("People in it", ", ".join(self.people)),
            ("Its owner says", self.hint),
        )  # fmt: skip
        lines = [f"- {name}: {_plain(said)}" for name, said in facts if said]
        return "\n".join([_HEAD, *lines]) if lines else ""

    def asked(self, prompt: Prompt) -> Prompt:
        """A prompt with what is known of this photo behind it; itself where nothing is."""
        if not (text := self.text):
            return prompt
        return replace(prompt, text=f"{prompt.text}\n\n{text}", about=_short(text))


@dataclass(frozen=True, slots=True)
class Telling:
    """What of photos a model is told. It can be pickled, and goes where photos are looked at.

    Attributes:
        kinds: Which of KINDS.
        hint: What the owner says of all photos.
        hints: Folder, by its path or the end of it, and what the owner says of the photos in it.
        is_wanted: The owner named the kinds. Else they are told to nobody but this machine.
        is_held: Answers are held to what is known, told or not.
    """

    kinds: frozenset[Kind] = TOLD
    hint: str = ""
    hints: tuple[tuple[str, str], ...] = ()
    is_wanted: bool = False
    is_held: bool = True

    def heard_by(self, settings: Settings) -> "Telling":
        """What is told to the model that these settings name: a server elsewhere gets pictures alone, unless it is wanted."""
        is_away = (
            settings.backend != "builtin" and settings.model_file is None and departures(settings.api_urls)
        )
        return replace(self, kinds=frozenset()) if is_away and not self.is_wanted else self

    def without(self, kind: Kind) -> "Telling":
        """The same, but for one kind."""
        return replace(self, kinds=self.kinds - {kind})

    def hint_for(self, photo: Path) -> str:
        """What the owner says of a photo."""
        said = (text for folder, text in self.hints if any(above.match(folder) for above in photo.parents))
        return ". ".join(dict.fromkeys(text.strip(" .") for text in (*said, self.hint) if text.strip()))

    def question(self, prompt: Prompt, photo: Path) -> Prompt:
        """A prompt as it is asked about this photo before anything is read of it: another hint is another question."""
        hint = self.hint_for(photo)
        return replace(prompt, key=f"{prompt.key}{_short(hint)}", earlier=()) if hint else prompt

    def __bool__(self) -> bool:
        """Whether photos have to be read for it."""
        return bool(self.kinds or self.hint or self.hints or self.is_held)

    def context(self, photo: Photo, said: Metadata) -> Context:
        """What is known of a photo that says this. Its tags by tagroll are not: what a model said once nobody knows."""
        tags = tuple(tag for tag in said.tags if tag not in said.ours)
        people = _people(said, tags)
        place = _place(said.facts)
        folder = consistent(folder_words(photo.path), place, said.facts)
        hint, address = self.hint_for(photo.path), [text for text in said.address if text]
        has = self.kinds.__contains__
        told = Context(
            (", ".join(address) or _near(place)) if has("place") else "",
            _when(said.facts) if has("date") else "",
            folder if has("folder") else (),
            _keywords(tags, people)[:MOST] if has("keywords") else (),
            people[:MOST] if has("people") else (),
            hint,
        )
        texts = (
            *_names(place), *folder, *tags, *people, hint, *address, said.title, said.description, said.alt_text,
        )  # fmt: skip
        return replace(told, words=_words(texts), facts=said.facts)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of photos here, where they can be read.

    Attributes:
        telling: What of it is told.
        read: Reads what a photo says.
        english: Whether answers are in English.
    """

    telling: Telling
    read: Callable[[Photo], Metadata]
    english: bool = True

    def of(self, photo: Photo) -> Context:
        """What is known of a photo. Of one that cannot be read, what its path says: who writes it says why."""
        try:
            said = self.read(photo)
        except MetadataError:
            return self.telling.context(photo, Metadata())
        return self.telling.context(photo, said)

    def hold(self, photo: Photo, answer: Description, known: Context | None = None) -> Held:
        """An answer about a photo, held to what is known of it; read anew where that was not done before."""
        if not self.telling.is_held:
            return Held(answer)
        return hold(answer, lambda: (known or self.of(photo)).words, english=self.english)


def consistent(folder: tuple[str, ...], place: Place, facts: Facts) -> tuple[str, ...]:
    """The words of folders, without the names of places that cannot be true where the photo was taken."""
    if not place or facts.latitude is None or facts.longitude is None:
        return folder
    here = _words(_names(place))
    point = facts.latitude, facts.longitude

    def is_wrong(name: str) -> bool:
        away = distance(plain(name), *point)
        return is_place(name) and not here.issuperset(_words((name,))) and away > CLOSE

    kept = []
    for text in folder:
        names = [name for name in names_in(text, capitals=False) if is_wrong(name)]
        for name in names:
            text = " ".join(text.replace(name, " ").split())  # noqa: PLW2901
        kept.append(text)
    return tuple(filter(None, kept))


def _place(facts: Facts) -> Place:
    if facts.latitude is None or facts.longitude is None:
        return Place()
    return atlas().place(facts.latitude, facts.longitude)


def _names(place: Place) -> tuple[str, ...]:
    return place.town, place.state, place.country, *ALSO_CALLED.get(place.code, ())


def _near(place: Place) -> str:
    names = ", ".join(dict.fromkeys(filter(None, (place.town, place.state, place.country))))
    return f"near {names}" if place.town and place.away > 1 else names


def _when(facts: Facts) -> str:
    """Month, or season where the hemisphere is known, and the time of day. Midnight sharp is a day without a time."""
    if (taken := facts.date) is None:
        return ""
    day = f"{taken:%B}"
    if facts.latitude is not None and abs(facts.latitude) > _TROPIC:
        turned = 0 if facts.latitude > 0 else 2
        day = f"{_SEASONS[(taken.month % 12 // 3 + turned) % 4]} ({day})"
    if (taken.hour, taken.minute, taken.second) == (0, 0, 0):
        return day
    return f"{day}, {_part_of_day(taken)}"


def _part_of_day(taken: datetime) -> str:
    return next(name for until, name in _HOURS if taken.hour < until)


def _people(said: Metadata, tags: tuple[str, ...]) -> tuple[str, ...]:
    """Whom other programs named: in regions and lists, and in the branch of people of the tags."""
    paths = (tag.split(LEVEL) for tag in tags)
    branch = (path[-1] for path in paths if len(path) > 1 and identity(path[0]) == PEOPLE_AT)
    found: dict[str, str] = {}
    for name in (*said.people, *branch):
        found.setdefault(identity(name), name)
    return tuple(found.values())


def _keywords(tags: tuple[str, ...], people: tuple[str, ...]) -> tuple[str, ...]:
    """The last levels of tags; who is in the photo is told as such, or not at all."""
    named = identities(people)
    words = (tag.rsplit(LEVEL, 1)[-1] for tag in tags if identity(tag.split(LEVEL)[0]) != PEOPLE_AT)
    return tuple(dict.fromkeys(word for word in words if identity(word) not in named))


def _short(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _words(texts: Collection[str]) -> frozenset[str]:
    return frozenset(word for text in texts for word in _WORD.findall(identity(text)))


def _plain(text: str) -> str:
    """A text of a stranger's file on one line of reasonable length."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_LONGEST]
