"""Tells at once of nearly all words that they name nobody and no place, without unpacking the lists of names.

The index stands in data/, made by tools/make_name_index.py: of each name 32 bits of a checksum. So a word that is none of them is
no name; one in thirty thousand others has the number of a name by chance, and is looked up like a name.
"""

import sys
from array import array
from bisect import bisect_left
from functools import lru_cache
from importlib.resources import files
from zlib import crc32

from tagroll.parallel import once


def number_of(name: str) -> int:
    """By what number a name is known."""
    return crc32(name.encode(errors="replace"))


@once
def _numbers() -> "array[int]":
    numbers = array("I", files("tagroll.runs").joinpath("data/name_index.bin").read_bytes())
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


@lru_cache(maxsize=1 << 14)
def may_be_name(phrase: str) -> bool:
    """Whether a phrase in small letters may be a name that is one without a capital letter, too."""
    numbers, number = _numbers(), number_of(phrase)
    at = bisect_left(numbers, number)
    return at < len(numbers) and numbers[at] == number
