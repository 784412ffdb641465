"""The Universal Sentence Encoder, multilingual, as an ONNX graph, from the published weights.

Source: Yang et al., *Multilingual Universal Sentence Encoder for Semantic Retrieval* (2019), the convolutional model,
version 3. The package holds its table of tokens in a byte a value; here it has four bits, with a scale and an offset
for
each 64 values, which changes nothing that was measured.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .graph import FLOAT, INT64, Array, Graph, Port, floats, ints

WIDTH = 512
# Widths of the convolutions over neighbouring tokens, and how many of each lie to the left.
GRAMS = ((2, 0), (3, 1), (5, 2))
BRANCH = 256
# The package spreads the table's rows over so many parts, each with its own scale.
PARTS = 17
BLOCK, LEVELS = 64, 15
INPUTS: list[Port] = [("input_ids", INT64, ["batch", "tokens"]), ("attention_mask", INT64, ["batch", "tokens"])]


def table(weights: Mapping[str, NDArray[Any]]) -> Array:
    """The table of tokens, `[tokens, 512]`."""
    rows = len(weights["q1"])
    packed = np.empty((PARTS * rows, WIDTH), np.uint8)
    for part in range(PARTS):
        packed[part::PARTS] = weights[f"q{part + 1}"]
    part_of = np.arange(len(packed)) % PARTS
    return floats(packed * weights["scale"][part_of, None] + weights["lo"][part_of, None])


def quantised_rows(graph: Graph, values: Array) -> Callable[[str], str]:
    """A function that gives the rows of some ids, from four bits a value."""
    count, blocks = len(values), WIDTH // BLOCK
    parts = values.reshape(count, blocks, BLOCK)
    low = parts.min(2, keepdims=True).astype(np.float16)
    step = np.maximum((parts.max(2, keepdims=True) - low) / LEVELS, 1e-6).astype(np.float16)
    levels = np.clip(np.round((parts - low) / step), 0, LEVELS).astype(np.uint8)
    half = BLOCK // 2
    # The low bits of a byte hold a value of the first half of its block, the high bits one of the second.
    packed = (levels[:, :, :half] | levels[:, :, half:] << 4).reshape(count, WIDTH // 2)

    def rows(ids: str) -> str:
        both = graph.op("Reshape", graph.op("Gather", packed, ids), ints(0, 0, blocks, half))
        high = graph.op("Cast", graph.op("BitShift", both, np.uint8(4), direction="RIGHT"), to=FLOAT)
        lows = graph.op("Sub", graph.op("Cast", both, to=FLOAT), graph.op("Mul", high, floats(16)))
        scaled = graph.op("Mul", graph.op("Concat", lows, high, axis=3), _half(graph, step, ids))
        return graph.op("Reshape", graph.op("Add", scaled, _half(graph, low, ids)), ints(0, 0, WIDTH))

    return rows


def _half(graph: Graph, values: NDArray[np.float16], ids: str) -> str:
    return graph.op("Cast", graph.op("Gather", values, ids), to=FLOAT)


def network(graph: Graph, weights: Mapping[str, NDArray[Any]], rows: Callable[[str], str]) -> str:
    """`input_ids` and `attention_mask` `[batch, tokens]` to unit vectors `[batch, 512]`. Padding is never seen."""
    mask = graph.op("Unsqueeze", graph.op("Cast", "attention_mask", to=FLOAT), ints(2))
    epsilon = float(weights["eps"])
    tokens = rows("input_ids")
    joined = {
        key: np.concatenate([weights[f"{key}{width}"] for width, _ in GRAMS], -1)
        for key in ("proj", "proj_b", "ln_g", "ln_b")
    }
    x = graph.op("Add", graph.op("MatMul", tokens, graph.half(joined["proj"])), floats(joined["proj_b"]))
    x = graph.op("LayerNormalization", x, floats(joined["ln_g"]), floats(joined["ln_b"]), epsilon=epsilon, axis=-1)
    names = [f"branch_{width}" for width, _ in GRAMS]
    graph.ops("Split", x, ints(*[BRANCH] * len(GRAMS)), outs=names, axis=2)
    parts = [tokens]
    for (width, left), branch in zip(GRAMS, names, strict=True):
        for layer in ("1", "2"):
            branch = _neighbours(graph, weights, branch, mask, (width, left, layer))
        parts.append(branch)
    x = graph.op("Concat", *parts, axis=2)
    x = graph.op("LayerNormalization", x, floats(weights["ln_g"]), floats(weights["ln_b"]), epsilon=epsilon, axis=-1)
    return _sentence(graph, weights, x, mask)


def _neighbours(
    graph: Graph,
    weights: Mapping[str, NDArray[Any]],
    x: str,
    mask: str,
    place: tuple[int, int, str],
) -> str:
    """A convolution over tokens and what goes around it."""
    width, left, layer = place
    kernel = weights[f"w{layer}_{width}"].reshape(width, BRANCH, BRANCH).transpose(2, 1, 0)
    x = graph.op("Mul", x, mask)
    convolved = graph.op(
        "Conv", graph.op("Transpose", x, perm=[0, 2, 1]), graph.half(kernel), floats(weights[f"b{layer}_{width}"]),
        kernel_shape=[width], pads=[left, width - 1 - left],
    )  # fmt: skip
    return graph.op("Add", x, graph.op("Transpose", graph.op("Relu", convolved), perm=[0, 2, 1]))


def _sentence(graph: Graph, weights: Mapping[str, NDArray[Any]], x: str, mask: str) -> str:
    """The sum of all tokens over the root of their number, through three layers."""
    total = graph.op("ReduceSum", graph.op("Mul", x, mask), ints(1), keepdims=0)
    count = graph.op("ReduceSum", mask, ints(1), keepdims=0)

    def times(rows: str, name: str) -> str:
        return graph.op("MatMul", rows, graph.half(weights[name]))

    x = graph.op("Add", times(total, "cnn_W"), graph.op("Mul", count, floats(weights["cnn_b"])))
    x = graph.op("Div", x, graph.op("Sqrt", count))
    y0 = graph.op("Relu", times(x, "d0"))
    y1 = graph.op("Relu", graph.op("Add", times(x, "p1"), times(y0, "d1")))
    y2 = graph.op("Relu", times(y1, "d2"))
    return graph.unit(graph.op("Tanh", graph.op("Add", times(y1, "p3"), times(y2, "d3"))))
