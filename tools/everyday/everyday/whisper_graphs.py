"""Whisper's encoder and decoder as ONNX graphs, written node by node: no framework takes part.

The model is that of Radford et al., *Robust Speech Recognition via Large-Scale Weak Supervision* (2022): pre-norm
Transformers, the error-function GELU, heads of `width / heads` numbers.

The encoder gives the keys and values that every step of the decoder attends to, one pair of outputs a layer, so that
they are computed once and handed on without a copy. The decoder takes the tokens that are new, and the keys and values
of those before them; it gives the logits after the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from .whisper_weights import Array, Sizes

OPSET = 17
IR = 10
# What the layer norms of the model add to the variance: the default of the framework it was trained in.
EPSILON = 1e-5
MICROSOFT = "com.microsoft"

Shape = list[int | str]
Operand = str | NDArray[Any] | np.generic


@dataclass(frozen=True)
class Precision:
    """How matrices are stored."""

    # `floats` as they are; `blocks` of bytes that share a scale; `rows` of bytes that share one, for which the other
    # factor becomes bytes as well, each of its rows with a scale of its own, as CTranslate2 does it.
    kind: Literal["floats", "blocks", "rows"] = "blocks"
    # Numbers of a block, along what is summed up. How far keys and values are from those in floats, of 0.42 on average:
    # blocks of 128 .018, of 32 .011, rows .028, CTranslate2's own bytes .025.
    block: int = 32
    # How the products of blocks are computed: 4 turns blocks of the other factor into bytes, 0 widens the matrix.
    accuracy: int = 4


class Graph:
    """A graph that grows node by node."""

    def __init__(self, precision: Precision | None = None) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.count = 0
        self.precision = precision or Precision("floats")

    def const(self, value: NDArray[Any] | np.generic | float) -> str:
        """A constant."""
        self.count += 1
        array = np.asarray(value)
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), f"c{self.count}"))
        return f"c{self.count}"

    def op(self, kind: str, *inputs: Operand, out: str | list[str] | None = None, n: int = 1, **attrs: Any) -> str:
        """A node of one output, or of those that `out` names; the first is returned."""
        self.count += 1
        outs = [out] if isinstance(out, str) else out or [f"t{self.count}_{i}" for i in range(n)]
        ins = [i if isinstance(i, str) else self.const(i) for i in inputs]
        self.nodes.append(helper.make_node(kind, ins, outs, **attrs))
        return outs[0]

    def ops(self, kind: str, *inputs: Operand, n: int, **attrs: Any) -> list[str]:
        """A node of several outputs."""
        outs = [f"t{self.count + 1}_{i}" for i in range(n)]
        self.op(kind, *inputs, out=outs, **attrs)
        return outs

    def save(self, path: Path, inputs: list[tuple[str, int, Shape]], outputs: list[tuple[str, int, Shape]]) -> None:
        """Writes the graph, the same bytes each time."""
        infos = [[helper.make_tensor_value_info(*info) for info in infos] for infos in (inputs, outputs)]
        graph = helper.make_graph(self.nodes, "whisper", infos[0], infos[1], self.weights)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR)
        path.write_bytes(model.SerializeToString(deterministic=True))

    def norm(self, x: str, arrays: dict[str, Array], name: str) -> str:
        """A layer norm."""
        gamma, beta = arrays[name + "/gamma"], arrays[name + "/beta"]
        return self.op("LayerNormalization", x, gamma, beta, axis=-1, epsilon=EPSILON)

    def linear(self, x: str, arrays: dict[str, Array], name: str) -> str:
        """x · weightᵀ + bias."""
        return self.product(x, arrays[name + "/weight"], arrays[name + "/bias"])

    def product(self, x: str, weight: Array, bias: Array | None, packed: tuple[str, str] | None = None) -> str:
        """x · weightᵀ + bias, the weight as the graph's precision has it."""
        if self.precision.kind == "floats":
            y = self.op("MatMul", x, np.ascontiguousarray(weight.T))
            return y if bias is None else self.op("Add", y, bias)
        return self.blocks(x, weight, bias, packed) if self.precision.kind == "blocks" else self.rows(x, weight, bias)

    def blocks(self, x: str, weight: Array, bias: Array | None, packed: tuple[str, str] | None) -> str:
        """x · weightᵀ + bias, in blocks."""
        out, into = weight.shape
        block = fitting(self.precision.block, into)
        whole, scales = packed or tuple(self.const(part) for part in in_bytes(weight, block))
        more: list[Operand] = [] if bias is None else ["", "", bias]
        return self.op(
            "MatMulNBits", x, whole, scales, *more,
            K=into, N=out, bits=8, block_size=block, accuracy_level=self.precision.accuracy, domain=MICROSOFT,
        )  # fmt: skip

    def rows(self, x: str, weight: Array, bias: Array | None) -> str:
        """x · weightᵀ + bias, in rows."""
        whole, scales = in_bytes(weight, weight.shape[1])
        peak = self.op("Max", self.op("ReduceMax", self.op("Abs", x), axes=[-1]), np.float32(1e-30))
        scale = self.op("Div", peak, np.float32(127))
        flat = self.op("Reshape", scale, ints(-1))
        middle = self.op("Expand", np.array([128], np.uint8), self.op("Shape", flat))
        x = self.op("QuantizeLinear", x, flat, middle, axis=-2)
        signed = (whole[:, 0].astype(np.int16) - 128).astype(np.int8)
        y = self.op("MatMulInteger", x, np.ascontiguousarray(signed.T), np.uint8(128))
        y = self.op("Mul", self.op("Mul", self.op("Cast", y, to=TensorProto.FLOAT), scale), scales[:, 0])
        return y if bias is None else self.op("Add", y, bias)

    def gelu(self, x: str) -> str:
        """GELU by the error function."""
        return self.op("Gelu", x, domain=MICROSOFT)


def fitting(block: int, into: int) -> int:
    """The largest block, a power of two, that `into` numbers are a multiple of."""
    while into % block:
        block //= 2
    if block < 16:
        raise ValueError(f"{into} numbers have no blocks of 16")
    return block


def in_bytes(weight: Array, block: int) -> tuple[NDArray[np.uint8], Array]:
    """A matrix [out, in] as bytes around 128, [out, blocks, block], and the scale of each block, [out, blocks]."""
    blocks = weight.reshape(weight.shape[0], -1, block)
    scale = (np.abs(blocks).max(axis=2, keepdims=True) / 127).astype(np.float32)
    scale[scale == 0] = 1
    whole = (np.rint(blocks / scale) + 128).astype(np.uint8)
    return whole, scale[:, :, 0]


def ints(*values: int) -> NDArray[np.int64]:
    """A list of integers."""
    return np.array(values, np.int64)


def encoder(arrays: dict[str, Array], path: Path, precision: Precision) -> None:
    """`mel` [1, mels, frames], an even number of frames, to `key_i` and `value_i` of each layer of the decoder."""
    sizes, g = Sizes.of(arrays), Graph(precision)
    width, heads = sizes.width, sizes.heads
    x = "mel"
    for conv, stride in (("conv1", 1), ("conv2", 2)):
        weight, bias = arrays[f"encoder/{conv}/weight"], arrays[f"encoder/{conv}/bias"]
        x = g.op("Conv", x, weight, bias, kernel_shape=[3], strides=[stride], pads=[1, 1])
        x = g.gelu(x)
    x = g.op("Transpose", x, perm=[0, 2, 1])
    length = g.op("Slice", g.op("Shape", x), ints(1), ints(2))
    table = arrays["encoder/position_encodings/encodings"]
    x = g.op("Add", x, g.op("Slice", table, ints(0), length, ints(0)))
    for layer in range(sizes.encoder_layers):
        name = f"encoder/layer_{layer}"
        y = g.norm(x, arrays, name + "/self_attention/layer_norm")
        query, key, value = g.ops(
            "Split", g.linear(y, arrays, name + "/self_attention/linear_0"), ints(width, width, width), n=3, axis=2
        )
        y = g.op("MultiHeadAttention", query, key, value, num_heads=heads, domain=MICROSOFT)
        x = g.op("Add", x, g.linear(y, arrays, name + "/self_attention/linear_1"))
        x = g.op("Add", x, forward(g, x, arrays, name + "/ffn"))
    x = g.norm(x, arrays, "encoder/layer_norm")
    outputs: list[tuple[str, int, Shape]] = []
    for layer in range(sizes.decoder_layers):
        both = g.linear(x, arrays, f"decoder/layer_{layer}/attention/linear_1")
        split = g.ops("Split", both, ints(width, width), n=2, axis=2)
        for name, part in zip(("key", "value"), split, strict=True):
            apart = g.op("Reshape", part, ints(0, 0, heads, width // heads))
            g.op("Transpose", apart, perm=[0, 2, 1, 3], out=f"{name}_{layer}")
            outputs.append((f"{name}_{layer}", TensorProto.FLOAT, [1, heads, "positions", width // heads]))
    g.save(path, [("mel", TensorProto.FLOAT, [1, sizes.mels, "frames"])], outputs)


def decoder(arrays: dict[str, Array], path: Path, precision: Precision) -> None:
    """`tokens` [1, new] after those in `past_key_i` and `past_value_i`, to `logits` [1, vocabulary] after the last."""
    sizes, g = Sizes.of(arrays), Graph(precision)
    heads, depth = sizes.heads, sizes.width // sizes.heads
    embeddings = arrays["decoder/embeddings/weight"]
    x, packed = embedded(g, embeddings)
    new = g.op("Slice", g.op("Shape", "tokens"), ints(1), ints(2))
    before = g.op("Slice", g.op("Shape", "past_key_0"), ints(2), ints(3))
    table = arrays["decoder/position_encodings/encodings"]
    x = g.op("Add", x, g.op("Slice", table, before, g.op("Add", before, new), ints(0)))
    inputs: list[tuple[str, int, Shape]] = [("tokens", TensorProto.INT64, [1, "new"])]
    outputs: list[tuple[str, int, Shape]] = [("logits", TensorProto.FLOAT, [1, sizes.vocabulary])]
    for layer in range(sizes.decoder_layers):
        for part in ("key", "value"):
            inputs.append((f"{part}_{layer}", TensorProto.FLOAT, [1, heads, "positions", depth]))
            inputs.append((f"past_{part}_{layer}", TensorProto.FLOAT, [1, heads, "past", depth]))
            outputs.append((f"present_{part}_{layer}", TensorProto.FLOAT, [1, heads, "present", depth]))
        x = decoder_layer(g, x, arrays, layer, sizes)
    x = g.op("Slice", x, ints(-1), ints(np.iinfo(np.int64).max), ints(1))
    x = g.norm(g.op("Squeeze", x, ints(1)), arrays, "decoder/layer_norm")
    logits = g.product(x, arrays["decoder/projection/weight"], None, packed)
    g.nodes[-1].output[0] = "logits"
    assert logits != "logits"
    g.save(path, inputs, outputs)


def embedded(g: Graph, table: Array) -> tuple[str, tuple[str, str] | None]:
    """The rows of the tokens, and the table as the projection takes it: both are the same bytes."""
    if g.precision.kind == "floats":
        return g.op("Gather", table, "tokens"), None
    block = fitting(g.precision.block, table.shape[1]) if g.precision.kind == "blocks" else table.shape[1]
    whole, scales = (g.const(part) for part in in_bytes(table, block))
    rows = g.op("Sub", g.op("Cast", g.op("Gather", whole, "tokens"), to=TensorProto.FLOAT), np.float32(128))
    rows = g.op("Mul", rows, g.op("Unsqueeze", g.op("Gather", scales, "tokens"), ints(3)))
    rows = g.op("Reshape", rows, ints(0, 0, table.shape[1]))
    return rows, (whole, scales) if g.precision.kind == "blocks" else None


def decoder_layer(g: Graph, x: str, arrays: dict[str, Array], layer: int, sizes: Sizes) -> str:
    """Attention to the tokens so far, attention to the sound, feed-forward."""
    name, width, heads = f"decoder/layer_{layer}", sizes.width, sizes.heads
    y = g.norm(x, arrays, name + "/self_attention/layer_norm")
    query, key, value = g.ops(
        "Split", g.linear(y, arrays, name + "/self_attention/linear_0"), ints(width, width, width), n=3, axis=2
    )
    y = g.op(
        "MultiHeadAttention", query, key, value, "", "", "", f"past_key_{layer}", f"past_value_{layer}",
        out=[f"y_{layer}", f"present_key_{layer}", f"present_value_{layer}"],
        num_heads=heads, unidirectional=1, domain=MICROSOFT,
    )  # fmt: skip
    x = g.op("Add", x, g.linear(y, arrays, name + "/self_attention/linear_1"))
    y = g.linear(g.norm(x, arrays, name + "/attention/layer_norm"), arrays, name + "/attention/linear_0")
    y = g.op("MultiHeadAttention", y, f"key_{layer}", f"value_{layer}", num_heads=heads, domain=MICROSOFT)
    x = g.op("Add", x, g.linear(y, arrays, name + "/attention/linear_2"))
    return g.op("Add", x, forward(g, x, arrays, name + "/ffn"))


def forward(g: Graph, x: str, arrays: dict[str, Array], name: str) -> str:
    """The feed-forward part of a layer, its norm included."""
    y = g.gelu(g.linear(g.norm(x, arrays, name + "/layer_norm"), arrays, name + "/linear_0"))
    return g.linear(y, arrays, name + "/linear_1")
