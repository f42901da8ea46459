"""Make the table of everyday words for ImageNet's classes.

    python tools/make_labels.py --wordnet /usr/share/wordnet --synsets imagenet_synsets.txt

WordNet 3.0 is the Debian package `wordnet-base`. The order of the classes is in the pip package `timm`,
timm/data/_info/imagenet_synsets.txt: a WordNet id, "n" and the offset of the noun, per line.
Neither is needed at run time.
"""

import argparse
import itertools
import tomllib
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
TABLE = HERE.parent / "src/tagroll/models/builtin/vision/classes.tsv"
MOST_GENERAL = ("animal", "food", "vehicle", "furniture")
NOTICE = "# class, its everyday words from specific to general; from WordNet 3.0, see LICENSE.wordnet\n"


class Nouns:
    """WordNet's nouns: name and parents of every synset, by offset."""

    def __init__(self, folder: Path) -> None:
        self._names: dict[str, str] = {}
        self._parents: dict[str, list[str]] = {}
        for line in (folder / "data.noun").read_text("latin-1").splitlines():
            if not line.startswith(" "):  # the licence stands before the data
                self._add(line.split("|")[0].split())

    def _add(self, fields: list[str]) -> None:
        """Add one line: offset, file, type, word count (hex), (word, id)..., pointer count, (pointer)..."""
        offset, words = fields[0], int(fields[3], 16)
        pointers = fields[5 + 2 * words :]
        self._names[offset] = fields[4].replace("_", " ")
        self._parents[offset] = [
            target for kind, target in zip(pointers[::4], pointers[1::4], strict=False) if kind in {"@", "@i"}
        ]

    def ancestry(self, offset: str) -> Iterator[str]:
        """Name, "name < parent" and so on upwards, nearest first, every way."""
        level = [offset]
        while level:
            for synset in level:
                name = self._names[synset]
                yield name
                yield from (f"{name} < {self._names[parent]}" for parent in self._parents[synset])
            level = list(dict.fromkeys(parent for synset in level for parent in self._parents[synset]))


def everyday_words(ancestry: list[str], words: dict[str, dict[str, str]], animals: set[str]) -> list[str]:
    """Choose the words for one class, from specific to general."""
    own, *qualified = itertools.takewhile(lambda name: name == ancestry[0] or "<" in name, ancestry)
    default = own.lower() if "animal" not in ancestry or own in animals else ""
    chosen = next((words["classes"][name] for name in (*qualified, own) if name in words["classes"]), default)
    if chosen.startswith("="):
        return chosen[1:].split(",")
    parents = (words["parents"].get(name, "") for name in ancestry)
    unique = dict.fromkeys(word for word in (*chosen.split(","), *parents) if word)
    return sorted(unique, key=MOST_GENERAL.__contains__)


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description="Make the table of everyday words.")
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"))
    parser.add_argument("--synsets", type=Path, required=True)
    options = parser.parse_args()
    nouns = Nouns(options.wordnet)
    words = tomllib.loads((HERE / "everyday_words.toml").read_text())
    animals = set(words.pop("animals")["keep"])
    rows = [
        f"{number}\t{','.join(everyday_words(list(nouns.ancestry(synset[1:])), words, animals))}\n"
        for number, synset in enumerate(options.synsets.read_text().split())
    ]
    TABLE.write_text(NOTICE + "".join(rows))
    print(f"{len(rows)} classes -> {TABLE.relative_to(HERE.parent)}")


if __name__ == "__main__":
    main()
