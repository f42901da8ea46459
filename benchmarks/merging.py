"""How well tags are merged.

    TAGROLL_DATA=... python benchmarks/merging.py [--data $TAGROLL_DATA/tagmerge] [--half test]

Pairs: every row of the folder tagmerge (see its README), a group of rows either in the half that rules were tuned on
("dev") or in the other ("test"). Two tags count as merged when the rules merge them, or when the rules have no opinion
and the cosine reaches the threshold. Vocabularies: every pair of a whole labelled list counts; data/vocabulary.txt is
ours, and data/fresh.txt is one that was labelled before it was run and never tuned on. data/never.txt has pairs that must
not become one, whatever else is in the library. The folder tagmerge/llm, where it is there, has tags of vision models,
labelled; languages.tsv has pairs of other languages. What --translate finds is counted over its own table: how much its
guards leave. --judges: what scripted models add to the rules that know everything, guess, or call all the same.
"""

import argparse
import os
import sys
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

from tagroll.catalog import Catalog
from tagroll.catalog.decisions import follow
from tagroll.models.builtin.embedder import BuiltinEmbedder
from tagroll.runs.judging import Judge
from tagroll.tags.identity import identity
from tagroll.tags.library import MergeOptions, TagLibrary, TagVectors
from tagroll.tags.merge import Merging, plan_merges
from tagroll.tags.term import term
from tagroll.tags.translations import languages, words_in
from tagroll.tags.verdict import Evidence, judge

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.pairs import Scripted, answer, at_random, perfect

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
    for path in sorted((*folder.glob("neg_*.tsv"), *folder.glob("pos_*.tsv"))):
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


@dataclass(frozen=True)
class Labelled:
    """A vocabulary of which it is known what is the same.

    Attributes:
        name: Of its file.
        counts: Tag -> photos.
        wanted: Pairs to merge.
        arguable: Pairs that count neither way.
    """

    name: str
    counts: Mapping[str, int]
    wanted: Collection[frozenset[str]]
    arguable: Collection[frozenset[str]]


def of_list(path: Path) -> Labelled:
    """A list of lines with tags of one meaning."""
    meaning, arguable = read_vocabulary(path)
    same: dict[int, list[str]] = defaultdict(list)
    for tag, number in meaning.items():
        same[number].append(tag)
    wanted = {frozenset(p) for members in same.values() for p in combinations(members, 2)}
    return Labelled(path.name, dict.fromkeys(meaning, 1), wanted, arguable)


def of_models(folder: Path) -> Iterator[Labelled]:
    """Tags of vision models (tag, photos, group), of one thing ("core"), and with fillers and states ("all")."""

    def rows(name: str) -> list[list[str]]:
        return [line.split("\t") for line in (folder / name).read_text("utf-8").splitlines()]

    tags, counts = rows("llm.tsv"), {tag: int(count) for tag, count, _ in rows("llm.tsv")}
    groups: dict[str, list[str]] = defaultdict(list)
    for tag, _, group in tags:
        groups[group].append(tag)
    wanted = {frozenset(p) for members in groups.values() for p in combinations(members, 2)}
    arguable = {frozenset(row[:2]) for row in rows("llm.ambiguous.tsv")}
    more = {frozenset(row[:2]) for row in rows("llm.extended.tsv")}
    yield Labelled("llm.tsv, core", counts, wanted - arguable, arguable | more)
    yield Labelled("llm.tsv, all", counts, (wanted - arguable) | more, arguable - more)


def pairs_made(mapping: Mapping[str, str], known: Labelled) -> set[frozenset[str]]:
    """The pairs of tags that become one, but for arguable ones."""
    groups: dict[str, list[str]] = defaultdict(list)
    for tag in known.counts:
        groups[follow(tag, mapping)].append(tag)
    made = {frozenset(p) for members in groups.values() for p in combinations(members, 2)}
    return made - set(known.arguable)


def score_vocabulary(known: Labelled, options: MergeOptions) -> None:
    """Print recall and precision over all pairs of a labelled vocabulary."""
    plan = plan_merges(known.counts, embedded(sorted(known.counts)), options)
    made = pairs_made(plan.mapping, known)
    right = len(made & known.wanted)
    name = "plain DBSCAN" if options.plain else "tagroll"
    print(f"{known.name}, {len(known.counts)} tags, {len(known.wanted)} pairs to merge, {name}: "
          f"recall {right / len(known.wanted):.3f}, precision {right / max(1, len(made)):.3f}, "
          f"largest cluster {max(map(len, plan.clusters.values()))}")  # fmt: skip
    if not options.plain:
        print("  wrong:", ", ".join(sorted(" = ".join(sorted(p)) for p in made - known.wanted)) or "none")
        print("  missed:", ", ".join(sorted(" = ".join(sorted(p)) for p in known.wanted - made)) or "none")


def score_judges(lists: Sequence[Labelled], options: MergeOptions) -> None:
    """Print what models would add, if a person said yes to all that they call the same."""
    judges = {
        "perfect": lambda known: perfect(known.wanted),
        "at random": lambda _: at_random(),
        "always same": lambda _: lambda _a, _b: "same",
    }
    for name, make in judges.items():
        totals = [0, 0, 0]
        for known in lists:
            merging = Merging(TagLibrary(known.counts, embedded(sorted(known.counts)), options))
            with TemporaryDirectory() as folder, Catalog(Path(folder, "catalog.sqlite")) as catalog:
                model = Scripted(partial(answer, says=make(known)))
                judged = Judge(model, catalog, 2000).judge(merging.questions)
            plan = merging.plan(judged.relations)
            made = pairs_made({merge.tag: merge.into for merge in plan.queue}, known)
            numbers = len(made & known.wanted), len(known.wanted), len(made)
            if "core" not in known.name:  # it is part of "all"
                totals = [total + number for total, number in zip(totals, numbers, strict=True)]
            print(f"{name}: {known.name}: {judged.asked} pairs in {len(model.questions)} questions, "
                  f"{judged.exam.wrong} of {judged.exam.known} known ones wrong, suggested {len(plan.suggested)}, "
                  f"recall {numbers[0] / numbers[1]:.3f}, precision {numbers[0] / max(1, numbers[2]):.3f}")  # fmt: skip
        print(f"{name}: together: recall {totals[0] / totals[1]:.3f}, precision {totals[0] / totals[2]:.3f}")


def score_languages(path: Path) -> None:
    """Print how many pairs of each language merge in a library of that language, and in one of all languages."""
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    libraries = {
        name: [row for row in rows if row[0] == name] for name in dict.fromkeys(row[0] for row in rows)
    }
    for name, library in {**libraries, "all": rows}.items():
        into = plan_merges(dict.fromkeys((tag for row in library for tag in row[1:3]), 1)).mapping
        one = [row for row in library if follow(row[1], into) == follow(row[2], into)]
        right, wanted = (sum(row[4] == "1" for row in some) for some in (one, library))
        wrong = [" = ".join(row[1:3]) for row in one if row[4] == "0"]
        never = sum(row[4] == "0" for row in library)
        print(f"{name}: {right} of {wanted}, wrong: {', '.join(wrong) or 'none'} of {never}")


def score_translations(lists: Sequence[Labelled]) -> None:
    """Print how many words of each language find their own English word beside all of them, and what lists in English lose."""
    options = MergeOptions(translate="English")
    for language in languages()[1:]:
        english = {word: one for one, word in words_in(language).items() if identity(word) != one}
        counts = dict.fromkeys((*words_in(language), *english), 1)
        into = plan_merges(counts, options=options).mapping
        found = [into.get(word) == one for word, one in english.items()]
        print(f"--translate, {language}: {sum(found)} of {len(found)} words find their translation")
    for known in lists:
        merges = plan_merges(known.counts, options=options).merges
        print(f"--translate, {known.name}: {sum(m.evidence is Evidence.TRANSLATION for m in merges)} merges")


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
    parser.add_argument("--judges", action="store_true")
    args = parser.parse_args()
    lists = [of_list(HERE / "data" / name) for name in ("vocabulary.txt", "fresh.txt")]
    if (args.data / "llm").is_dir():
        lists += of_models(args.data / "llm")
    if args.judges:
        score_judges(lists, MergeOptions(threshold=args.threshold, asks=True))
        return
    for plain in (False, True):
        options = MergeOptions(threshold=args.threshold, plain=plain)
        for known in lists:
            score_vocabulary(known, options)
        score_never(HERE / "data/never.txt", options)
    score_translations(lists)
    if (args.data / "languages.tsv").is_file():
        score_languages(args.data / "languages.tsv")
    if args.data.is_dir():
        score_pairs(args.data, args.half, MergeOptions(threshold=args.threshold))
    else:
        print(f"no pairs: {args.data} is not there (set TAGROLL_DATA)")


if __name__ == "__main__":
    main()
