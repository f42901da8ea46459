"""How well tags are merged.

    TAGROLL_DATA=... python benchmarks/merging.py [--data $TAGROLL_DATA/tagmerge] [--half test]

Pairs: every row of the folder tagmerge (see its README), a group of rows either in the half that rules were tuned on
("dev") or in the other ("test"). Two tags count as merged when the rules merge them, or when the rules have no opinion
and the cosine reaches the threshold. Vocabularies: every pair of a whole labelled list counts; data/vocabulary.txt is
ours, and data/fresh.txt is one that was labelled before it was run and never tuned on. data/never.txt has pairs that must
not become one, whatever else is in the library.
"""

import argparse
import os
import zlib
from collections import defaultdict
from itertools import combinations
from pathlib import Path

from tagroll.models.builtin.embedder import BuiltinEmbedder
from tagroll.tags.merge import MergeOptions, TagVectors, plan_merges
from tagroll.tags.term import term
from tagroll.tags.verdict import judge

HERE = Path(__file__).parent
CIRCULAR = (
    "pos_imagenet1k",
    "neg_imagenet_siblings",
    "neg_imagenet_hypernyms",
    "neg_wn_antonyms",
    "neg_wn_meronyms",
)
"""Made from WordNet, which the rules know: they prove little."""


def half_of(group: str) -> str:
    """The half a group of rows is in, the same on every machine."""
    return "test" if zlib.crc32(group.encode()) % 2 else "dev"


def embedded(tags: list[str]) -> TagVectors:
    return TagVectors(tags, BuiltinEmbedder().embed(tags))


def score_pairs(folder: Path, half: str, options: MergeOptions) -> None:
    """Print, per file and kind, how many pairs merge."""
    print(f"{'file':24} {'kind':12} {'pairs':>6} {'merged':>6} {'share':>6}")
    totals: dict[bool, list[int]] = {True: [0, 0], False: [0, 0]}
    for path in sorted(folder.glob("*.tsv")):
        rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()[2:] if line]
        rows = [row for row in rows if half in ("all", half_of(row[3]))]
        tags = sorted({tag for row in rows for tag in row[:2]})
        vectors = dict(zip(tags, BuiltinEmbedder().embed(tags), strict=True))
        counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for a, b, kind, _ in rows:
            verdict = judge(term(a), term(b))
            close = verdict.open and vectors[a] @ vectors[b] >= options.threshold
            counts[kind][0] += 1
            counts[kind][1] += a == b or verdict.evidence is not None or bool(close)
        for kind, (n, merged) in sorted(counts.items()):
            mark = " circular" if path.stem in CIRCULAR else ""
            print(f"{path.stem:24} {kind:12} {n:6} {merged:6} {merged / n:6.3f}{mark}")
            if not mark:
                total = totals[path.stem.startswith("pos")]
                total[0] += n
                total[1] += merged
    (positives, right), (negatives, wrong) = totals[True], totals[False]
    print(f"not circular: recall {right / positives:.4f}, precision {right / (right + wrong):.4f}, "
          f"{wrong} of {negatives} wrong merges")  # fmt: skip


def read_vocabulary(path: Path) -> tuple[dict[str, int], set[frozenset[str]]]:
    """The labelled tags with the number of their meaning, and the arguable pairs."""
    meaning: dict[str, int] = {}
    arguable: list[list[str]] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines()):
        if line.startswith("~"):
            arguable.append([tag.strip() for tag in line.split("~") if tag.strip()])
        elif line and not line.startswith("# "):
            meaning |= dict.fromkeys((tag.strip() for tag in line.split(" = ")), number)
    same: dict[int, list[str]] = defaultdict(list)
    for tag, number in meaning.items():
        same[number].append(tag)
    pairs = {
        frozenset((x, y))
        for line in arguable
        for a, b in combinations(line, 2)
        for x in same[meaning[a]]
        for y in same[meaning[b]]
    }
    return meaning, pairs


def score_vocabulary(path: Path, options: MergeOptions) -> None:
    """Print recall and precision over all pairs of a labelled vocabulary."""
    meaning, arguable = read_vocabulary(path)
    tags = sorted(meaning)
    plan = plan_merges(dict.fromkeys(tags, 1), embedded(tags), options)
    made = {frozenset(p) for members in plan.clusters.values() for p in combinations(members, 2)} - arguable
    same: dict[int, list[str]] = defaultdict(list)
    for tag, number in meaning.items():
        same[number].append(tag)
    wanted = {frozenset(p) for members in same.values() for p in combinations(members, 2)}
    right = len(made & wanted)
    name = "plain DBSCAN" if options.plain else "tagroll"
    print(f"{path.name}, {len(tags)} tags, {len(wanted)} pairs to merge, {name}: recall {right / len(wanted):.3f}, "
          f"precision {right / max(1, len(made)):.3f}, largest cluster {max(map(len, plan.clusters.values()))}")  # fmt: skip
    if not options.plain:
        print("  wrong:", ", ".join(sorted(" = ".join(sorted(p)) for p in made - wanted)) or "none")
        print("  missed:", ", ".join(sorted(" = ".join(sorted(p)) for p in wanted - made)) or "none")


def score_never(path: Path, options: MergeOptions) -> None:
    """Print which pairs become one, all tags of the list being in one library."""
    rows = [line.split(" / ") for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    tags = sorted({tag for row in rows for tag in row})
    into = plan_merges(dict.fromkeys(tags, 1), embedded(tags), options).mapping
    merged = [row for row in rows if len({into.get(tag, tag) for tag in row}) == 1]
    print(f"{path.name}: {len(merged)} of {len(rows)} pairs become one {merged or ''}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TAGROLL_DATA", ".")) / "tagmerge")
    parser.add_argument("--half", choices=("dev", "test", "all"), default="test")
    parser.add_argument("--threshold", type=float, default=0.85)
    args = parser.parse_args()
    for plain in (False, True):
        options = MergeOptions(threshold=args.threshold, plain=plain)
        score_vocabulary(HERE / "data/vocabulary.txt", options)
        score_vocabulary(HERE / "data/fresh.txt", options)
        score_never(HERE / "data/never.txt", options)
    if args.data.is_dir():
        score_pairs(args.data, args.half, MergeOptions(threshold=args.threshold))
    else:
        print(f"no pairs: {args.data} is not there (set TAGROLL_DATA)")


if __name__ == "__main__":
    main()
