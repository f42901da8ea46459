"""EfficientNet-Lite2 as an ONNX model, written down byte by byte.

ONNX is a protobuf, and a network of so few kinds of operation needs little of it: the field numbers below are
those of onnx.proto3 (IR version 8, operator set 13). That saves the onnx package (and torch) at run time.
The architecture is that of the EfficientNet-Lite release: relu6, no squeeze-and-excitation, "same" padding.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from tagroll.models.builtin.vision.weights import FloatArray

BATCH_NORM_EPSILON = 1e-3
BLOCKS = 21
STRIDED_BLOCKS = frozenset({1, 4, 7, 15})
"""Blocks whose depthwise convolution halves the picture (the stem halves it once before them: 32 in all)."""

_FLOAT, _UINT8, _INT64 = 1, 2, 7  # TensorProto.DataType


def build_onnx(weights: Mapping[str, FloatArray]) -> bytes:
    """Build the network up to its last feature map.

    Args:
        weights: Tensors by their torch name, as `load_weights` gives them.

    Returns:
        An ONNX model from "pixels" (uint8, N x H x W x 3, RGB) to "features" (float32,
        N x 1280 x H/32 x W/32, rounded up).
    """
    graph = _Graph(weights)
    graph.constant("mean", np.float32(127))
    graph.constant("deviation", np.float32(128))
    graph.constant("zero", np.float32(0))
    graph.constant("six", np.float32(6))
    value = graph.node("Cast", "pixels", to=_FLOAT)
    value = graph.node("Div", graph.node("Sub", value, "mean"), "deviation")
    value = graph.node("Transpose", value, perm=(0, 3, 1, 2))
    value = graph.relu6(graph.conv(value, "_conv_stem", "_bn0", stride=2))
    for number in range(BLOCKS):
        value = graph.block(value, f"_blocks.{number}", stride=2 if number in STRIDED_BLOCKS else 1)
    value = graph.relu6(graph.conv(value, "_conv_head", "_bn1"))
    return graph.model(value)


class _Graph:
    """Nodes and tensors of the graph so far, encoded. A value is named by the number of its node."""

    def __init__(self, weights: Mapping[str, FloatArray]) -> None:
        self._weights = weights
        self._nodes: list[bytes] = []
        self._tensors: list[bytes] = []

    def constant(self, name: str, value: FloatArray | np.float32) -> str:
        dims = b"".join(_varint_field(1, size) for size in value.shape)
        self._tensors.append(dims + _varint_field(2, _FLOAT) + _text(8, name) + _bytes(9, value.tobytes()))
        return name

    def node(self, operation: str, *inputs: str, **attributes: int | str | Iterable[int]) -> str:
        output = f"v{len(self._nodes)}"
        self._nodes.append(
            b"".join(_text(1, name) for name in inputs)
            + _text(2, output)
            + _text(4, operation)
            + b"".join(_bytes(5, _attribute(name, value)) for name, value in attributes.items())
        )
        return output

    def relu6(self, value: str) -> str:
        return self.node("Clip", value, "zero", "six")

    def conv(self, value: str, layer: str, norm: str, *, stride: int = 1, depthwise: bool = False) -> str:
        """A convolution with its batch normalisation folded in."""
        weight = self._weights[f"{layer}.weight"]
        scale = self._weights[f"{norm}.weight"] / np.sqrt(
            self._weights[f"{norm}.running_var"] + np.float32(BATCH_NORM_EPSILON)
        )
        bias = self._weights[f"{norm}.bias"] - self._weights[f"{norm}.running_mean"] * scale
        return self.node(
            "Conv",
            value,
            self.constant(f"{layer}.weight", weight * scale[:, None, None, None]),
            self.constant(f"{layer}.bias", bias),
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
        return self.node("Add", projected, value) if fits else projected

    def model(self, output: str) -> bytes:
        self._nodes.append(_text(1, output) + _text(2, "features") + _text(4, "Identity"))
        graph = (
            b"".join(_bytes(1, node) for node in self._nodes)
            + _text(2, "efficientnet-lite2")
            + b"".join(_bytes(5, tensor) for tensor in self._tensors)
            + _bytes(11, _value("pixels", _UINT8, ("n", "h", "w", 3)))
            + _bytes(12, _value("features", _FLOAT, ("n", 1280, "y", "x")))
        )
        return _varint_field(1, 8) + _bytes(7, graph) + _bytes(8, _varint_field(2, 13))


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _varint_field(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _attribute(name: str, value: int | str | Iterable[int]) -> bytes:
    """AttributeProto: name 1, value in i 3, s 4 or ints 8, and which of them in type 20."""
    if isinstance(value, int):
        return _text(1, name) + _varint_field(3, value) + _varint_field(20, 2)
    if isinstance(value, str):
        return _text(1, name) + _text(4, value) + _varint_field(20, 3)
    return _text(1, name) + b"".join(_varint_field(8, item) for item in value) + _varint_field(20, 7)


def _value(name: str, dtype: int, shape: Iterable[int | str]) -> bytes:
    """ValueInfoProto: name 1, type 2 (tensor 1 (element type 1, shape 2)); a size is a number or a name."""
    sizes = (_varint_field(1, size) if isinstance(size, int) else _text(2, size) for size in shape)
    tensor = _varint_field(1, dtype) + _bytes(2, b"".join(_bytes(1, size) for size in sizes))
    return _text(1, name) + _bytes(2, _bytes(1, tensor))
