"""BERT's tokenizer (uncased WordPiece), small.

Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers", 2019; Apache-2.0 vocabulary beside
this module.
"""

import unicodedata
from functools import cache
from importlib.resources import files

_LONGEST_WORD = 100
_LONGEST_TEXT = 128
"""Tokens a text may have; a tag has three."""
_CJK = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2FA1F), (0xF900, 0xFAFF))


@cache
def vocabulary() -> dict[str, int]:
    """Token -> its number."""
    from tagroll.zstd import decompress

    packed = files("tagroll.models.builtin").joinpath("data/wordpiece.txt.zst").read_bytes()
    return {token: i for i, token in enumerate(decompress(packed).decode().split("\n"))}


def _stands_alone(char: str) -> bool:
    ascii_sign = char.isascii() and not char.isalnum() and not char.isspace()
    is_cjk = any(low <= ord(char) <= high for low, high in _CJK)
    return ascii_sign or is_cjk or unicodedata.category(char).startswith("P")


def _words(text: str) -> list[str]:
    plain = (
        c
        for c in unicodedata.normalize("NFD", text.lower())
        if unicodedata.category(c) not in {"Mn", "Cc", "Cf"}
    )
    return "".join(f" {c} " if _stands_alone(c) else c for c in plain).split()


def _pieces(word: str, known: dict[str, int]) -> list[int]:
    """The longest known pieces from the left; one [UNK] for a word that does not come out even."""
    found, start = [], 0
    while start < len(word):
        mark = "##" if start else ""
        end = next((e for e in range(len(word), start, -1) if mark + word[start:e] in known), 0)
        if not end:
            return [known["[UNK]"]]
        found.append(known[mark + word[start:end]])
        start = end
    return found


def tokenize(text: str) -> list[int]:
    """The token numbers of a text, [CLS] and [SEP] around them."""
    known = vocabulary()
    pieces = [
        p for w in _words(text) for p in (_pieces(w, known) if len(w) <= _LONGEST_WORD else [known["[UNK]"]])
    ]
    return [known["[CLS]"], *pieces[: _LONGEST_TEXT - 2], known["[SEP]"]]
