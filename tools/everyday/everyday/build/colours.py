"""Which of eleven colours the thing in a picture has, from its pixels alone: an ImageNet classifier does not say.

The eleven are the basic colour terms of Berlin and Kay (1969). A pixel counts by how near the middle it is, how far its
colour is from that of the border, and how colourful it is; it belongs to the terms by its distance in CIELAB to a few
examples of each.
"""

import numpy as np
from numpy.typing import NDArray

from .graph import Array, Graph, floats, ints
from .image import MEAN, SIDE, STD

TERMS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "red": ((200, 30, 30), (150, 20, 30), (225, 70, 60)),
    "orange": ((240, 130, 30), (210, 100, 20)),
    "yellow": ((245, 220, 50), (220, 190, 60), (250, 235, 120)),
    "green": ((50, 140, 50), (110, 160, 60), (30, 90, 40), (120, 190, 90)),
    "blue": ((40, 80, 190), (90, 150, 220), (20, 40, 110), (130, 180, 230)),
    "purple": ((120, 50, 150), (160, 100, 190), (80, 30, 90)),
    "pink": ((240, 150, 180), (225, 90, 150), (250, 190, 200)),
    "brown": ((110, 70, 40), (150, 105, 65), (80, 50, 30), (175, 135, 95)),
    "black": ((15, 15, 15), (35, 35, 38)),
    "white": ((250, 250, 250), (230, 230, 228)),
    "grey": ((128, 128, 128), (170, 170, 170), (85, 85, 88)),
}
CELL = 5  # pixels that are averaged, across and down
GRID = SIDE // CELL
MIDDLE = 0.3  # the width of the bell over the middle, in sides of the picture
BORDER_STEP, BORDER_NEAREST = 4, 8
# In units of CIELAB: from where on a colour is another than the border's, how wide a term's examples reach, and how far
# from grey a pixel is that counts in full.
UNLIKE, REACH, COLOURFUL = 20.0, 12.0, 50.0
# What a pixel without colour counts beside one that is colourful.
PLAIN = 0.25
# sRGB's primaries to XYZ, over the white of D65 (IEC 61966-2-1).
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])
TO_LAB = np.array([[0.0, 116.0, 0.0], [500.0, -500.0, 0.0], [0.0, 200.0, -200.0]])
LAB_OFFSET = np.array([-16.0, 0.0, 0.0])
GAMMA = 2.4
DARKEST = 1e-4  # below it the cube root stands in for CIELAB's straight piece, which no term needs


def lab(rgb: NDArray[np.floating]) -> Array:
    """Rows of sRGB from 0 to 1 to CIELAB, as the graph does it."""
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** GAMMA, rgb / 12.92)
    return floats(np.cbrt(np.maximum(linear @ (TO_XYZ.T / WHITE), DARKEST)) @ TO_LAB.T + LAB_OFFSET)


def _pixels(graph: Graph, pixels: str) -> str:
    """The classifier's pixels to CIELAB: `[batch, cells, 3]`."""
    cells = graph.op("AveragePool", pixels, kernel_shape=[CELL] * 2, strides=[CELL] * 2)
    rows = graph.op("Transpose", graph.op("Reshape", cells, ints(0, 3, -1)), perm=[0, 2, 1])
    rgb = graph.op(
        "Clip", graph.op("Add", graph.op("Mul", rows, floats(STD / 255)), floats(MEAN / 255)), floats(0), floats(1)
    )
    curve = graph.op("Pow", graph.op("Mul", graph.op("Add", rgb, floats(0.055)), floats(1 / 1.055)), floats(GAMMA))
    straight = graph.op("Mul", rgb, floats(1 / 12.92))
    linear = graph.op("Where", graph.op("Greater", rgb, floats(0.04045)), curve, straight)
    xyz = graph.op("Max", graph.op("MatMul", linear, floats(TO_XYZ.T / WHITE)), floats(DARKEST))
    roots = graph.op("Pow", xyz, floats(1 / 3))
    return graph.op("Add", graph.op("MatMul", roots, floats(TO_LAB.T)), floats(LAB_OFFSET))


def _squared_distances(graph: Graph, rows: str, others: str) -> str:
    """`[batch, rows, others]`, of which `others` is `[batch, others, 3]` or `[1, others, 3]`."""
    apart = graph.op("Sub", graph.op("Unsqueeze", rows, ints(2)), graph.op("Unsqueeze", others, ints(1)))
    return graph.op("ReduceSum", graph.op("Mul", apart, apart), ints(3), keepdims=0)


def _weights(graph: Graph, rows: str) -> str:
    """How much each cell counts: `[batch, cells, 1]`."""
    numbers = np.arange(GRID * GRID).reshape(GRID, GRID)
    border = np.concatenate([numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]])[::BORDER_STEP]
    around = graph.op("Sqrt", _squared_distances(graph, rows, graph.op("Gather", rows, ints(*border), axis=1)))
    nearest, _ = graph.ops("TopK", around, ints(BORDER_NEAREST), outs=["nearest", "at"], axis=2, largest=0)
    unlike = graph.op("ReduceMean", nearest, axes=[2], keepdims=1)
    unlike = graph.op("Min", graph.op("Mul", unlike, floats(1 / UNLIKE)), floats(1))
    chroma = graph.op("ReduceL2", graph.op("Slice", rows, ints(1), ints(3), ints(2)), axes=[2], keepdims=1)
    colourful = graph.op("Min", graph.op("Mul", chroma, floats(1 / COLOURFUL)), floats(1))
    y, x = np.mgrid[0:GRID, 0:GRID] - (GRID - 1) / 2
    bell = np.exp(-(x**2 + y**2) / (2 * (GRID * MIDDLE) ** 2)).reshape(1, -1, 1)
    return graph.op("Mul", graph.op("Mul", unlike, graph.op("Add", colourful, floats(PLAIN))), floats(bell))


def shares(graph: Graph, pixels: str) -> str:
    """The classifier's pixels `[batch, 3, 260, 260]` to the share of each colour, `[batch, 11]`; a sum of at most 1."""
    rows = _pixels(graph, pixels)
    examples = lab(floats([rgb for term in TERMS.values() for rgb in term]) / 255)
    term = np.repeat(np.eye(len(TERMS)), [len(some) for some in TERMS.values()], axis=0)
    far = _squared_distances(graph, rows, graph.const(examples[None]))
    near = graph.op("Exp", graph.op("Mul", far, floats(-1 / (2 * REACH**2))))
    total = graph.op("Add", graph.op("ReduceSum", near, ints(2), keepdims=1), floats(1e-9))
    terms = graph.op("MatMul", graph.op("Div", near, total), floats(term))
    weights = _weights(graph, rows)
    summed = graph.op("ReduceSum", graph.op("Mul", terms, weights), ints(1), keepdims=0)
    whole = graph.op("Add", graph.op("ReduceSum", weights, ints(1), keepdims=0), floats(1e-9))
    return graph.op("Div", summed, whole)
