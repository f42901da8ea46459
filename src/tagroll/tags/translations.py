"""Words in other languages than English, and which tags of a library say one thing in two of them.

data/translations.tsv has what the built-in model can say: a row for each word and a column for each language, written by
hand; docs/quality.md says how it was checked. Within a language no two words are the same, so that an answer can be turned
back into English.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import chain

from tagroll.tags.given_names import given_names
from tagroll.tags.identity import identity
from tagroll.tags.languages import Languages, is_english
from tagroll.tags.lexicon import everyday, lexicon
from tagroll.tags.term import term

ENGLISH = "English"
_SPOKEN = 3
"""Tags that only one language (of those not found yet) can mean, from which on it is one of the library's."""


@cache
def _table() -> tuple[tuple[str, ...], ...]:
    """The columns, each with the language's English name first."""
    text = files("tagroll.tags").joinpath("data/translations.tsv").read_text("utf-8")
    return tuple(zip(*(line.split("\t") for line in text.splitlines()), strict=True))


def languages() -> tuple[str, ...]:
    """The languages of the table, by English names; English is the first."""
    return tuple(column[0] for column in _table())


@cache
def words_in(language: str) -> Mapping[str, str]:
    """English word -> the word of a language, in small letters but where that language wants capitals; empty for English."""
    english, *others = _table()
    return next(
        (dict(zip(english[1:], words, strict=True)) for name, *words in others if name == language), {}
    )


@dataclass(frozen=True, slots=True)
class Meaning:
    """The one thing that a tag says.

    Attributes:
        word: The English word for it.
        languages: Those of the library, by English names, in which the tag is the word for it.
    """

    word: str
    languages: frozenset[str]

    def is_translation_of(self, other: "Meaning") -> bool:
        """Whether both say one thing, and no language has both words."""
        return self.word == other.word and self.languages.isdisjoint(other.languages)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A tag as the table knows it.

    Attributes:
        tag: As written.
        forms: It in small letters, or else the words that it may be a plural of.
        known: English word and language of each word of the table that it may be.
    """

    tag: str
    forms: frozenset[str]
    known: frozenset[tuple[str, str]]

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(language for _, language in self.known)


@cache
def _known() -> Mapping[str, frozenset[tuple[str, str]]]:
    """Form -> English word and language of each word of the table that is written so."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for language, *words in _table():
        for one, word in zip(_table()[0][1:], words, strict=True):
            found[identity(word)].add((one, language))
            if language == ENGLISH:
                found[term(word).squashed].add((one, language))
    return {form: frozenset(words) for form, words in found.items()}


@cache
def _several_meanings() -> frozenset[tuple[str, str]]:
    """Language, and a word that means several things there."""
    lines = (line.partition(": ") for line in everyday()["several meanings"])
    return frozenset((language, word) for language, _, words in lines for word in words.split(", "))


def _read(tag: str, key: str) -> _Reading:
    word = identity(tag)
    forms = frozenset({word} if word in _known() else {word, term(tag).squashed, key})
    return _Reading(tag, forms, frozenset(chain.from_iterable(_known().get(form, ()) for form in forms)))


def _is_name(reading: _Reading) -> bool:
    return identity(reading.tag) in given_names()


def _spoken(readings: Iterable[_Reading]) -> frozenset[str]:
    """The languages of a library: English, and one after the other that of most words which those before it do not explain.

    What English knows, or a person may be called, tells of no language.
    """
    left = [
        reading.languages
        for reading in readings
        if ENGLISH not in reading.languages
        and not (reading.tag.isascii() and is_english(reading.tag))
        and not _is_name(reading)
    ]
    spoken = {ENGLISH}
    while counts := Counter(chain.from_iterable(left)):
        language = max(counts, key=lambda one: (counts[one], one))
        if counts[language] < _SPOKEN:
            break
        spoken.add(language)
        left = [languages for languages in left if language not in languages]
    return frozenset(spoken)


def _meaning(reading: _Reading, key: str, spoken: frozenset[str], beside_english: bool) -> Meaning | None:
    """The one thing that a tag says in the languages of a library; None where it may be two, or a name."""
    known = [(word, language) for word, language in reading.known if language in spoken]
    names = frozenset(language for _, language in known)
    if ENGLISH in names:  # Camera: in a library that is all Italian, a room
        is_doubtful = names == {ENGLISH} and not beside_english and key != ""
    else:  # Kind, Rosa
        is_doubtful = _is_name(reading) or (beside_english and identity(reading.tag) in lexicon().common)
    several = any((language, form) in _several_meanings() for language in spoken for form in reading.forms)
    if len({word for word, _ in known}) != 1 or is_doubtful or several:
        return None
    return Meaning(known[0][0], names)


def meanings(tags: Sequence[str], keys: Sequence[str], found: Languages) -> list[Meaning | None]:
    """What each tag of a library says; None where the table does not know it, or it may say two things.

    Args:
        tags: All of the library's.
        keys: What the library's languages leave of each without plurals (`Languages.key`).
        found: Those languages.
    """
    readings = list(map(_read, tags, keys))
    spoken = _spoken(reading for reading in readings if reading.known)
    beside_english = found.beside_english or not found.codes
    return [
        _meaning(reading, key, spoken, beside_english) if reading.known else None
        for reading, key in zip(readings, keys, strict=True)
    ]


def most_used(said: Iterable[tuple[Meaning | None, int]]) -> str:
    """The language whose words are on most photos, by its English name; of two with as many the first of the table.

    Args:
        said: What each tag says, and how many photos carry it.
    """
    counts: Counter[str] = Counter()
    for meaning, photos in said:
        counts.update(dict.fromkeys(meaning.languages if meaning else (), photos))
    return max(languages(), key=lambda language: counts[language])
