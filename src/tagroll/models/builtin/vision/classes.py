"""Everyday words for ImageNet's classes, by the table that tools/make_labels.py writes."""

from importlib import resources

from tagroll.models.builtin.vision.weights import FloatArray


def read_class_words() -> list[tuple[str, ...]]:
    """Everyday words of ImageNet's 1000 classes, each from specific to general; some have none."""
    table = resources.files(__package__).joinpath("classes.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return [tuple(word for word in words.split(",") if word) for _, words in rows]


def word_probabilities(classes: FloatArray, class_words: list[tuple[str, ...]]) -> dict[str, float]:
    """Sum the probabilities of the classes that share a word: each of 118 breeds is a dog."""
    sums: dict[str, float] = {}
    for probability, words in zip(classes.tolist(), class_words, strict=True):
        for word in words:
            sums[word] = sums.get(word, 0.0) + probability
    return sums
