"""A writer of ONNX models: a network's operations and tensors, byte by byte.

ONNX is a protobuf, and networks of so few kinds of operation need little of it: the field numbers below are
those of onnx.proto3 (IR version 8). That saves the onnx package (and torch) at run time.
"""

import struct
from collections.abc import Iterable, Mapping
from enum import IntEnum
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

Attribute = int | float | str | Iterable[int]
Shape = tuple[int | str, ...]
"""A size is a number, or a name for what differs from photo to photo."""


class DataType(IntEnum):
    """Kinds of numbers, as TensorProto counts them."""

    FLOAT = 1
    UINT8 = 2
    INT8 = 3
    INT64 = 7


_KIND = {
    np.dtype(np.float32): DataType.FLOAT,
    np.dtype(np.uint8): DataType.UINT8,
    np.dtype(np.int8): DataType.INT8,
    np.dtype(np.int64): DataType.INT64,
}


class Graph:
    """Nodes and tensors of a network so far, encoded. A value is known by its name.

    Args:
        name: Of the network.
        operators: Version of the set of operations.
    """

    def __init__(self, name: str, operators: int = 13) -> None:
        self._name = name
        self._operators = operators
        self._nodes: list[bytes] = []
        self._tensors: list[bytes] = []
        self._numbers = count()

    def constant(self, value: npt.ArrayLike, kind: npt.DTypeLike = np.float32) -> str:
        """Add a tensor; float32, int64 or of whole numbers of eight bits."""
        array: npt.NDArray[Any] = np.asarray(value, kind)
        name = f"c{next(self._numbers)}"
        dims = b"".join(_varint_field(1, size) for size in array.shape)
        self._tensors.append(
            dims + _varint_field(2, _KIND[array.dtype]) + _text(8, name) + _bytes(9, array.tobytes())
        )
        return name

    def node(self, operation: str, *inputs: str, **attributes: Attribute) -> str:
        """Add an operation with one output, and name that."""
        output = f"v{next(self._numbers)}"
        self._nodes.append(
            b"".join(_text(1, name) for name in inputs)
            + _text(2, output)
            + _text(4, operation)
            + b"".join(_bytes(5, _attribute(name, value)) for name, value in attributes.items())
        )
        return output

    def model(
        self,
        inputs: Mapping[str, tuple[DataType, Shape]],
        outputs: Mapping[str, tuple[str, Shape]],
    ) -> bytes:
        """Encode the whole.

        Args:
            inputs: Name -> what kind of numbers, in which shape. Nodes take them by these names.
            outputs: Name -> the value that goes out under it (float32), and its shape.
        """
        renamed = [
            _text(1, value) + _text(2, name) + _text(4, "Identity") for name, (value, _) in outputs.items()
        ]
        graph = (
            b"".join(_bytes(1, node) for node in (*self._nodes, *renamed))
            + _text(2, self._name)
            + b"".join(_bytes(5, tensor) for tensor in self._tensors)
            + b"".join(_bytes(11, _value(name, *kind)) for name, kind in inputs.items())
            + b"".join(
                _bytes(12, _value(name, DataType.FLOAT, shape)) for name, (_, shape) in outputs.items()
            )
        )
        return _varint_field(1, 8) + _bytes(7, graph) + _bytes(8, _varint_field(2, self._operators))


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


def _attribute(name: str, value: Attribute) -> bytes:
    """AttributeProto: name 1, value in f 2, i 3, s 4 or ints 8, and which of them in type 20."""
    if isinstance(value, float):
        return _text(1, name) + _varint(2 << 3 | 5) + struct.pack("<f", value) + _varint_field(20, 1)
    if isinstance(value, int):
        return _text(1, name) + _varint_field(3, value) + _varint_field(20, 2)
    if isinstance(value, str):
        return _text(1, name) + _text(4, value) + _varint_field(20, 3)
    return _text(1, name) + b"".join(_varint_field(8, item) for item in value) + _varint_field(20, 7)


def _value(name: str, dtype: DataType, shape: Shape) -> bytes:
    """ValueInfoProto: name 1, type 2 (tensor 1 (element type 1, shape 2)); a size is a number or a name."""
    sizes = (_varint_field(1, size) if isinstance(size, int) else _text(2, size) for size in shape)
    tensor = _varint_field(1, dtype) + _bytes(2, b"".join(_bytes(1, size) for size in sizes))
    return _text(1, name) + _bytes(2, _bytes(1, tensor))
