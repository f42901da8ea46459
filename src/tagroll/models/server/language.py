"""Whether an answer is in the language that was asked for: by its letters, and where English is taken for another one.

It says no only where it is sure: of a language that it does not know it says nothing.
"""

import re
import unicodedata
from typing import Final

from tagroll.domain import Description
from tagroll.tags.lexicon import lexicon

_LATIN = {"LATIN"}
_IN_LATIN = (
    "Czech", "Danish", "Dutch", "English", "Finnish", "French", "German", "Italian", "Norwegian", "Polish", "Portuguese",
    "Spanish", "Swedish", "Turkish",
)  # fmt: skip
SCRIPTS: Final = {
    "Arabic": {"ARABIC"}, "Chinese": {"CJK"}, "Greek": {"GREEK"}, "Hebrew": {"HEBREW"}, "Hindi": {"DEVANAGARI"},
    "Japanese": {"HIRAGANA", "KATAKANA", "CJK"}, "Korean": {"HANGUL", "CJK"}, "Russian": {"CYRILLIC"},
    "Ukrainian": {"CYRILLIC"},
    **dict.fromkeys(_IN_LATIN, _LATIN),
}  # fmt: skip
"""Language -> what Unicode calls its letters."""
_FEW: Final = 3
"""So many words at least tell a language."""
_MOST: Final = 0.8
"""The share of words that English has too from which on it is English: French and English share many, but not so many."""
_ENGLISH = re.compile(r"\b(?:the|with|and|of|is|are|on|an|by|at)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")


def is_in(answer: Description, language: str) -> bool:
    """Whether an answer may be in a language.

    Args:
        answer: What the model said.
        language: By its English name; of one that SCRIPTS does not have nothing is known.
    """
    wanted = SCRIPTS.get(language)
    texts = (*answer.keywords, answer.title, answer.description)
    letters = [letter for text in texts for letter in text if letter.isalpha()]
    if wanted is None or not letters:
        return True
    ours = sum(unicodedata.name(letter, "").partition(" ")[0] in wanted for letter in letters)
    if 2 * ours < len(letters):
        return False
    return language == "English" or wanted != {"LATIN"} or not _is_english(answer)


def _is_english(answer: Description) -> bool:
    prose = f"{answer.title} {answer.description}"
    if len(_WORD.findall(prose)) > 2 * _FEW:
        return len(_ENGLISH.findall(prose)) >= _FEW
    words = [word.casefold() for keyword in answer.keywords for word in _WORD.findall(keyword)]
    known = sum(word in lexicon().common for word in words)
    return len(words) >= _FEW and known >= _MOST * len(words)
