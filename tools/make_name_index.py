"""Build name_index.bin in src/tagroll/runs/data: by what number the names of people and places are known, sorted.

    python tools/make_name_index.py

Make it anew whenever the lexicon, the given names, the towns or `looked_up` have changed. Four bytes a name, little endian; see
`name_index.number_of`.
"""

import sys
from array import array
from pathlib import Path

from tagroll.places.towns import atlas
from tagroll.runs.name_index import number_of
from tagroll.runs.proper_names import LONGEST, WORD, looked_up
from tagroll.tags.given_names import given_names
from tagroll.tags.lexicon import lexicon

INDEX = Path(__file__).parents[1] / "src/tagroll/runs/data/name_index.bin"


def numbers() -> "array[int]":
    """The numbers of all that is a name without a capital letter."""
    words, places = lexicon(), atlas()
    countries = (country.partition("\t")[2] for country in places.countries)
    towns = {name.casefold() for name in (*places.towns, *places.states, *countries)}
    known = towns.union(words.meanings, words.names, given_names())
    return array("I", sorted({number_of(name) for name in known if is_found(name)}))


def is_found(name: str) -> bool:
    """Whether it is a name wherever it stands in a text; towns like Sandy Beach are none."""
    words = list(WORD.finditer(name))
    return 0 < len(words) <= LONGEST and name in looked_up(name, words, len(words))


if __name__ == "__main__":
    made = numbers()
    if sys.byteorder == "big":
        made.byteswap()
    INDEX.write_bytes(made.tobytes())
