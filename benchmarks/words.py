"""How well a model's words are put on a person's own.

    python benchmarks/words.py

- fresh.txt as a person's list: the first word of each of its 300 lines; what the rest of a line says is to be found on it.
- never.txt: one word of a pair is the list, the other one is said, and the other way round.
- 1,000 photos with ten things each and a model that calls a thing, at random, by any of its words: how many different tags
  a thing has in the end, with `--vocabulary library` on a library that is empty at first.
- How long it takes to find a word on lists of a tagger's vocabulary, by processor time.

Beside each: the nearest peer's way, which is the closest spelling (difflib, ratio of at least .8), with the same words.
"""

import argparse
import difflib
import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from merging import HERE, read_vocabulary

from tagroll.runs.words import LIBRARY, WordRequest
from tagroll.tags.lexicon import everyday, lexicon
from tagroll.tags.vocabulary import Vocabulary
from tagroll.tags.word_index import WordIndex

Find = Callable[[str], str | None]
PHOTOS, THINGS = 1000, 10


def ours(words: Iterable[str]) -> WordIndex:
    return WordIndex(Vocabulary(dict.fromkeys(words, ())))


def by_rules(words: Iterable[str]) -> Find:
    index = ours(words)
    return lambda tag: match.word if (match := index.find(tag)) else None


def by_spelling(words: Iterable[str]) -> Find:
    known = {word.lower(): word for word in words}

    def find(tag: str) -> str | None:
        close = difflib.get_close_matches(tag.lower(), known, 1, 0.8)
        return known[close[0]] if close else None

    return find


WAYS = {"tagroll": by_rules, "closest spelling": by_spelling}


def meanings(name: str) -> list[list[str]]:
    """The words of each line of a labelled list."""
    same: dict[int, list[str]] = defaultdict(list)
    for tag, number in read_vocabulary(HERE / "data" / name)[0].items():
        same[number].append(tag)
    return list(same.values())


def score_list() -> None:
    """Print how many fresh words are found on the list, and how many are put on another word."""
    lines = meanings("fresh.txt")
    said = [(word, line[0]) for line in lines for word in line[1:]]
    listed = [line[0] for line in lines]
    for name, way in WAYS.items():
        find = way(listed)
        got = [(find(word), meant) for word, meant in said]
        right = sum(found == meant for found, meant in got)
        wrong = sum(found not in (None, meant) for found, meant in got)
        print(
            f"fresh.txt, {len(said)} words on a list of {len(listed)}, {name}: found {right / len(said):.3f}, wrong {wrong}"
        )
    index = ours(listed)
    above = [(index.broader(word), meant) for word, meant in said if not index.find(word)]
    right = sum(found == meant for found, meant in above)
    wrong = sum(found not in (None, meant) for found, meant in above)
    print(f"  with --strict a broader word for the rest: {right} that mean the same, {wrong} other")


def score_never() -> None:
    """Print how many pairs that are never one are joined."""
    lines = (HERE / "data/never.txt").read_text("utf-8").splitlines()
    rows = [line.split(" / ") for line in lines if not line.startswith("#")]
    for name, way in WAYS.items():
        joined = [(a, b) for a, b in rows if way([a])(b) or way([b])(a)]
        print(f"never.txt, {name}: {len(joined)} of {len(rows)} pairs joined")


def score_library(name: str) -> None:
    """Print how many different tags a thing has that a model calls by random words."""
    lines = meanings(name)
    for told, request in (("any word", WordRequest()), ("--vocabulary library", WordRequest(LIBRARY))):
        words = request.words_among({}, ())
        rng = random.Random(7)  # noqa: S311 - no secret
        tags: dict[int, set[str]] = defaultdict(set)
        for _ in range(PHOTOS):
            for number in rng.sample(range(len(lines)), THINGS):
                tags[number].update(words.of([rng.choice(lines[number])], "title", 20).tags)
        each = sum(map(len, tags.values())) / len(tags)
        print(f"{name}, {len(lines)} things, {told}: {each:.3f} tags a thing")


def time_index(tags: Sequence[str], sizes: Iterable[int]) -> None:
    """Print the processor time that it takes to make an index and to find words in it for the first time."""
    _ = lexicon(), everyday()
    for size in sizes:
        rng = random.Random(size)  # noqa: S311 - no secret
        mixed = rng.sample(tags, len(tags))
        listed, said = mixed[:size], mixed[size : size + 1000]
        began = time.process_time()
        index = ours(listed)
        made = time.process_time()
        for word in said:
            index.find(word)
        found = time.process_time()
        print(
            f"{len(listed):,} terms: made in {made - began:.2f} s, {(found - made) / len(said) * 1000:.3f} ms a word"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    folder = Path(os.environ.get("TAGROLL_DATA", ".")) / "tagmerge"
    parser.add_argument(
        "--tags", type=Path, default=folder / "vocab_ram.txt", help="a tag a line, at least 4,000"
    )
    args = parser.parse_args()
    score_list()
    score_never()
    score_library("vocabulary.txt")
    score_library("fresh.txt")
    if args.tags.is_file():
        lines = args.tags.read_text("utf-8").splitlines()
        time_index([line for line in lines if line and not line.startswith("#")], (300, 3000))
    else:
        print(f"no times: {args.tags} is not there (set TAGROLL_DATA)")


if __name__ == "__main__":
    main()
