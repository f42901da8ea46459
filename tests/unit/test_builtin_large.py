"""The large built-in model: what is read of a file, what is made of it, when it is taken, and what it says."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tagroll.domain import Preview, Prompt
from tagroll.errors import UsageError
from tagroll.models.builtin.describer import LARGE_MODEL, MODEL, BuiltinDescriber
from tagroll.models.builtin.fetched.models import LARGE
from tagroll.models.builtin.large import vit
from tagroll.models.builtin.large.onnx import OnnxFile
from tagroll.models.builtin.vision import graph, head
from tagroll.models.builtin.vision.network import Network
from tagroll.models.choose import choose_model
from tagroll.settings import Settings

PHOTOS = Path(__file__).parents[2] / "examples/photos"
WIDTH, BLOCKS, PATCH, SIDE = 128, 2, 8, 32
SHIPPED = {"tagroll-builtin-large-1": "8bcb237bfdddae16"}
"""Model -> digest of what it knows. Never changed for a model that was released: answers are kept under its name."""


class TinyFile(graph.Graph):
    """Writes tensors and the nodes that use them under the names that the fetched file has."""

    def tensor(self, name: str, value: np.ndarray) -> None:
        raw = self.constant(value, value.dtype)
        own = graph._text(8, raw)
        assert self._tensors[-1].count(own) == 1
        self._tensors[-1] = self._tensors[-1].replace(own, graph._text(8, name))

    def named(self, name: str, operation: str, *inputs: str) -> None:
        self.node(operation, *inputs)
        self._nodes[-1] += graph._text(3, name)


def made(random: np.random.Generator) -> tuple[bytes, dict[str, np.ndarray]]:
    """A tiny transformer in the form of the fetched file, and its weights as real numbers."""
    file, real = TinyFile("tiny"), dict[str, np.ndarray]()

    def plain(name: str, value: np.ndarray) -> None:
        real[name] = value.astype(np.float32)
        file.tensor(f"vision_model.{name}", real[name])

    def dense(name: str, rows: int, columns: int) -> None:
        whole = random.integers(-127, 128, (rows, columns)).astype(np.int8)
        scales = (random.uniform(0.3, 1, columns) / 74 / np.sqrt(rows)).astype(np.float32)
        real[name] = whole * scales
        *block, module, part = name.split(".")
        node = f"/vision_model/{block[0]}/{'.'.join(block[1:])}/{module}/{part}/MatMul_quant"
        file.tensor(f"{name}_quantized", whole)
        file.tensor(f"{name}_scale", scales)
        file.named(node, "MatMulInteger", "x", f"{name}_quantized", "zero", "none")
        file.named(f"{node}_scales_mul", "Mul", "x_scale", f"{name}_scale")
        plain(f"{name}.bias", random.normal(0, 0.1, columns))

    plain("embeddings.class_embedding", random.normal(size=WIDTH))
    plain("embeddings.patch_embedding.weight", random.normal(0, 0.1, (WIDTH, 3, PATCH, PATCH)))
    plain("embeddings.position_embedding.weight", random.normal(0, 0.3, (1 + (SIDE // PATCH) ** 2, WIDTH)))
    norms = ["pre_layrnorm"]
    for number in range(BLOCKS):
        name = f"encoder.layers.{number}"
        norms += [f"{name}.layer_norm1", f"{name}.layer_norm2"]
        for part in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj"):
            dense(f"{name}.{part}", WIDTH, WIDTH)
        dense(f"{name}.mlp.fc1", WIDTH, 4 * WIDTH)
        dense(f"{name}.mlp.fc2", 4 * WIDTH, WIDTH)
    for name in norms:
        gain = random.uniform(0.5, 1.5, WIDTH)
        gain[:3] *= 3  # some channels are larger than the others
        plain(f"{name}.weight", gain)
        plain(f"{name}.bias", random.normal(0, 0.1, WIDTH))
    return file.model({}, {}), real


def seen_in_real_numbers(weights: dict[str, np.ndarray], pixels: np.ndarray) -> np.ndarray:
    """What the transformer makes of a photo, without any whole numbers: Dosovitskiy et al., equations 1 to 4."""

    def norm(value: np.ndarray, name: str) -> np.ndarray:
        centred = value - value.mean(axis=1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + vit.EPSILON)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def dense(value: np.ndarray, name: str) -> np.ndarray:
        return value @ weights[name] + weights[f"{name}.bias"]

    light = (pixels / 255 - vit.MEAN) / vit.DEVIATION
    count = SIDE // PATCH
    patches = light.reshape(count, PATCH, count, PATCH, 3).transpose(0, 2, 4, 1, 3).reshape(count**2, -1)
    filters = weights["embeddings.patch_embedding.weight"].reshape(WIDTH, -1)
    value = np.vstack([weights["embeddings.class_embedding"], patches @ filters.T])
    value = norm(value + weights["embeddings.position_embedding.weight"], "pre_layrnorm")
    for number in range(BLOCKS):
        name = f"encoder.layers.{number}"
        seen = norm(value, f"{name}.layer_norm1")
        queries, keys, values = (
            dense(seen, f"{name}.self_attn.{one}_proj").reshape(len(value), -1, vit.HEAD).swapaxes(0, 1)
            for one in "qkv"
        )
        likeness = queries @ keys.swapaxes(1, 2) / np.sqrt(vit.HEAD)
        likeness = np.exp(likeness - likeness.max(axis=2, keepdims=True))
        heeded = likeness / likeness.sum(axis=2, keepdims=True) @ values
        heeded = heeded.swapaxes(0, 1).reshape(len(value), WIDTH)
        value = value + dense(heeded, f"{name}.self_attn.out_proj")
        inside = dense(norm(value, f"{name}.layer_norm2"), f"{name}.mlp.fc1")
        value = value + dense(inside / (1 + np.exp(-1.702 * inside)), f"{name}.mlp.fc2")
    return np.stack([value[0], value[1:].mean(axis=0), value[1:].max(axis=0)])


def test_whole_numbers_see_what_real_ones_see() -> None:
    random = np.random.default_rng(1)
    file, weights = made(random)
    network = Network(vit.build_encoder(OnnxFile(file)))
    for pixels in random.integers(0, 256, (4, SIDE, SIDE, 3), np.uint8):
        seen = network.run(pixels=pixels[np.newaxis])["features"][0]
        wanted = seen_in_real_numbers(weights, pixels)
        assert seen.shape == wanted.shape == (3, WIDTH)
        for mine, theirs in zip(seen, wanted, strict=True):
            assert mine @ theirs / np.linalg.norm(mine) / np.linalg.norm(theirs) > 0.998


def test_what_is_written_is_read_and_a_cut_is_told() -> None:
    file, _ = made(np.random.default_rng(2))
    read = OnnxFile(file)
    assert read.tensors["vision_model.embeddings.class_embedding"].shape == (WIDTH,)
    assert {tensor.dtype for tensor in read.tensors.values()} == {np.dtype(np.float32), np.dtype(np.int8)}
    assert len(read.inputs) == 2 * 6 * BLOCKS
    for end in (1, 2, 9, len(file) // 2, len(file) - 3):
        with pytest.raises(ValueError, match=r"too early|no network"):
            OnnxFile(file[:end])
    with pytest.raises(ValueError, match="wire type"):
        OnnxFile(b"\x07\x00")


@given(st.integers(0, 2**32 - 1))
def test_seven_bits_are_enough_for_every_processor(seed: int) -> None:
    random = np.random.default_rng(seed)
    weights = random.integers(-128, 128, (40, 6)).astype(np.int8)
    weights[:, 0] = 0
    layer = vit.Layer(weights, random.uniform(0.01, 1, 6).astype(np.float32), np.zeros(6, np.float32))
    less = layer.in_seven_bits()
    assert (
        int(np.abs(less.weights).max()) * 255 * 2 < 2**15
    )  # two products, as processors without VNNI add them
    error = less.weights * less.scales - layer.weights.astype(np.float32) * layer.scales
    assert (np.abs(error) <= 0.501 * less.scales).all()


def test_it_is_taken_where_it_is_there_or_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGROLL_MODELS", str(tmp_path))

    def chosen(model: str = "google/gemma-3-4b") -> str:
        with choose_model(Settings(backend="builtin", model=model)) as opened:
            return opened.describer.model

    assert chosen() == chosen("builtin") == MODEL
    with pytest.raises(UsageError, match="not on this machine") as told:
        chosen("builtin-large")
    assert told.value.hint == f"Fetch it: {LARGE.command}"
    LARGE.path.write_bytes(b"")
    assert chosen() == chosen("builtin-large") == LARGE_MODEL
    assert chosen("builtin") == MODEL


def test_the_head_is_the_one_that_is_known_under_its_name() -> None:
    folder = Path(head.__file__).parent
    names = (head.LARGE_FILE, "nanodet.npz", "vocabulary.toml", "classes.tsv")
    data = b"".join((folder / name).read_bytes() for name in names)
    assert SHIPPED[LARGE_MODEL] == hashlib.sha256(data).hexdigest()[:16]
    assert head.load_head(large=True).weights.shape == (3 * 768, len(head.learned_tags()))


@pytest.mark.slow
@pytest.mark.usefixtures("fetched_models")
def test_names_what_is_in_the_example_photos() -> None:
    if not LARGE.is_kept:
        pytest.skip(f"the large built-in model is not here: {LARGE.command}")
    describer = BuiltinDescriber(large=True)
    expected = {
        "cat.png": {"cat", "animal"},
        "dogs.jpg": {"dog"},
        "harbour.jpg": {"boat", "water"},
        "cyclists.jpg": {"person", "bicycle", "vehicle"},
    }
    for name, words in expected.items():
        with Image.open(PHOTOS / name) as opened:
            image = opened.convert("RGB")
        image.thumbnail((1024, 1024))
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=90)
        said = describer.describe(
            Preview(stream.getvalue(), *image.size), Prompt("tags", "", {}, max_tags=30, key="")
        )
        assert words <= set(said.keywords), name
        assert said.model == LARGE_MODEL
