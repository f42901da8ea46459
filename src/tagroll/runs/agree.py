"""Frames of one shoot agree: after a run, photos that were taken one after the other use one word for one thing."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tagroll.domain import Outcome
from tagroll.runs.executors import threads
from tagroll.runs.merge import decisions_for
from tagroll.runs.moved import photos_at
from tagroll.runs.read import Reader
from tagroll.runs.rewrite import Rewriter, pruned
from tagroll.runs.run import Run
from tagroll.tags.decisions import Decisions
from tagroll.tags.identity import LEVEL, without, word_of
from tagroll.tags.merge import plan_merges
from tagroll.tags.vocabulary import Vocabulary

GAP_S = 3600
"""Seconds without a photo that end a shoot."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the photos of a shoot agreed on.

    Attributes:
        words: Word of a model -> the one that is used in its place.
        outcomes: What came of each photo that had another one.
    """

    words: Mapping[str, str]
    outcomes: Sequence[Outcome]


def agree(run: Run, tagged: frozenset[Path], vocabulary: Vocabulary) -> Iterator[Agreement]:
    """Let the shoots to which these photos belong agree on words, one after the other.

    Only what tagroll wrote becomes another word: one that a person wrote in that shoot, else the one on most photos.
    It is remembered, so that the next photo gets it at once.

    Args:
        run: Its journal, so that undoing the run undoes this, too.
        tagged: Photos that the run has tagged.
        vocabulary: Its terms stay apart.
    """
    catalog = run.space.catalog
    catalog.photos.settled()
    decided = decisions_for(catalog, vocabulary)
    for folder in sorted({path.parent for path in tagged}):
        for shoot in shoots(catalog.photos.taken_in(folder)):
            if run.cut_off:
                return
            if len(shoot) > 1 and not tagged.isdisjoint(shoot) and one_word(shoot.values(), decided):
                yield from _agreed(run, list(shoot), decided)


def shoots(taken: Sequence[tuple[int, Path, tuple[str, ...]]]) -> Iterator[dict[Path, tuple[str, ...]]]:
    """The photos of a folder with their tags, cut where none was taken for long."""
    shoot: dict[Path, tuple[str, ...]] = {}
    for i, (at, path, tags) in enumerate(taken):
        if i and at - taken[i - 1][0] > GAP_S:
            yield shoot
            shoot = {}
        shoot[path] = tags
    if shoot:
        yield shoot


def _agreed(run: Run, shoot: Sequence[Path], decided: Decisions) -> Iterator[Agreement]:
    """Read whose the tags of a shoot are, and rewrite those of tagroll that have become another word."""
    photos = list(photos_at(shoot))
    said = list(Reader(run.space.store, run.space.catalog, authors=True).read(photos))
    of_person = {tag for one in said for tag in without(one.tags, one.ours)}
    decided = replace(decided, preferred=frozenset(map(_word, of_person)))
    into = one_word([one.tags for one in said], decided)
    changing = {one.path for one in said if not into.keys().isdisjoint(one.ours)}
    if changing:
        words = {_word(tag): _word(into[tag]) for one in said for tag in one.ours if tag in into}
        run.space.catalog.decisions.agree(words, run.number)  # first: what is cut off goes on with it
        rewrite = Rewriter(run, pruned(into)).rewrite
        todo = (photo for photo in photos if photo.path in changing)
        yield Agreement(words, list(threads()(rewrite, todo, stop=run.space.stop)))


def _word(tag: str) -> str:
    return tag.rpartition(LEVEL)[2]


def one_word(tags_of: Iterable[Sequence[str]], decided: Decisions) -> dict[str, str]:
    """Which tags of some photos become another one there, since both say the same.

    Words are compared, wherever in a tree they stand; the tag that is used is the one that most photos have for the word.
    """
    counts = Counter(tag for tags in tags_of for tag in tags)
    words = Counter[str]()
    place: dict[str, str] = {}
    for tag, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        words[_word(tag)] += count
        place.setdefault(_word(tag), tag)
    into = plan_merges(words, decisions=decided).mapping
    found = {tag: place.get(into[_word(tag)], into[_word(tag)]) for tag in counts if _word(tag) in into}
    return {tag: other for tag, other in found.items() if word_of(tag) != word_of(other)}
