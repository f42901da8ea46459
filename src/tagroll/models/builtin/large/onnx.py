"""Just enough of ONNX to find the numbers in a file.

An ONNX file is a protobuf. The numbers below are those of onnx.proto3: ModelProto.graph 7, GraphProto.node 1 and
.initializer 5, NodeProto.input 1 and .name 3, TensorProto.dims 1, .data_type 2, .float_data 4, .name 8 and .raw_data 9.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_VARINT, _EIGHT_BYTES, _COUNTED, _FOUR_BYTES = 0, 1, 2, 5  # wire types
_DTYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("<f4"),
    2: np.dtype("u1"),
    3: np.dtype("i1"),
    7: np.dtype("<i8"),
}  # TensorProto.DataType


class OnnxFile:
    """The tensors of a network, as arrays that lie in its bytes.

    Attributes:
        tensors: Each initializer by its name, in its own shape.
        inputs: The names of what goes into a node, by its name.

    Args:
        data: The file.

    Raises:
        ValueError: It is none.
    """

    def __init__(self, data: bytes) -> None:
        self.tensors: dict[str, Array] = {}
        self.inputs: dict[str, list[str]] = {}
        for field, graph in _messages(memoryview(data)):
            if field == 7:
                self._read(graph)
        if not self.tensors:
            raise ValueError("no network is in it")

    def _read(self, graph: memoryview) -> None:
        for field, message in _messages(graph):
            if field == 1:
                node = list(_messages(message))
                name = "".join(_text(value) for key, value in node if key == 3)
                self.inputs[name] = [_text(value) for key, value in node if key == 1]
            elif field == 5:
                self.tensors.update(_tensor(message))


def _tensor(message: memoryview) -> dict[str, Array]:
    """A tensor by its name; none where its numbers are kept in a way that is not read here."""
    shape: list[int] = []
    name, kind, raw = "", 0, memoryview(b"")
    for field, value in fields(message):
        match field, value:
            case 1, int():
                shape.append(value)
            case 2, int():
                kind = value
            case 8, memoryview():
                name = _text(value)
            case ((4 | 9), memoryview()):  # floats lie in .float_data as they would in .raw_data
                raw = value
    if kind not in _DTYPES or not raw:
        return {}
    return {name: np.frombuffer(raw, _DTYPES[kind]).reshape(shape)}


def _messages(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    return ((field, value) for field, value in fields(message) if isinstance(value, memoryview))


def _text(value: memoryview) -> str:
    return bytes(value).decode()


def fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a protobuf message: number, and a whole number or the bytes that lie there.

    Raises:
        ValueError: It ends in the middle of one, or is no protobuf.
    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        wire = key & 7
        if wire == _VARINT:
            number, place = _varint(message, place)
            yield key >> 3, number
            continue
        if wire == _COUNTED:
            length, place = _varint(message, place)
        elif wire in {_FOUR_BYTES, _EIGHT_BYTES}:
            length = 4 if wire == _FOUR_BYTES else 8
        else:
            raise ValueError(f"no protobuf has a field of wire type {wire}")
        if place + length > len(message):
            raise ValueError("it ends too early")
        yield key >> 3, message[place : place + length]
        place += length


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """A whole number in groups of seven bits, and where it ends."""
    value = shift = 0
    while place < len(message):
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
    raise ValueError("it ends too early")
