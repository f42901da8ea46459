"""Frames of one shoot agree: after a run, photos that were taken one after the other use one word for one thing."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from tagroll.domain import Change, Metadata, Outcome, Photo
from tagroll.runs.executors import threads
from tagroll.runs.guard import guard
from tagroll.runs.merge import decisions_for
from tagroll.runs.moved import photos_at
from tagroll.runs.read import Reader
from tagroll.runs.rewrite import Rewriter, pruned
from tagroll.runs.run import Run
from tagroll.runs.words import Words
from tagroll.tags.decisions import Decisions
from tagroll.tags.identity import LEVEL, without, word_of
from tagroll.tags.languages import Languages, languages_of
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


def agree(run: Run, folders: Collection[Path], vocabulary: Vocabulary, words: Words) -> Iterator[Agreement]:
    """Let the shoots of which this run has tagged photos agree on words, one after the other.

    Only what tagroll wrote becomes another word: one that a person wrote in that shoot, else the one on most photos.
    It is remembered, so that the next photo gets it at once.

    Args:
        run: Its journal, so that undoing the run undoes this, too.
        folders: Those that hold the photos.
        vocabulary: Its terms stay apart.
        words: What is banned becomes no word of others, and what is required stays.
    """
    catalog = run.space.catalog
    catalog.photos.settled()
    decided = decisions_for(catalog, vocabulary)
    # once for all shoots: to look words up in all languages takes as long as a photo
    languages = cache(lambda: languages_of(map(_word, catalog.photos.words())))
    for folder in sorted(folders):
        tagged = catalog.journal.written_in(folder, run.number)
        for shoot in shoots(catalog.photos.taken_in(folder)):
            if run.cut_off:
                return
            if len(shoot) < 2 or tagged.isdisjoint(shoot):
                continue
            if one_word(shoot.values(), decided, languages()):
                yield from _agreed(run, list(shoot), decided, languages(), words)


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


def _agreed(
    run: Run, shoot: Sequence[Path], decided: Decisions, languages: Languages, words: Words
) -> Iterator[Agreement]:
    """Read whose the tags of a shoot are, and rewrite those of tagroll that have become another word."""
    photos = list(photos_at(shoot))
    said = list(Reader(run.space.store, run.space.catalog, authors=True).read(photos))
    of_person = {tag for one in said for tag in without(one.tags, one.ours)}
    decided = replace(decided, preferred=frozenset((*map(_word, of_person), *words.required)))
    allowed = [[tag for tag in one.tags if not words.is_banned(_word(tag))] for one in said]
    into = one_word(allowed, decided, languages)
    changing = {one.path for one in said if not into.keys().isdisjoint(one.ours)}
    if changing:
        agreed = {_word(tag): _word(into[tag]) for one in said for tag in one.ours if tag in into}
        run.space.catalog.decisions.agree(agreed, run.number)  # first: what is cut off goes on with it
        todo = (photo for photo in photos if photo.path in changing)
        yield Agreement(agreed, list(threads()(partial(_rewritten, run, into), todo, stop=run.space.stop)))


def _rewritten(run: Run, into: Mapping[str, str], photo: Photo) -> Outcome:
    """Give one photo the words that its tags have become, but none that a person took away from it."""

    def rewrite() -> Outcome:
        rejected = run.space.catalog.verdicts.rejected(run.space.picture_now(photo))

        def decide(said: Metadata) -> Change:
            away = rejected.union(map(word_of, said.away))
            return pruned({tag: word for tag, word in into.items() if word_of(word) not in away})(said)

        return Rewriter(run, decide).rewrite(photo)

    return guard(photo.path, rewrite)


def _word(tag: str) -> str:
    return tag.rpartition(LEVEL)[2]


def one_word(tags_of: Iterable[Sequence[str]], decided: Decisions, languages: Languages) -> dict[str, str]:
    """Which tags of some photos become another one there, since both say the same.

    Words are compared, wherever in a tree they stand; the tag that is used is the one that most photos have for the word.

    Args:
        tags_of: The tags of each photo.
        decided: What a person said of words.
        languages: Those of the library.
    """
    counts = Counter(tag for tags in tags_of for tag in tags)
    words = Counter[str]()
    place: dict[str, str] = {}
    for tag, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        words[_word(tag)] += count
        place.setdefault(_word(tag), tag)
    into = plan_merges(words, decisions=decided, languages=languages).mapping
    found = {tag: place.get(into[_word(tag)], into[_word(tag)]) for tag in counts if _word(tag) in into}
    return {tag: other for tag, other in found.items() if word_of(tag) != word_of(other)}
