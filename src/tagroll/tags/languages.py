"""Tags in other languages than English: which languages a library's tags are in, and plurals and spellings there.

The words come from simplemma's dictionaries (data/LICENSE-lexicon.txt), made small by tools/make_languages.py.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from tagroll.tags.lexical_key import without_accents
from tagroll.tags.lexicon import lexicon

_WORD = re.compile(r"[^\W\d_]+|\d+(?:[./,:]\d+)*|[&|+#]")
"""What tells tags apart: words, numbers (Sommer 2019), levels, and what ends a name (C++)."""
_LETTERS = 3
_SHARE = 0.3
"""Share of the words that English does not know which a language must know, to be one of the library's."""
_SHARE_OF_ENGLISH = 0.02
"""Words that are English alone, beside those of the library's languages, from which on English is one of these: a low
share, as a wrong word does more harm than two for one thing."""
_WORDS, _MORE_WORDS = 2, 8
"""How many these must be at least, of the first language and of any more."""
_AND = {"de": "und", "es": "y", "fr": "et", "it": "e", "nl": "en", "pt": "e"}
_UMLAUTS = (("ae", "ä"), ("oe", "ö"), ("ue", "ü"))


@dataclass(frozen=True, slots=True)
class Languages:
    """What the languages of a library know of its words.

    Attributes:
        codes: The languages (ISO 639-1), the one of most words first; English is not told of.
        word_for: Word (small letters) -> the word that stands for all its forms.
        beside_english: Whether some of the words are English alone, so that a word of both may be meant in English
            (animal beside animaux).
    """

    codes: tuple[str, ...] = ()
    word_for: Mapping[str, str] = field(default_factory=dict, repr=False)
    beside_english: bool = False

    def key(self, tag: str) -> str:
        """What is left of a tag without plurals and ways of writing of these languages; "" where they know no word of it."""
        words = _words(tag)
        if not any(word in self.word_for for word in words):
            return ""
        return " ".join(self.word_for.get(word, word) for word in words)

    def may_be_one(self, a: str, b: str) -> bool:
        """Whether two tags with one key are of these languages, and not English."""
        return not (
            is_english(a) or is_english(b) if self.beside_english else is_english(a) and is_english(b)
        )


def _words(tag: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFC", tag).lower())


def is_english(tag: str) -> bool:
    """Whether English knows all words of a tag, also where another language has them (Arms, German: poor)."""
    words = lexicon()
    return all(len(word) < _LETTERS or word in words.known or word in words.meanings for word in _words(tag))


def languages_of(tags: Iterable[str]) -> Languages:
    """Find the languages of a library, and what they say of its words.

    A language counts where it knows a good part of the words that English and the languages before it do not know.
    """
    words = {word for tag in tags for word in _words(tag)}
    english = lexicon()
    letters = {word for word in words if len(word) >= _LETTERS and word.isalpha()}
    open_words = {word for word in letters if word not in english.known and word not in english.meanings}
    in_english = letters - open_words
    if len(open_words) < _WORDS:
        return Languages()
    umlauts = {word: _with_umlauts(word) for word in open_words}
    known = dict(_read(words.union(umlauts.values())))
    codes: list[str] = []
    while True:
        code = max(known.keys() - codes, key=lambda c: (len(open_words & known[c].keys()), c), default="")
        found = open_words & known.get(code, {}).keys()
        if len(found) < (_MORE_WORDS if codes else _WORDS) or len(found) < _SHARE * len(open_words):
            break
        codes.append(code)
        open_words -= found
    theirs = {word for code in codes for word in known[code]}
    english_alone = in_english - theirs - english.names
    beside = len(english_alone) >= max(_WORDS, _SHARE_OF_ENGLISH * len(letters & theirs))
    return Languages(tuple(codes), _word_for(words, codes, known, umlauts), beside)


def _with_umlauts(word: str) -> str:
    for plain, umlaut in _UMLAUTS:
        word = word.replace(plain, umlaut)
    return word


def _word_for(
    words: Collection[str],
    codes: Iterable[str],
    known: Mapping[str, Mapping[str, str]],
    umlauts: Mapping[str, str],
) -> dict[str, str]:
    found: dict[str, str] = {}
    for code in codes:
        of_code = known[code]
        marked = {without_accents(word): word for word in words if word in of_code and not word.isascii()}
        for word in words:
            spelled = next(
                (
                    form
                    for form in (
                        word,
                        umlauts.get(word, word) if code == "de" else word,
                        marked.get(word, word),
                    )
                    if form in of_code
                ),
                None,
            )
            if spelled is not None:
                found.setdefault(word, of_code[spelled])
        found |= dict.fromkeys((_AND[code], "&"), "&")
    return found


def _read(words: Collection[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """What each language knows of some words: word -> the word it is a form of."""
    from tagroll.zstd import decompress

    wanted = frozenset(words)
    packed = files("tagroll.tags").joinpath("data/languages.txt.zst").read_bytes()
    for section in decompress(packed).decode().split("[")[1:]:
        code, _, body = section.partition("]\n")
        found: dict[str, str] = {}
        for line in body.splitlines():
            forms = line.split(" ")
            for word in wanted.intersection(forms):
                if word not in found or word != forms[0]:  # rather a form of another word
                    found[word] = forms[0]
        yield code, found
