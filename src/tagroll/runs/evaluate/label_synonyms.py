"""Which words mean a label, by the dictionary: for labels that come without synonyms of their own."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from tagroll.runs.evaluate.scoring import Labelled, Synonyms, fold
from tagroll.tags.lexicon import Lexicon, everyday, lexicon

USUAL = 50
"""Percent of a word's uses that have to mean the label, for the word to find it."""
CLEAR = 80
"""Percent from which on the word claims that the thing is in the photo."""


def synonyms_for(photos: Mapping[str, Labelled]) -> Synonyms:
    """The words that mean the labels of these photos: synonyms and kinds ("dog": hound, poodle ...).

    What can be claimed wrongly are the labels themselves: a person who labels one photo with a word is taken
    to have looked for it in all. Minor labels are not checked.
    """
    labels = sorted({label for truth in photos.values() for label in truth.labels})
    words, kinds = lexicon(), _kinds(lexicon())
    same = _everyday()
    own = {fold(label) for label in labels}
    accept, claims = {}, {}
    for label in labels:
        name = fold(label)
        shares = dict(_shares(words, kinds, name))
        accept[label] = frozenset({name} | same[name] | {w for w, share in shares.items() if share >= USUAL})
        clear = {word for word, share in shares.items() if share >= CLEAR}
        claims[label] = frozenset({name} | (same[name] | clear) - own)
    return Synonyms(accept, claims, accept)


def with_kinds(truth: Labelled, synonyms: Synonyms) -> Labelled:
    """The labels of a photo and what they imply: a photo of a dog is one of an animal."""
    said = {fold(label) for label in (*truth.labels, *truth.minor)}
    implied = tuple(label for label, words in synonyms.accept.items() if words & said)
    return Labelled(truth.labels, truth.minor, truth.captions, (*truth.counts, *implied))


def _shares(words: Lexicon, kinds: Mapping[int, Iterable[int]], name: str) -> Iterator[tuple[str, int]]:
    """Every word that can mean the name or a kind of it, and in how many percent of its uses it does."""
    waiting = list(words.main_meanings(name, USUAL))
    below: set[int] = set()
    while waiting:
        meaning = waiting.pop()
        if meaning not in below:
            below.add(meaning)
            waiting += kinds.get(meaning, ())
    for word in {word for meaning in below for word in words.words[meaning]}:
        yield fold(word), sum(share for meaning, share in words.meanings[word].items() if meaning in below)


def _kinds(words: Lexicon) -> Mapping[int, Iterable[int]]:
    """Meaning -> the meanings directly below it."""
    found = defaultdict(list)
    for meaning, synset in enumerate(words.synsets):
        for above in synset.up:
            found[above].append(meaning)
    return found


def _everyday() -> defaultdict[str, set[str]]:
    """Word -> what people also call it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for line in everyday()["same"]:
        names = {fold(name) for name in line.split("=")}
        for name in names:
            found[name] |= names - {name}
    return found
