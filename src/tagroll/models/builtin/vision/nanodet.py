"""NanoDet-g as an ONNX model: a detector for COCO's 80 kinds of object.

RangiLyu, NanoDet, 2021 (Apache-2.0, LICENSE-nanodet.txt); "g" is the one of plain convolutions. The weights
beside this module are made by tools/make_detector.py, which says where they come from.
"""

from collections.abc import Mapping
from importlib import resources

import numpy as np

from tagroll.models.builtin.vision.graph import DataType, Graph
from tagroll.models.builtin.vision.weights import FloatArray

_NAMES = (
    "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,"
    "parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,"
    "suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,"
    "tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,"
    "hot dog,pizza,donut,cake,chair,couch,potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,keyboard,"
    "cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase,scissors,teddy bear,hair drier,toothbrush"
)
OBJECTS = tuple(_NAMES.split(","))
"""What it knows, by COCO's names, in the order of its scores."""
STRIDES = (8, 16, 32)
EDGE_STEPS = 11
"""An edge's distance from its place is told as a distribution over 0 to 10 strides."""
MEAN, DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""Of red, green and blue."""
LAYERS = 34
"""Convolutions, in the order in which the network uses them: 25 of the backbone, 3 lateral, 2 for each stride."""


def load_layers() -> dict[str, FloatArray]:
    """The convolutions' weights (output x input x height x width) and biases, by "0.weight", "0.bias" ...

    They are kept in eight bits with a scale for each output.
    """
    with resources.files(__package__).joinpath("nanodet.npz").open("rb") as stream, np.load(stream) as kept:
        return {
            name: array
            for number in range(LAYERS)
            for name, array in (
                (
                    f"{number}.weight",
                    kept[f"{number}.weight"] * kept[f"{number}.scale"][:, None, None, None],
                ),
                (f"{number}.bias", kept[f"{number}.bias"]),
            )
        }


def build_onnx(layers: Mapping[str, FloatArray]) -> bytes:
    """Build the network.

    Returns:
        An ONNX model. In: "pixels" (uint8, 1 x H x W x 3, RGB; H and W multiples of 32). Out: "best" (80): the
        greatest score of each kind of object anywhere; "persons" (N): the score of a person at each place,
        stride after stride, row after row; "edges" (N x 4): how far the left, upper, right and lower edge of what
        is there are from the middle of the place, in pixels.
    """
    network = _Network(layers)
    levels = network.neck(network.backbone("pixels"))
    heads = [
        network.head(value, 28 + 2 * level, stride)
        for level, (value, stride) in enumerate(zip(levels, STRIDES, strict=True))
    ]
    node = network.graph.node
    scores, edges = (node("Concat", *parts, axis=1) for parts in zip(*heads, strict=True))
    squeezed = network.graph.constant([0], np.int64)
    return network.graph.model(
        {"pixels": (DataType.UINT8, (1, "h", "w", 3))},
        {
            "best": (node("ReduceMax", scores, axes=(0, 1), keepdims=0), (len(OBJECTS),)),
            "persons": (
                node(
                    "Gather", node("Squeeze", scores, squeezed), network.graph.constant(0, np.int64), axis=1
                ),
                ("n",),
            ),
            "edges": (node("Squeeze", edges, squeezed), ("n", 4)),
        },
    )


class _Network:
    def __init__(self, layers: Mapping[str, FloatArray]) -> None:
        self.graph = Graph("nanodet-g")
        self._layers = layers

    def backbone(self, pixels: str) -> list[str]:
        """The last feature maps of strides 8, 16 and 32."""
        node, constant = self.graph.node, self.graph.constant
        value = node("Cast", pixels, to=DataType.FLOAT)
        value = node("Div", node("Sub", value, constant(MEAN)), constant(DEVIATION))
        value = node("Transpose", value, perm=(0, 3, 1, 2))
        value = self.conv(value, 0, stride=2)
        value = node("MaxPool", value, kernel_shape=(3, 3), strides=(2, 2), pads=(1, 1, 1, 1))
        value = self.stage(value, 1, blocks=1, stride=1)
        maps = [value := self.stage(value, 5, blocks=2, stride=2)]
        maps.append(value := self.stage(value, 11, blocks=2, stride=2))
        maps.append(self.stage(value, 17, blocks=3, stride=2))
        return maps

    def stage(self, value: str, first: int, *, blocks: int, stride: int) -> str:
        """A stage of a cross-stage partial network; `first` is its first convolution."""
        entry = value = self.conv(value, first, stride=stride)
        convolutions = iter(range(first + 1, first + 2 + 2 * blocks))
        for _ in range(blocks):
            half = self.conv(value, next(convolutions))
            value = self.graph.node("Concat", self.conv(half, next(convolutions)), half, axis=1)
        return self.graph.node("Concat", self.conv(value, next(convolutions)), entry, axis=1)

    def neck(self, maps: list[str]) -> list[str]:
        """What is seen at each stride is told to the finer ones, then back to the coarser ones."""
        node = self.graph.node
        fine, middle, coarse = (self.conv(value, 25 + n, active=False) for n, value in enumerate(maps))
        middle = node("Add", middle, self.doubled(coarse))
        fine = node("Add", fine, self.doubled(middle))
        middle = node("Add", middle, self.halved(fine))
        return [fine, middle, node("Add", coarse, self.halved(middle))]

    def doubled(self, value: str) -> str:
        scales = self.graph.constant([1, 1, 2, 2])
        return self.graph.node(
            "Resize", value, "", scales, mode="linear", coordinate_transformation_mode="half_pixel"
        )

    def halved(self, value: str) -> str:
        return self.graph.node("AveragePool", value, kernel_shape=(2, 2), strides=(2, 2))

    def head(self, value: str, first: int, stride: int) -> tuple[str, str]:
        """Scores and edges of the places of one stride."""
        node, constant = self.graph.node, self.graph.constant
        value = self.conv(self.conv(value, first), first + 1, active=False)
        value = node("Transpose", value, perm=(0, 2, 3, 1))
        value = node("Reshape", value, constant([1, -1, len(OBJECTS) + 4 * EDGE_STEPS], np.int64))
        start, middle, end, axis = (
            constant([n], np.int64) for n in (0, len(OBJECTS), len(OBJECTS) + 4 * EDGE_STEPS, 2)
        )
        scores = node("Sigmoid", node("Slice", value, start, middle, axis))
        steps = node("Slice", value, middle, end, axis)
        steps = node("Softmax", node("Reshape", steps, constant([1, -1, 4, EDGE_STEPS], np.int64)), axis=3)
        edges = node("MatMul", steps, constant(stride * np.arange(EDGE_STEPS)))
        return scores, edges

    def conv(self, value: str, number: int, *, stride: int = 1, active: bool = True) -> str:
        weight = self._layers[f"{number}.weight"]
        value = self.graph.node(
            "Conv",
            value,
            self.graph.constant(weight),
            self.graph.constant(self._layers[f"{number}.bias"]),
            strides=(stride, stride),
            pads=(weight.shape[-1] // 2,) * 4,
        )
        return self.graph.node("LeakyRelu", value, alpha=0.1) if active else value
