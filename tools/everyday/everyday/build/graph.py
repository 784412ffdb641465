"""An ONNX graph that grows node by node. No framework takes part: what is written is what is meant."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[np.float32]
# What a tensor of the graph is called, or a constant to be put into it.
Operand = str | NDArray | np.generic  # type: ignore[type-arg]

OPSET, IR = 17, 8
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
Port = tuple[str, int, Sequence[int | str]]


def ints(*values: int) -> NDArray[np.int64]:
    """A constant of whole numbers: axes, shapes, splits."""
    return np.array(values, np.int64)


def floats(value: object) -> Array:
    return np.asarray(value, np.float32)


class Graph:
    def __init__(self, begun: onnx.ModelProto | None = None) -> None:
        """An empty graph, or one that goes on where a model ends."""
        self.nodes: list[onnx.NodeProto] = list(begun.graph.node) if begun else []
        self.constants: list[onnx.TensorProto] = list(begun.graph.initializer) if begun else []
        self.prefix = "head_" if begun else ""

    def const(self, value: Operand) -> str:
        """The name of a constant."""
        array = np.asarray(value)
        name = f"{self.prefix}c{len(self.constants)}"
        contiguous = np.ascontiguousarray(array).reshape(array.shape)
        self.constants.append(numpy_helper.from_array(contiguous, name))
        return name

    def half(self, value: Array) -> str:
        """A constant of floats that is stored in 16 bits and widened once, when the graph is loaded."""
        return self.op("Cast", np.asarray(value, np.float16), to=FLOAT)

    def op(self, kind: str, *inputs: Operand, out: str = "", **attributes: Any) -> str:
        """A node with one output: its name."""
        return self.ops(kind, *inputs, outs=[out or f"{self.prefix}t{len(self.nodes)}"], **attributes)[0]

    def ops(self, kind: str, *inputs: Operand, outs: list[str], **attributes: Any) -> list[str]:
        """A node with several outputs: their names."""
        names = [value if isinstance(value, str) else self.const(value) for value in inputs]
        self.nodes.append(helper.make_node(kind, names, outs, **attributes))
        return outs

    def unit(self, rows: str) -> str:
        """Rows of Euclidean length 1; what has none stays zero."""
        length = self.op("ReduceL2", rows, axes=[1], keepdims=1)
        return self.op("Div", rows, self.op("Max", length, floats(1e-12)))

    def model(self, inputs: Sequence[Port], outputs: Sequence[Port]) -> onnx.ModelProto:
        """The finished graph, checked."""
        ports = [[helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in side]
                 for side in (inputs, outputs)]  # fmt: skip
        graph = helper.make_graph(self.nodes, "everyday", ports[0], ports[1], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
        onnx.checker.check_model(model)
        return model


def save(model: onnx.ModelProto, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
