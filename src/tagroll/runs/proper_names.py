"""Names of people and places in what a model says: which words are such names, as far as lists and letters tell.

Words that are both (rose, turkey, reading) count as names only where a capital letter says so.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from tagroll.places.towns import is_region, is_town
from tagroll.runs.name_index import may_be_name
from tagroll.tags.given_names import given_names
from tagroll.tags.lexicon import CONCRETE, Synset, lexicon

WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
"""What counts as one word."""
Words = Sequence[re.Match[str]]
_POSSESSIVE = re.compile(r"['\u2019]s?$")
_LOCATION, _PERSON, _LANGUAGE, _TIME = 15, 18, 10, 28
"""WordNet's files (lexnames(5WN)); peoples and their languages share a word: Italian."""
_LANDS = frozenset({"body of water", "geological formation", "land", "range"})
"""What rivers, mountains and islands are instances of; the Milky Way and the Eiffel Tower are not."""
_ARTICLES = frozenset({"a", "an", "the"})
LONGEST = 3
"""Words in a name that is known as a whole: New York City."""
_SMALL = 4
"""Letters up to which a word that begins large in the middle of a sentence may be an abbreviation."""
_THINGS_WORDS = """
adidas airbus amtrak android apple audi barbie batman bentley boeing bosch buddha bugatti buick cadillac canon cessna
chevrolet chihuahua christ chrysler citroen coca-cola corvette cupid disney elvis ferrari fiat frisbee frisbees
fujifilm ganesha google gopro guinness harley heineken hermes honda hyundai ikea imac jaguar jesus kawasaki kodak
krishna labrador lamborghini lego leica lexus mac macbook madonna mazda mcdonalds medusa mercedes mickey microsoft
mustang neptune nikon nintendo nissan nokia olympus opel panasonic pekingese pentax pepsi peugeot piaggio playstation
pokemon polaroid porsche poseidon renault rubik samsung santa seat shiva siemens skoda sony spiderman starbucks subaru
superman suzuki tesla toyota tupperware venus vespa vishnu volkswagen volvo wii xbox yamaha yorkshire zeus
"""
THINGS = frozenset(_THINGS_WORDS.split())
"""Makes, breeds and figures that have the name of a person or a place."""


def names_in(text: str, *, capitals: bool, first: bool = False) -> Iterator[str]:
    """The names in a text, as they stand there.

    Args:
        text: A keyword or a sentence.
        capitals: Whether large letters tell names apart, as in an English sentence.
        first: Whether that of the first word does.
    """
    found = list(WORD.finditer(text))
    telling = len(found) if not capitals else 0 if first else 1
    if _may_have_names(text, found, telling):
        yield from looked_up(text, found, telling)


def _may_have_names(text: str, found: Words, telling: int) -> bool:
    """Whether it is worth unpacking the lists."""
    if any(word[0][0].isupper() for word in found[telling:]):
        return True
    spans = (pair for length in range(LONGEST) for pair in zip(found, found[length:], strict=False))
    return any(may_be_name(plain(text[begin.start() : end.end()])) for begin, end in spans)


def looked_up(text: str, found: Words, telling: int) -> Iterator[str]:
    """The names in a text, by the lists.

    Args:
        text: The text.
        found: Its words.
        telling: From which word on a capital letter tells a name.
    """
    at = 0
    while at < len(found):
        length = next((n for n in range(min(LONGEST, len(found) - at), 0, -1) if _is_known(found, at, n)), 1)
        span = text[found[at].start() : found[at + length - 1].end()]
        large = at >= telling and span[0].isupper() and not (span.isupper() and len(span) <= _SMALL)
        if is_name(span, large=large):
            yield span
        at += length


def is_name(phrase: str, *, large: bool) -> bool:
    """Whether a word, or a phrase that is known as a whole, names a person or a place.

    Args:
        phrase: The words.
        large: It begins with a capital letter where other words do not.
    """
    word, words = plain(phrase), lexicon()
    if not THINGS.isdisjoint(word.split()):
        return False
    if word in words.meanings:
        return _is_named_noun(word, large=large)
    if word in given_names() or word in words.names:
        return large or word not in words.common
    if word in words.known:
        return False
    return large or ((is_town(word) or is_region(word)) and not _is_compound(word))


def is_place(phrase: str) -> bool:
    """Whether a name is one of a place."""
    word, words = plain(phrase), lexicon()
    kinds = {words.synsets[m].kind for m in words.main_meanings(word)}
    return _LOCATION in kinds or ((is_town(word) or is_region(word)) and word not in given_names())


def plain(phrase: str) -> str:
    """A phrase in small letters, without the possessive s."""
    return _POSSESSIVE.sub("", phrase.casefold())


@cache
def _is_named_noun(word: str, *, large: bool) -> bool:
    words = lexicon()
    main = [words.synsets[m] for m in words.main_meanings(word)]
    kinds = {meaning.kind for meaning in main}
    if main and all(map(_is_place_or_person, main)):
        return large or word not in words.common
    if kinds & {_LANGUAGE, _TIME}:
        return False
    if word in given_names():
        return large or (word not in words.common and not kinds & CONCRETE)
    return large and is_town(word)


def _is_compound(word: str) -> bool:
    """Whether two everyday words make it: skatepark, also where some hamlet is called so."""
    common = lexicon().common
    return any(word[:cut] in common and word[cut:] in common for cut in range(3, len(word) - 2))


def _is_place_or_person(meaning: Synset) -> bool:
    if not meaning.instance_of or meaning.kind in (_LOCATION, _PERSON):
        return bool(meaning.instance_of)
    words = lexicon()
    classes = {above for one in meaning.instance_of for above in (one, *words.above(one))}
    return any(not _LANDS.isdisjoint(words.words[one]) for one in classes)


def _is_known(found: Words, at: int, length: int) -> bool:
    """Whether so many words in a row are one noun, or the name of a place."""
    phrase = plain(" ".join(match[0] for match in found[at : at + length]))
    if length == 1 or phrase.split()[0] in _ARTICLES:
        return length == 1
    # "christmas trees" is a christmas tree
    return any(one in lexicon().meanings for one in (phrase, phrase.removesuffix("s"))) or (
        (is_town(phrase) or is_region(phrase))
        and not all(word in _ARTICLES or word in lexicon().common for word in phrase.split())
    )
