"""How good tags are, measured against labels that people gave. Pure functions.

The rules, with `quality = hit_rate * (1 - wrong_rate)` as the one figure to compare by:

- A label is found when a tag, or the end of a tag ("big dog"), is one of the words accepted for it.
- A tag is wrong when it claims one of the things that the labels are about, and that thing is neither a label
  nor a minor one of the photo, nor in its captions. All other tags cannot be checked and count for nothing.
- A photo without tags found nothing. Intervals are the 95% percentile bootstrap over photos.
"""

import random
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Literal

Interval = tuple[float, float]
Verdict = Literal["good", "wrong", "open"]

PERSON = "person"
"""Labelled photos are full of people, libraries are not: this label is also left out of a second hit rate."""
RESAMPLES = 300
LONGEST_PHRASE = 4
"""A tag of more words is a phrase."""
LONGEST_ENDED = 3
"""The ends of a tag of more words are not looked at: it is a sentence."""
# fmt: off
JUNK = frozenset((
    "image", "photo", "photograph", "picture", "photography", "img", "snapshot", "n/a", "none", "unknown",
    "tag", "tags", "keyword", "keywords", "object", "objects", "thing", "things", "scene", "background",
    "foreground", "various",
))
_IRREGULAR = {
    "people": "person", "men": "man", "women": "woman", "children": "child", "knives": "knife",
    "wolves": "wolf", "geese": "goose", "mice": "mouse", "feet": "foot", "buses": "bus", "skis": "ski",
    "scissors": "scissors", "glasses": "glasses", "sheep": "sheep", "loaves": "loaf", "leaves": "leaf",
    "shelves": "shelf",
}
# fmt: on


@dataclass(frozen=True, slots=True)
class Labelled:
    """What people say is in a photo.

    Attributes:
        labels: What tags must say; at least one.
        minor: What they may say.
        captions: Sentences about the photo; what they speak of may be said.
        counts: More things that are in it.
    """

    labels: tuple[str, ...]
    minor: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Synonyms:
    """Which words mean a label; all words folded.

    Attributes:
        accept: Label -> the words that find it.
        claims: Thing -> the words by which a tag says, without any doubt, that it is in the photo.
        mentions: Thing -> the words that may mean it.
    """

    accept: Mapping[str, frozenset[str]] = field(default_factory=dict)
    claims: Mapping[str, frozenset[str]] = field(default_factory=dict)
    mentions: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def of(self, label: str) -> frozenset[str]:
        """The words that find a label."""
        return self.accept.get(label) or frozenset((fold(label),))


@dataclass(frozen=True, slots=True)
class PhotoScore:
    """How one photo's tags did.

    Attributes:
        verdicts: Every different tag: "good" (labels or captions say so), "wrong", or "open".
        found: Labels that were found.
        missed: Those that were not.
        checkable: Tags that claim something that can be checked.
        wrong: How many of them are wrong.
        supported: Tags that labels or captions speak of.
        repeated: Tags that only repeat another one.
        junk: Tags that say nothing ("photo").
        phrases: Tags of more than LONGEST_PHRASE words.
    """

    verdicts: Mapping[str, Verdict]
    found: tuple[str, ...]
    missed: tuple[str, ...]
    checkable: frozenset[str]
    wrong: int
    supported: int
    repeated: int
    junk: int
    phrases: int

    @property
    def hit(self) -> float:
        """Share of the labels that were found."""
        return len(self.found) / (len(self.found) + len(self.missed))

    @property
    def hit_without_person(self) -> float | None:
        """The same without the label "person"; None when it is the only one."""
        found, missed = (sum(label != PERSON for label in labels) for labels in (self.found, self.missed))
        return found / (found + missed) if found + missed else None


@dataclass(frozen=True, slots=True)
class Measure:
    """How the tags of many photos did. Rates lie between 0 and 1.

    Attributes:
        photos: How many.
        quality: hit_rate x (1 - wrong_rate).
        hit_rate: Mean share of a photo's labels that was found.
        hit_rate_without_person: The same without the label "person".
        wrong_rate: Share of the checkable tags that are wrong.
        wrong_photos: Share of photos with a wrong tag.
        wrong_per_photo: Wrong tags a photo.
        supported_rate: Share of tags that labels or captions speak of.
        tags_per_photo: Different tags a photo.
        dup_rate: Share of tags that repeat another one.
        junk_rate: Share of tags that say nothing.
        phrase_rate: Share of tags that are phrases.
        failed: Share of photos without any tag.
        quality_ci95: 95% confidence interval of the quality.
        hit_rate_ci95: Likewise.
        wrong_rate_ci95: Likewise.
    """

    photos: int
    quality: float
    hit_rate: float
    hit_rate_without_person: float
    wrong_rate: float
    wrong_photos: float
    wrong_per_photo: float
    supported_rate: float
    tags_per_photo: float
    dup_rate: float
    junk_rate: float
    phrase_rate: float
    failed: float
    quality_ci95: Interval
    hit_rate_ci95: Interval
    wrong_rate_ci95: Interval


def fold(text: str) -> str:
    """A tag or label as it is compared: small letters, no punctuation, every word in the singular."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = re.sub(r"[_\-\u2010-\u2015]+", " ", text)
    return " ".join(map(_singular, re.sub(r"[^\w\s'/|>]", " ", text).split()))


def _singular(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes", "zes", "oes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def endings(tag: str) -> list[str]:
    """What a tag may mean: itself, and its last words, longest first; each level of a hierarchy by itself."""
    found: list[str] = []
    for level in re.split(r"[/|>]", fold(tag)):
        words = level.split()
        starts = len(words) if len(words) <= LONGEST_ENDED else 1
        found += [" ".join(words[start:]) for start in range(starts)]
    return found


def jaccard(a: Iterable[str], b: Iterable[str]) -> float:
    """How alike two sets of tags are: 1 the same, 0 nothing in common. Two empty ones are the same."""
    one, other = {fold(tag) for tag in a}, {fold(tag) for tag in b}
    return len(one & other) / len(one | other) if one | other else 1.0


class Scorer:
    """Scores photos by one set of synonyms."""

    def __init__(self, synonyms: Synonyms) -> None:
        self._synonyms = synonyms
        self._claimed = {word: thing for thing, words in synonyms.claims.items() for word in words}
        self._known = frozenset(self._claimed).union(*synonyms.mentions.values())

    def photo(self, truth: Labelled, tags: Iterable[str]) -> PhotoScore:
        """Score the tags of one photo."""
        different: dict[str, str] = {}
        given = [tag for tag in tags if tag.strip()]
        for tag in given:
            different.setdefault(fold(tag), tag)
        means = {tag: self._cut(endings(tag)) for tag in different.values()}
        said = {word for words in means.values() for word in words}
        captions = f" {fold(' . '.join(truth.captions))} "
        right = self._right(truth, captions)
        backed = frozenset[str]().union(*map(self._synonyms.of, (*truth.labels, *truth.minor)))
        supported = {
            tag
            for tag, words in means.items()
            if any(word in backed or f" {word} " in captions for word in words)
        }
        claims = {tag: thing for tag, words in means.items() if (thing := self._claim(words))}
        wrong = {tag for tag, thing in claims.items() if thing not in right}
        found = tuple(label for label in truth.labels if said & self._synonyms.of(label))
        return PhotoScore(
            verdicts={
                tag: "wrong" if tag in wrong else "good" if tag in supported else "open" for tag in means
            },
            found=found,
            missed=tuple(label for label in truth.labels if label not in found),
            checkable=frozenset(claims),
            wrong=len(wrong),
            supported=len(supported),
            repeated=len(given) - len(different),
            junk=sum(folded in JUNK for folded in different),
            phrases=sum(len(folded.split()) > LONGEST_PHRASE for folded in different),
        )

    def _cut(self, words: Sequence[str]) -> Sequence[str]:
        """Leave out the ends of a compound that is a word of its own: a hot dog is never a dog."""
        stop = next((n for n, word in enumerate(words) if " " in word and word in self._known), len(words))
        return words[: stop + 1]

    def _claim(self, words: Sequence[str]) -> str | None:
        """The thing that a tag says is in the photo, if it says so clearly."""
        return self._claimed.get(next((word for word in words if word in self._known), ""))

    def _right(self, truth: Labelled, captions: str) -> set[str]:
        """The things that may be claimed of a photo."""
        present = {*truth.labels, *truth.minor, *truth.counts}
        claims, mentions = self._synonyms.claims, self._synonyms.mentions
        spoken_of = (
            {
                thing
                for thing, words in claims.items()
                if any(f" {word} " in captions for word in words | mentions.get(thing, frozenset()))
            }
            if truth.captions
            else set()
        )
        return present | spoken_of


def measure(scores: Sequence[PhotoScore]) -> Measure:
    """Sum up the scores of photos, at least one. The intervals are the same at every call."""
    draw = random.Random(1)  # noqa: S311 - resampling, and the same one every time
    rows = [(score.hit, score.wrong, len(score.checkable)) for score in scores]
    samples = [_rates(draw.choices(rows, k=len(rows))) for _ in range(RESAMPLES)]
    hit, wrong, quality = (_interval(column) for column in zip(*samples, strict=True))
    hit_rate, wrong_rate, best = _rates(rows)
    others = [score.hit_without_person for score in scores]
    tags = sum(len(score.verdicts) for score in scores)
    repeated = sum(score.repeated for score in scores)
    return Measure(
        photos=len(scores),
        quality=best,
        hit_rate=hit_rate,
        hit_rate_without_person=fmean([hit for hit in others if hit is not None] or [0.0]),
        wrong_rate=wrong_rate,
        wrong_photos=fmean(score.wrong > 0 for score in scores),
        wrong_per_photo=fmean(score.wrong for score in scores),
        supported_rate=sum(score.supported for score in scores) / max(tags, 1),
        tags_per_photo=tags / len(scores),
        dup_rate=repeated / max(tags + repeated, 1),
        junk_rate=sum(score.junk for score in scores) / max(tags, 1),
        phrase_rate=sum(score.phrases for score in scores) / max(tags, 1),
        failed=fmean(not score.verdicts for score in scores),
        quality_ci95=quality,
        hit_rate_ci95=hit,
        wrong_rate_ci95=wrong,
    )


def _rates(rows: Sequence[tuple[float, int, int]]) -> tuple[float, float, float]:
    """Hit rate, wrong rate and quality of (hit, wrong, checkable) rows."""
    hits, wrong, checkable = map(sum, zip(*rows, strict=True))
    hit_rate, wrong_rate = hits / len(rows), wrong / max(1, checkable)
    return hit_rate, wrong_rate, hit_rate * (1 - wrong_rate)


def _interval(values: Sequence[float]) -> Interval:
    """From the 2.5th to the 97.5th percentile."""
    ordered = sorted(values)
    out = len(ordered) // 40
    return ordered[out], ordered[-1 - out]
