"""A vision transformer (CLIP's ViT-B/16) in whole numbers of seven and eight bits, so that every processor says the same.

Dosovitskiy et al., "An Image is Worth 16x16 Words", 2021; Radford et al., "Learning Transferable Visual Models From
Natural Language Supervision", 2021.

The file that is fetched has weights of eight bits, which are good, and reduces what goes into each layer to eight bits with
one scale for all patches of the photo. Two things spoil that, and both are mended here by building the network anew:
- In a few patches some activations are twenty times as large as anywhere else; with one scale the others have hardly a
  bit left. Here each patch has a scale of its own.
- Processors without instructions for such products (VNNI) add two of them in sixteen bits, where 255 x 127 x 2 does not fit: they
  cut it off and tell nobody. With weights of seven bits, 255 x 63 x 2 fits.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tagroll.models.builtin.large.onnx import OnnxFile
from tagroll.models.builtin.vision.graph import DataType, Graph

Floats = npt.NDArray[np.float32]

SIDE = 224
"""Pixels of a side of what ViT-B/16 sees."""
HEAD = 64
"""Numbers of a patch that one head of attention has."""
GREATEST_WEIGHT = 63
GATED_ZERO = 16
"""Of 255. What has gone through the gate is never below -0.17, and above as large as it likes."""
EPSILON = 1e-5
MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""Of red, green and blue, from 0 to 1, as CLIP was trained."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A dense layer in whole numbers.

    Attributes:
        weights: From -127 to 127, rows for what comes in.
        scales: Of each column.
        biases: Of each column.
    """

    weights: npt.NDArray[np.int8]
    scales: Floats
    biases: Floats

    def in_seven_bits(self) -> "Layer":
        """The same with weights of at most GREATEST_WEIGHT."""
        greatest = np.maximum(np.abs(self.weights.astype(np.float32)).max(axis=0), 1)
        factors = GREATEST_WEIGHT / greatest
        return Layer(np.rint(self.weights * factors).astype(np.int8), self.scales / factors, self.biases)


def build_encoder(file: OnnxFile) -> bytes:
    """Build the network from the weights in the file that is fetched.

    Returns:
        An ONNX model from "pixels" (uint8, N x side x side x 3, RGB) to "features" (float32, N x 3 x width): the token
        that stands for the photo, and the mean and the greatest of the patches. ViT-B/16 has a side of 224 and a width of 768.

    Raises:
        KeyError: The file has no such weights.
    """
    transformer = _Transformer(file)
    value = transformer.patches("pixels")
    for number in range(transformer.blocks):
        value = transformer.block(value, number)
    return transformer.model(value)


class _Transformer:
    """Writes the layers down. Values are N x patches x width; all sizes are those of the weights."""

    def __init__(self, file: OnnxFile) -> None:
        self._graph = Graph("clip-vit-b16", operators=17)
        self._file = file
        self._tensors = {name.removeprefix("vision_model."): tensor for name, tensor in file.tensors.items()}
        self._filters = self._tensors["embeddings.patch_embedding.weight"]
        self._places = self._tensors["embeddings.position_embedding.weight"]
        self._width, patch = self._filters.shape[0], self._filters.shape[2]
        self._side = patch * math.isqrt(len(self._places) - 1)
        self.blocks = sum(name.endswith(".layer_norm1.weight") for name in self._tensors)

    def patches(self, pixels: str) -> str:
        """The photo's token and its patches, with where they are."""
        add, constant = self._graph.node, self._graph.constant
        value = add("Cast", pixels, to=DataType.FLOAT)
        value = add("Sub", value, constant(np.multiply(MEAN, 255)))
        value = add("Div", value, constant(np.multiply(DEVIATION, 255)))
        value = add("Transpose", value, perm=(0, 3, 1, 2))
        value = add("Conv", value, constant(self._filters), strides=self._filters.shape[2:])
        value = add("Reshape", value, constant((0, self._width, -1), np.int64))
        value = add("Transpose", value, perm=(0, 2, 1))
        value = add("Add", value, constant(self._places[1:]))
        first = constant((self._tensors["embeddings.class_embedding"] + self._places[0])[None, None])
        value = add("Concat", add("Expand", first, self._firsts(value)), value, axis=1)
        return self._norm(value, "pre_layrnorm")

    def _firsts(self, value: str) -> str:
        """The shape of one token a photo."""
        add, constant = self._graph.node, self._graph.constant
        photos = add("Slice", add("Shape", value), constant([0], np.int64), constant([1], np.int64))
        return add("Concat", photos, constant((1, self._width), np.int64), axis=0)

    def block(self, value: str, number: int) -> str:
        """Attention, then two dense layers; each adds to what comes in."""
        add, constant = self._graph.node, self._graph.constant
        name = f"encoder.layers.{number}"
        seen = self._norm(value, f"{name}.layer_norm1")
        parts = self._dense(seen, *(f"{name}.self_attn.{one}_proj" for one in "qkv"))
        parts = add("Reshape", parts, constant((0, 0, 3, -1, HEAD), np.int64))
        parts = add("Transpose", parts, perm=(2, 0, 3, 1, 4))
        queries, keys, values = (
            add("Gather", parts, constant(place, np.int64), axis=0) for place in range(3)
        )
        queries = add("Mul", queries, constant(HEAD**-0.5))
        likeness = add("MatMul", queries, add("Transpose", keys, perm=(0, 1, 3, 2)))
        heeded = add("MatMul", add("Softmax", likeness, axis=3), values)
        heeded = add(
            "Reshape", add("Transpose", heeded, perm=(0, 2, 1, 3)), constant((0, 0, self._width), np.int64)
        )
        value = add("Add", value, self._dense(heeded, f"{name}.self_attn.out_proj"))
        inside = self._dense(self._norm(value, f"{name}.layer_norm2"), f"{name}.mlp.fc1")
        gate = add("Sigmoid", add("Mul", inside, constant(1.702)))
        return add("Add", value, self._dense(add("Mul", inside, gate), f"{name}.mlp.fc2", zero=GATED_ZERO))

    def _norm(self, value: str, name: str) -> str:
        weight, bias = (self._graph.constant(self._tensors[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self._graph.node("LayerNormalization", value, weight, bias, epsilon=EPSILON)

    def _dense(self, value: str, *names: str, zero: int = 128) -> str:
        """Dense layers side by side: what comes in goes into each, in eight bits with a scale for each patch.

        Args:
            value: What comes in.
            names: The layers.
            zero: The whole number that stands for 0: so much room is left to what is below it.
        """
        add, constant = self._graph.node, self._graph.constant
        layers = [self._layer(name).in_seven_bits() for name in names]
        weights, scales, biases = (
            constant(np.concatenate([getattr(layer, part) for layer in layers], axis=-1), kind)
            for part, kind in (("weights", np.int8), ("scales", np.float32), ("biases", np.float32))
        )
        above = 255 - zero
        # the greatest, or what is below 0 were it as large as the room for it is small
        greatest = add("ReduceMax", add("LeakyRelu", value, alpha=-above / zero), axes=(2,))
        middle, step = constant(zero, np.uint8), constant(1 / above)
        whole = add("QuantizeLinear", add("Div", value, greatest), step, middle)
        product = add("Cast", add("MatMulInteger", whole, weights, middle), to=DataType.FLOAT)
        real = add("Mul", add("Mul", product, scales), add("Mul", greatest, step))
        return add("Add", real, biases)

    def _layer(self, name: str) -> Layer:
        """A layer of the file; its whole numbers are named by what multiplies them."""
        *block, module, part = name.split(".")
        node = f"/vision_model/{block[0]}/{'.'.join(block[1:])}/{module}/{part}/MatMul_quant"
        weights, scales = self._file.inputs[node][1], self._file.inputs[f"{node}_scales_mul"][1]
        return Layer(self._file.tensors[weights], self._file.tensors[scales], self._tensors[f"{name}.bias"])

    def model(self, value: str) -> bytes:
        """Reduce the patches to what a head is given."""
        add, constant = self._graph.node, self._graph.constant
        first = add("Slice", value, *(constant([place], np.int64) for place in (0, 1, 1)))
        rest = add("Slice", value, *(constant([place], np.int64) for place in (1, 1 << 30, 1)))
        parts = (first, add("ReduceMean", rest, axes=(1,)), add("ReduceMax", rest, axes=(1,)))
        features = add("Concat", *parts, axis=1)
        return self._graph.model(
            {"pixels": (DataType.UINT8, ("n", self._side, self._side, 3))},
            {"features": (features, ("n", 3, self._width))},
        )
