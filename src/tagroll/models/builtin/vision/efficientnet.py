"""EfficientNet-Lite2 as an ONNX model, with what is made of its last feature map.

The architecture is that of the EfficientNet-Lite release: relu6, no squeeze-and-excitation, "same" padding.
"""

from collections.abc import Mapping

import numpy as np

from tagroll.models.builtin.vision.graph import DataType, Graph
from tagroll.models.builtin.vision.weights import FloatArray

BATCH_NORM_EPSILON = 1e-3
BLOCKS = 21
STRIDED_BLOCKS = frozenset({1, 4, 7, 15})
"""Blocks whose depthwise convolution halves the picture (the stem halves it once before them: 32 in all)."""
SHARPENING = 2.0
"""Factor for the logits of the whole photo. A thing that fills a part of it adds only that part to the mean;
with this factor the whole is as sure, and as often right, as a square crop of 260 pixels is without."""


def build_onnx(weights: Mapping[str, FloatArray], *, blocks: int = BLOCKS) -> bytes:
    """Build the network. Its last layer is in it: a product of this size in numpy would start a thread per core.

    Args:
        weights: Tensors by their torch name, as `load_weights` gives them.
        blocks: Only so many blocks and none of what follows; for tests.

    Returns:
        An ONNX model. In: "pixels" (uint8, 1 x H x W x 3, RGB) and "regions" (float32, R x places of the last
        feature map, which is H/32 x W/32, rounded up): the share of each place in each region, the first of
        which is the whole photo. Out: "pooled" (1280), "classes" (1000) and "regional" (1000) as in `Sight`.
    """
    network = _Network(weights)
    value = network.trunk("pixels", blocks)
    inputs = {"pixels": (DataType.UINT8, (1, "h", "w", 3))}
    if blocks < BLOCKS:
        return network.graph.model(inputs, {"features": (value, (1, "c", "y", "x"))})
    outputs = network.views(network.relu6(network.conv(value, "_conv_head", "_bn1")), "regions")
    return network.graph.model(inputs | {"regions": (DataType.FLOAT, ("r", "places"))}, outputs)


class _Network:
    """The layers by their torch names, written into a graph."""

    def __init__(self, weights: Mapping[str, FloatArray]) -> None:
        self.graph = Graph("efficientnet-lite2")
        self._weights = weights
        self._zero, self._six = (self.graph.constant(value) for value in (0, 6))

    def trunk(self, pixels: str, blocks: int) -> str:
        """The stem and the blocks."""
        node, constant = self.graph.node, self.graph.constant
        value = node("Cast", pixels, to=DataType.FLOAT)
        value = node("Div", node("Sub", value, constant(127)), constant(128))
        value = node("Transpose", value, perm=(0, 3, 1, 2))
        value = self.relu6(self.conv(value, "_conv_stem", "_bn0", stride=2))
        for number in range(blocks):
            value = self.block(value, f"_blocks.{number}", stride=2 if number in STRIDED_BLOCKS else 1)
        return value

    def views(self, features: str, regions: str) -> dict[str, tuple[str, tuple[int]]]:
        """The regions' mean features, and by the last layer their classes."""
        node, constant = self.graph.node, self.graph.constant
        flat = node("Reshape", features, constant([1280, -1], np.int64))
        means = node("Gemm", regions, flat, transB=1)
        layer = [constant(self._weights[f"_fc.{part}"]) for part in ("weight", "bias")]
        logits = node("Gemm", means, *layer, transB=1)
        first, second, end, axis = (constant([n], np.int64) for n in (0, 1, 1 << 30, 0))
        whole, parts = (node("Slice", logits, *span, axis) for span in ((first, second), (second, end)))
        classes = node("Softmax", node("Mul", whole, constant(SHARPENING)), axis=1)
        regional = node("ReduceMax", node("Softmax", parts, axis=1), axes=(0,), keepdims=0)
        pooled = node("Sqrt", node("Slice", means, first, second, axis))
        rows = {"pooled": (pooled, 1280), "classes": (classes, 1000)}
        return {
            name: (node("Reshape", value, constant([-1], np.int64)), (size,))
            for name, (value, size) in rows.items()
        } | {"regional": (regional, (1000,))}

    def relu6(self, value: str) -> str:
        return self.graph.node("Clip", value, self._zero, self._six)

    def conv(self, value: str, layer: str, norm: str, *, stride: int = 1, depthwise: bool = False) -> str:
        """A convolution with its batch normalisation folded in."""
        weight = self._weights[f"{layer}.weight"]
        scale = self._weights[f"{norm}.weight"] / np.sqrt(
            self._weights[f"{norm}.running_var"] + np.float32(BATCH_NORM_EPSILON)
        )
        bias = self._weights[f"{norm}.bias"] - self._weights[f"{norm}.running_mean"] * scale
        return self.graph.node(
            "Conv",
            value,
            self.graph.constant(weight * scale[:, None, None, None]),
            self.graph.constant(bias),
            strides=(stride, stride),
            group=len(weight) if depthwise else 1,
            auto_pad="SAME_UPPER",
        )

    def block(self, value: str, name: str, *, stride: int) -> str:
        """An inverted bottleneck: expand (not the first), depthwise, project, add the input if it fits."""
        expand, project = f"{name}._expand_conv", f"{name}._project_conv"
        inside, fits = value, False
        if (weight := self._weights.get(f"{expand}.weight")) is not None:
            fits = stride == 1 and weight.shape[1] == len(self._weights[f"{project}.weight"])
            inside = self.relu6(self.conv(value, expand, f"{name}._bn0"))
        inside = self.conv(inside, f"{name}._depthwise_conv", f"{name}._bn1", stride=stride, depthwise=True)
        projected = self.conv(self.relu6(inside), project, f"{name}._bn2")
        return self.graph.node("Add", projected, value) if fits else projected
