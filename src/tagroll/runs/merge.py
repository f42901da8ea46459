"""Merging tags that mean the same: what was decided, what is proposed, and what is written about it."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from tagroll.catalog import Catalog
from tagroll.catalog.decisions import follow
from tagroll.domain import Decide
from tagroll.errors import UsageError, plainly
from tagroll.metadata.files.documents import ANY, check_free, write_document
from tagroll.models.embedders import Embedder, EmbeddingServer, choose_embedder
from tagroll.models.prompt import language_name
from tagroll.runs.rewrite import OpenLibrary, check_words, mapped
from tagroll.tags import hierarchy
from tagroll.tags.decisions import Decisions
from tagroll.tags.hierarchy import Child
from tagroll.tags.identity import LEVEL
from tagroll.tags.library import MergeOptions, TagLibrary, TagVectors, to_embed
from tagroll.tags.merge import Merge, Merging, Plan
from tagroll.tags.plan_file import MARK, EditedPlan, plan_text, proposed_by, read_plan, why
from tagroll.tags.questions import Pair, Questions, Relation
from tagroll.tags.translations import languages
from tagroll.tags.verdict import Evidence
from tagroll.tags.vocabulary import Vocabulary

if TYPE_CHECKING:
    import numpy as np

    from tagroll.runs.judging import Judged

    Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]

_SAMPLE = "\0sample"
"""What the vector of `Embedder.check` is kept under: no tag."""
_SAME_MODEL = 0.995
"""Cosine of two vectors of one text by one model, whatever it is computed on."""
_READ = 5000
"""Photos of whose changes a person may read."""
KEPT_TOGETHER = 2048
"""Vectors that are made before they are kept: what an interruption loses at the most."""


__all__ = [
    "EditedPlan",
    "Embedder",
    "EmbeddingServer",
    "MergeOptions",
    "MergeProposal",
    "Plan",
    "Questions",
    "as_paths",
    "choose_embedder",
    "decisions_for",
    "embed_tags",
    "evidence_of",
    "follow",
    "language_to_translate_into",
    "proposal_of",
    "propose",
    "read_edited_plan",
    "why",
    "write_plan",
    "write_report",
]  # fmt: skip


def evidence_of(kinds: Iterable[str]) -> frozenset[Evidence]:
    """What may merge: these kinds, and always what a person or a vocabulary says."""
    return frozenset({Evidence.VOCABULARY, Evidence.DECISION, *map(Evidence, kinds)})


def language_to_translate_into(said: str) -> str:
    """A language by its English name.

    Args:
        said: Its name or code, as a person says it.

    Raises:
        UsageError: No words of it are known.
    """
    if (name := language_name(said)) in languages():
        return name
    raise UsageError(
        f"no words are known in {said!r} to translate into",
        f"One of {', '.join(languages())}; or --translate alone, behind the folder",
    )


@dataclass(frozen=True, slots=True)
class MergeProposal:
    """What is to become of the tags.

    Attributes:
        plan: What the evidence said; empty where a person's file says it all.
        mapping: Tag -> what it becomes in the photos, paths included.
        into: Tag -> the word it becomes.
        apart: Pairs that a person wants apart.
        decide: What it makes of a photo.
    """

    plan: Plan
    mapping: Mapping[str, str]
    into: Mapping[str, str]
    apart: frozenset[frozenset[str]]
    decide: Decide = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make what it makes of photos."""
        object.__setattr__(self, "decide", mapped(self.mapping))

    @property
    def remembered(self) -> dict[str, str]:
        """What the catalog is to know from now on: words, no paths."""
        return {tag: word for tag, word in self.into.items() if LEVEL not in word}


def propose(  # noqa: PLR0913, PLR0917 - what makes a plan
    opened: OpenLibrary,
    decisions: Decisions,
    options: MergeOptions,
    embedder: Embedder | None,
    compared: Callable[[int, int], None],
    judge: "Callable[[Questions], Judged] | None" = None,
) -> "tuple[Plan, Judged | None]":
    """Plan what becomes of the tags of a library that was read.

    Args:
        opened: The library.
        decisions: What was decided before.
        options: How to merge.
        embedder: Compares meanings; None leaves them out.
        compared: Told how many tags of how many have vectors, from time to time.
        judge: Asks a model about what the rules leave open; what models said before counts anyway.

    Returns:
        The plan, and what came of asking.

    Raises:
        ServerError: A server fails; what was made or said is kept.
    """  # fmt: skip
    known = decisions.complete(opened.library.counts)
    catalog, embedded = opened.space.catalog, None
    if embedder is not None and (wanted := to_embed(known, options)):
        vectors = embed_tags(wanted, embedder, catalog, lambda number: compared(number, len(wanted)))
        embedded = TagVectors(wanted, vectors)
    merging = Merging(TagLibrary(known, embedded, options, decisions))
    judged = judge(merging.questions) if judge else None
    return merging.plan({**believed(catalog), **(judged.relations if judged else {})}), judged


def believed(catalog: Catalog) -> dict[Pair, Relation]:
    """What models said of pairs of tags that knew what was known."""
    return {pair: Relation(said) for pair, said in catalog.relations.believed().items()}


def suggestions(catalog: Catalog, counts: Mapping[str, int]) -> list[Merge]:
    """What a person may say yes or no to, what is likely to gain most first: what rules find and what models call the same.

    Args:
        catalog: Knows what was decided and what models said.
        counts: Tag -> how many photos carry it.
    """
    decisions = decisions_for(catalog, Vocabulary())
    options = MergeOptions(evidence=frozenset(Evidence) - {Evidence.SEMANTIC})
    library = TagLibrary(decisions.complete(counts), None, options, decisions)
    return [merge for merge in Merging(library).plan(believed(catalog)).queue if not merge.is_decided]


def read_edited_plan(path: Path) -> EditedPlan:
    """What an edited plan says.

    Raises:
        UsageError: It is not there, or says what cannot be.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UsageError(
            f"{path} does not exist", f"Write it first: tagroll dedupe DIR --plan {path}"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {plainly(error)}", "Save it as UTF-8") from error
    plan = read_plan(text)
    check_words(plan.into.values())
    return plan


def proposal_of(catalog: Catalog, edited: EditedPlan, path: Path) -> MergeProposal:
    """What an edited plan wants; the catalog tells which of its lines were deleted.

    Raises:
        UsageError: The catalog does not know the plan.
    """
    proposed = catalog.decisions.proposal(edited.proposal) if edited.proposal else edited.proposed
    if proposed is None:
        raise UsageError(
            f"this catalog does not know the plan in {path}, nor which of its lines were deleted",
            "Name the catalog it was made with (--catalog FILE), write the plan anew, or delete its line"
            " `proposal = ...`: then what it says is done, and nothing is kept apart",
        )
    return MergeProposal(Plan(), edited.into, edited.into, edited.apart(proposed))


def check_plan(path: Path) -> None:
    """See that a plan can be written there: better said now than when a library was read.

    Raises:
        UsageError: It cannot.
    """
    check_free(path, MARK)


def write_plan(catalog: Catalog, path: Path, plan: Plan, paths: Mapping[str, str]) -> None:
    """Write a plan for a person to edit; the catalog keeps what was proposed.

    Raises:
        UsageError: It cannot be written there.
    """
    proposal = catalog.decisions.keep_proposal(proposed_by(plan.queue, paths))
    write_document(path, plan_text(plan.queue, paths, proposal), MARK)


def write_report(path: Path, told: Mapping[str, object], rows: int) -> None:
    """Write the report of a run into the library's folder: in lines for a person, as long as one may read it.

    Args:
        path: Where.
        told: What it says.
        rows: How many photos it speaks of.

    Raises:
        UsageError: It cannot be written there.
    """
    indent = 2 if rows < _READ else None  # with lines it takes many times as long
    write_document(path, json.dumps(told, ensure_ascii=False, indent=indent) + "\n", ANY)


def decisions_for(catalog: Catalog, vocabulary: Vocabulary) -> Decisions:
    """What was decided before, and what the vocabulary says."""
    return Decisions(
        apart=catalog.decisions.kept_apart(), into=catalog.decisions.merges(), vocabulary=vocabulary.terms
    )


def as_paths(
    into: Mapping[str, str],
    tags: Iterable[str],
    vocabulary: Vocabulary,
    apart: Collection[frozenset[str]],
    under: Iterable[Child] = (),
) -> dict[str, str]:
    """Which tags become paths: under the parents proposed for them, or as the vocabulary or other photos have them.

    Args:
        into: Tag -> the word it becomes.
        tags: All tags of the library.
        vocabulary: Its paths win.
        apart: Word and path that a person does not want to be one.
        under: Parents that are proposed besides those that the rules know.

    Returns:
        Tag -> path with "|" between the levels, only for tags that become one.
    """
    words = {tag: into.get(tag, tag) for tag in tags}
    leaves = defaultdict(list)
    for tag in sorted(set(words.values())):
        if LEVEL in tag:
            leaves[tag.split(LEVEL)[-1]].append(tag)
    known = {leaf: paths[0] for leaf, paths in leaves.items() if len(paths) == 1} | dict(vocabulary.paths)
    flat = {word for word in words.values() if LEVEL not in word}
    children = (*under, *hierarchy.propose(flat | set(known)))
    parent = {child.child: child.parent for child in children}
    found = {tag: _path(word, parent, known) for tag, word in words.items() if LEVEL not in word}
    return {
        tag: path
        for tag, path in found.items()
        if LEVEL in path and frozenset((words[tag], path)) not in apart
    }


def _path(word: str, parent: Mapping[str, str], known: Mapping[str, str]) -> str:
    """The path of a word: up from parent to parent, as far as there is no path known."""
    names, at = [word], word
    while at not in known and (at := parent.get(at, "")) and at not in names:
        names.append(at)
    if at in known:
        names[-1] = known[at]
    return LEVEL.join(reversed(names))


def embed_tags(
    tags: Collection[str], embedder: Embedder, catalog: Catalog, done: Callable[[int], None]
) -> "Vectors":
    """Vectors of all tags, in their order; those the catalog knows are not made again.

    Args:
        tags: Each once.
        embedder: Makes what is missing.
        catalog: Keeps them.
        done: Told how many are there, from time to time.

    Raises:
        ServerError: The server fails; what was made is kept.
    """
    import numpy as np

    model = _kept_as(embedder, catalog)
    length = 4 * embedder.check().shape[1]
    known = {tag: kept for tag, kept in catalog.vectors.find(model, tags).items() if len(kept) == length}
    missing = [tag for tag in tags if tag not in known]
    for start in range(0, len(missing), KEPT_TOGETHER):
        done(len(known))
        some = missing[start : start + KEPT_TOGETHER]
        rows = zip(some, embedder.embed(some), strict=True)
        # a zero row says: no vector for this text
        made = {tag: row.astype("<f4").tobytes() for tag, row in rows}
        catalog.vectors.keep(model, made)
        known |= made
    done(len(known))
    return np.frombuffer(b"".join(known[tag] for tag in tags), "<f4").reshape(len(tags), -1)


def _kept_as(embedder: Embedder, catalog: Catalog) -> str:
    """The name under which the catalog keeps vectors of exactly this model.

    A server may give another model the name of an old one. Then the sample's vector differs, and the name gets a
    number; when the old model comes back, its vectors are still there.
    """
    import numpy as np

    sample = embedder.check()[0]

    def is_of(name: str) -> bool:
        kept = catalog.vectors.find(name, [_SAMPLE]).get(_SAMPLE)
        if kept is None:
            catalog.vectors.keep(name, {_SAMPLE: sample.astype("<f4").tobytes()})
            return True
        return len(kept) == 4 * len(sample) and sample @ np.frombuffer(kept, "<f4") > _SAME_MODEL

    return next(filter(is_of, chain([embedder.model], (f"{embedder.model} #{n}" for n in count(2)))))
