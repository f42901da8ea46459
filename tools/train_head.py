"""Train the built-in model's head on photos with COCO labels and captions, and say how good it is.

    python tools/photo_features.py TRAINSET/photos features.npz      (minutes; once)
    python tools/train_head.py TRAINSET/labels.jsonl features.npz    (seconds)

With --large behind both, that for the large network.

Three stages, closed-form or convex, so that the same input gives the same head:
1. ridge regression from the features to all tags at once;
2. for each tag a logistic regression on four numbers: the ridge's answer to photos it has not seen (five
   folds by photo), what ImageNet's classes say of the whole photo and of its regions, and what the detector says. Its
   coefficients are drawn to the median of the frequent tags, so that a tag with six photos leans on what holds for all.
3. one curve for all tags, from what these logistic regressions say of unseen photos to how often it is so.
All figures that are printed are for photos that were in no stage's training.
"""

import argparse
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from tagroll.models.builtin.vision import head
from tagroll.models.builtin.vision.classes import read_class_words
from tagroll.models.builtin.vision.nanodet import OBJECTS

Array = npt.NDArray[np.float64]

FOLDER = Path(head.__file__).parent
TOKEN = 768  # numbers of each of the large network's tokens; each token counts as much as all pooled features
FOLDS = 5
RIDGE = 1.0
PRIOR = np.array([1.0, 0.3, 0.3, 0.5, 0.0])  # slopes of ridge answer, whole, regional, detector; bias
PRECISION = np.array([2.0, 2.0, 2.0, 2.0, 0.3])  # how strongly a tag's coefficients are drawn to the prior
RIDGE_SCALE = 6.0  # the ridge answers between 0 and 1; a logit is wanted
SCORE_SCALE = 6.0  # the same for the detector's scores
FREQUENT = 20  # photos from which a tag's coefficients count for the prior
CURVE_EDGES = (0, 0.01, 0.03, 0.1, 0.25, 0.4, 0.6, 0.75, 0.9, 0.97, 1)  # a knot between each two
PERSON_RATE = 0.10  # of photos without people, how many may get a person word: surely not more
CONFIDENCE = 0.95  # of the interval (two-sided, Clopper and Pearson 1934) that has to lie below PERSON_RATE
WRONG_RATE = 0.09  # of the tags that COCO's annotation can check
IRREGULAR = {"glasses": "glasses", "children": "child", "men": "man", "women": "woman", "people": "person"}


@dataclass(frozen=True)
class Data:
    """What is learned from. N photos, T tags.

    Attributes:
        rows: Labels and captions of each photo.
        tags: The vocabulary.
        inputs: Standardised features, N x 1280 or N x 2304.
        evidence: That of ImageNet's classes, whole and regional, and of the detector, 3 x N x T.
        truth: 1 where the photo has the tag, N x T.
        known: 0 where it may or may not have it, N x T.
        folds: Which fold a photo is in, N.
    """

    rows: list[dict[str, Any]]
    tags: dict[str, dict[str, Any]]
    inputs: Array
    evidence: Array
    truth: Array
    known: Array
    folds: npt.NDArray[np.int64]


def words_of(caption: str) -> set[str]:
    """Singular words and pairs of words ("living_room")."""
    words = [IRREGULAR.get(word, singular(word)) for word in caption.lower().replace(".", " ").split()]
    return {*words, *(f"{first}_{second}" for first, second in itertools.pairwise(words))}


def singular(word: str) -> str:
    """Take a plural's ending away, roughly."""
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return (
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
    )


def truth_of(row: dict[str, Any], entry: dict[str, Any]) -> tuple[int, int]:
    """(whether the photo has the tag, whether that is known)."""
    coco = entry.get("coco")
    spoken = [bool(words_of(caption) & set(entry.get("captions", []))) for caption in row["captions"]]
    if coco in row["labels"] or sum(spoken) >= 2:
        return 1, 1
    return 0, int(coco not in row["minor"] and not any(spoken))


def evidence_of(tags: dict[str, dict[str, Any]]) -> Array:
    """Which ImageNet classes speak for a tag, 1000 x T."""
    class_words = read_class_words()
    return np.array(
        [
            [bool(set(entry.get("classes", [tag])) & set(words)) for tag, entry in tags.items()]
            for words in class_words
        ],
        float,
    )


def objects_of(tags: dict[str, dict[str, Any]]) -> Array:
    """Which of the detector's objects speak for a tag, 80 x T."""
    return np.array(
        [[name in entry.get("objects", [entry.get("coco")]) for entry in tags.values()] for name in OBJECTS],
        float,
    )


def read_data(labels: Path, features: Path, *, large: bool) -> tuple[Data, Array, Array]:
    """Read everything; also the mean and the scale of the features."""
    rows = [json.loads(line) for line in labels.read_text().splitlines()]
    tags = head.learned_tags()
    with np.load(features) as seen:
        order = {name: place for place, name in enumerate(seen["names"].tolist())}
        places = [order[row["file"]] for row in rows]
        weighed, classes, regional, scores = (
            seen[part][places] for part in ("tokens" if large else "pooled", "classes", "regional", "objects")
        )
    width = TOKEN if large else weighed.shape[1]
    mean, scale = weighed.mean(axis=0), (weighed.std(axis=0) + 0.02) * np.sqrt(width)
    class_table, object_table = evidence_of(tags).astype(np.float32), objects_of(tags).astype(np.float32)
    evidence = np.stack(
        [
            *(head.log_evidence(part, class_table) for part in (classes, regional)),
            SCORE_SCALE * head.best_score(scores, object_table),
        ]
    )
    answers = np.array([[truth_of(row, entry) for entry in tags.values()] for row in rows], float)
    folds = np.random.default_rng(0).integers(0, FOLDS, len(rows))
    data = Data(rows, tags, (weighed - mean) / scale, evidence, answers[..., 0], answers[..., 1], folds)
    return data, mean.astype(float), scale.astype(float)


def ridge(inputs: Array, targets: Array) -> tuple[Array, Array]:
    """Weights and biases of ridge regression to all targets."""
    mean, level = inputs.mean(axis=0), targets.mean(axis=0)
    centred = inputs - mean
    gram = centred.T @ centred + RIDGE * np.eye(inputs.shape[1])
    weights = np.linalg.solve(gram, centred.T @ (targets - level))
    return weights, level - mean @ weights


def ridge_unseen(data: Data) -> Array:
    """The ridge's answers to each photo, learned from the other folds."""
    targets = np.where(data.known > 0, data.truth, 0.5)
    answers = np.zeros_like(targets)
    for fold in range(FOLDS):
        unseen = data.folds == fold
        weights, biases = ridge(data.inputs[~unseen], targets[~unseen])
        answers[unseen] = data.inputs[unseen] @ weights + biases
    return answers


def logistic(inputs: Array, truth: Array, prior: Array) -> Array:
    """Coefficients of a logistic regression with a Gaussian prior: Newton's method with step halving."""

    def loss(coefficients: Array) -> float:
        logits = inputs @ coefficients
        return float(
            (np.logaddexp(0, logits) - truth * logits).sum()
            + 0.5 * (PRECISION * (coefficients - prior) ** 2).sum()
        )

    coefficients = prior.copy()
    before = np.inf
    while (now := loss(coefficients)) < before - 1e-6:
        before = now
        chance = 1 / (1 + np.exp(-np.clip(inputs @ coefficients, -30, 30)))
        gradient = inputs.T @ (chance - truth) + PRECISION * (coefficients - prior)
        curvature = (inputs * (chance * (1 - chance))[:, None]).T @ inputs + np.diag(PRECISION)
        step = np.linalg.solve(curvature, gradient)
        while loss(coefficients - step) > now and np.abs(step).max() > 1e-9:
            step /= 2
        coefficients = coefficients - step
    return coefficients


def second_stage(data: Data, answers: Array, photos: npt.NDArray[np.bool_]) -> Array:
    """Coefficients for every tag, T x 5, from some of the photos."""
    inputs = stage_inputs(data, answers)
    chosen = [photos & (data.known[:, tag] > 0) for tag in range(len(data.tags))]

    def fit(prior: Array) -> Array:
        return np.array(
            [logistic(inputs[rows, tag], data.truth[rows, tag], prior) for tag, rows in enumerate(chosen)]
        )

    frequent = data.truth[photos].sum(axis=0) > FREQUENT
    return fit(np.median(fit(PRIOR)[frequent], axis=0))


def stage_inputs(data: Data, answers: Array) -> Array:
    """What the second stage sees: N x T x 4."""
    return np.stack([RIDGE_SCALE * answers, *data.evidence, np.ones_like(answers)], axis=2)


def unseen_probabilities(data: Data, answers: Array) -> Array:
    """Probability of each tag for each photo from a head that saw neither the photo nor its fold."""
    inputs = stage_inputs(data, answers)
    chance = np.zeros_like(answers)
    for fold in range(FOLDS):
        unseen = data.folds == fold
        coefficients = second_stage(data, answers, ~unseen)
        chance[unseen] = 1 / (1 + np.exp(-np.einsum("ntk,tk->nt", inputs[unseen], coefficients)))
    return chance


def calibration(chance: Array, truth: Array) -> Array:
    """How often a tag of a given probability is true, as a rising curve, 2 x K."""
    places = np.digitize(chance, CURVE_EDGES[1:-1])
    knots = [(chance[places == n].mean(), truth[places == n].mean()) for n in range(len(CURVE_EDGES) - 1)]
    said, true = np.array([(0, 0), *knots, (1, 1)]).T
    return np.stack([said, np.maximum.accumulate(true)])


def calibrated_unseen(data: Data, chance: Array) -> Array:
    """Each photo's probabilities by a curve that was drawn without its fold."""
    calibrated = np.empty_like(chance)
    for fold in range(FOLDS):
        unseen = data.folds == fold
        drawn = (data.known > 0) & ~unseen[:, None]
        calibrated[unseen] = np.interp(chance[unseen], *calibration(chance[drawn], data.truth[drawn]))
    return calibrated


def given_tags(data: Data, chance: Array, thresholds: Array) -> npt.NDArray[np.bool_]:
    """Which tags each photo gets, N x T."""
    given = chance >= thresholds
    names = list(data.tags)
    for tag, entry in enumerate(data.tags.values()):
        if "needs" in entry:
            given[:, tag] &= given[:, names.index(entry["needs"])]
    return given


def measure(data: Data, given: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Hit rate, wrong rate and tags a photo, after the measure of the project's labelled photos.

    A must-have label is hit by the tag of that name, of that COCO object, or with that caption word. A tag of
    a COCO object is wrong when the object is not in the photo and no caption names it.
    """
    names = {
        tag: {tag, entry.get("coco", tag), *entry.get("captions", [])} for tag, entry in data.tags.items()
    }
    hits, without_person = [], []
    for row, tags in zip(data.rows, given, strict=True):
        said = set().union(*(words for words, is_given in zip(names.values(), tags, strict=True) if is_given))
        hits.append(np.mean([label in said for label in row["labels"]]))
        others = [label in said for label in row["labels"] if label != "person"]
        without_person += [np.mean(others)] if others else []
    checkable = np.array(["coco" in entry for entry in data.tags.values()])
    wrong = (given & (data.truth == 0) & (data.known > 0))[:, checkable].sum() / given[:, checkable].sum()
    nobody = (data.truth[:, 0] == 0) & (data.known[:, 0] > 0)
    return {
        "hit_rate": float(np.mean(hits)),
        "hit_rate_without_person": float(np.mean(without_person)),
        "wrong_rate": float(wrong),
        "quality": float(np.mean(hits) * (1 - wrong)),
        "tags_per_photo": float(given.sum(axis=1).mean()),
        "person_where_nobody_is": float(given[nobody, 0].mean()),
    }


def surely_below(count: int, of: int) -> bool:
    """Whether a rate of so many of so many is PERSON_RATE at the most, up to the end of its interval."""
    return bool(beta.ppf((1 + CONFIDENCE) / 2, count + 1, of - count) <= PERSON_RATE)


def person_threshold(probabilities: Array) -> float:
    """The lowest threshold at which the rate of person words is surely small, from photos without people.

    Five photos in six of the training set show people, in a library far fewer do, so it is the rate among the
    photos without that counts; and other people's photos differ, so it is the end of its interval that has to
    keep to the limit.
    """
    most = max(count for count in range(1, len(probabilities)) if surely_below(count, len(probabilities)))
    highest = np.sort(probabilities)[::-1]
    return float(highest[most - 1 : most + 1].mean())


def check_person_rule(data: Data, chance: Array, nobody: npt.NDArray[np.bool_]) -> None:
    """Print what the rule comes to on photos that it has not seen."""
    said = 0
    for fold in range(FOLDS):
        unseen = data.folds == fold
        threshold = person_threshold(chance[nobody & ~unseen, 0])
        said += int((chance[nobody & unseen, 0] >= threshold).sum())
    print(f"person threshold chosen without a fold: said in {said} of {nobody.sum()} photos without people")


def choose_thresholds(data: Data, chance: Array) -> Array:
    """One probability for all tags, the lowest that keeps to WRONG_RATE; another for people."""
    nobody = (data.truth[:, 0] == 0) & (data.known[:, 0] > 0)
    check_person_rule(data, chance, nobody)
    person = person_threshold(chance[nobody, 0])
    for threshold in np.arange(0.25, 0.9, 0.0125):
        thresholds = np.full(len(data.tags), threshold)
        thresholds[0] = person
        figures = measure(data, given_tags(data, chance, thresholds))
        print(f"{threshold:.4f}  " + "  ".join(f"{name} {value:.3f}" for name, value in figures.items()))
        if figures["wrong_rate"] <= WRONG_RATE:
            return thresholds
    raise SystemExit("no threshold keeps to the wrong rate")


def reliability(data: Data, chance: Array) -> None:
    """Print how often tags of a given probability are right."""
    print("probability")
    known = data.known > 0
    edges = np.arange(0, 1.01, 0.1)
    for low, high in itertools.pairwise(edges):
        here = known & (chance >= low) & (chance < high)
        said, true = chance[here].mean(), data.truth[here].mean()
        print(f"{low:.1f}-{high:.1f}  said {said:.3f}  is {true:.3f}  of {here.sum()}")


def main() -> None:
    """Train, print the figures, write the head."""
    parser = argparse.ArgumentParser(description="Train the head of the built-in model.")
    parser.add_argument("labels", type=Path)
    parser.add_argument("features", type=Path)
    parser.add_argument("--large", action="store_true", help="for the large network")
    options = parser.parse_args()
    output = FOLDER / (head.LARGE_FILE if options.large else head.FILE)
    data, mean, scale = read_data(options.labels, options.features, large=options.large)
    answers = ridge_unseen(data)
    chance = unseen_probabilities(data, answers)
    known = data.known > 0
    curve = calibration(chance[known], data.truth[known])
    calibrated = calibrated_unseen(data, chance)
    reliability(data, chance)
    reliability(data, calibrated)
    thresholds = choose_thresholds(data, calibrated)
    weights, biases = ridge(data.inputs, np.where(data.known > 0, data.truth, 0.5))
    stage = second_stage(data, answers, np.ones(len(data.rows), bool))
    slope = RIDGE_SCALE * stage[:, 0]
    stage[:, 3] *= SCORE_SCALE
    folded = weights / scale[:, None] * slope
    np.savez_compressed(
        output,
        tags=np.array(list(data.tags)),
        weights=folded.astype(np.float16),
        slopes=stage[:, 1:-1].T.astype(np.float32),
        biases=(slope * biases + stage[:, -1] - mean @ folded).astype(np.float32),
        thresholds=thresholds.astype(np.float32),
        evidence=evidence_of(data.tags).astype(np.uint8),
        objects=objects_of(data.tags).astype(np.uint8),
        curve=curve.astype(np.float32),
    )
    print(f"{output.name}: {output.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
