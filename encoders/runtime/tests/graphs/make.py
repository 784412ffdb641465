#!/usr/bin/env python3
"""Makes the little graphs that the tests run, from fixed seeds: python3 make.py

Needs numpy and onnx.

    bag.onnx      ids, mask int64 [batch, tokens] -> embedding [batch, 8]: the masked mean of 32 vectors; an id
                  outside 0..32 makes the run fail
    picture.onnx  pixels float32 [batch, 3, 32, 32] -> embedding [batch, 16]: patches, attention, a perceptron
    log.onnx      x float32 [batch, 4] -> embedding [batch, 4]: the logarithm; negative values give NaN
    slow.onnx     x float32 [batch, 4] -> embedding [batch, 4]: as many steps as the largest value says
    fixed.onnx    log.onnx with a batch axis of 1
    future.onnx   log.onnx of an operator set that does not exist
"""

from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

HERE = Path(__file__).parent
RANDOM = np.random.default_rng(7)


def weights(name, *shape):
    values = RANDOM.standard_normal(shape) / np.sqrt(shape[0])
    return numpy_helper.from_array(values.astype(np.float32), name)


def ints(name, *values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def value(name, kind, *shape):
    return helper.make_tensor_value_info(name, kind, list(shape))


def write(name, nodes, inputs, outputs, initializers, opset=17, check=True):
    graph = helper.make_graph(nodes, name, inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="onespace-tests")
    model.ir_version = 8
    if check:
        checker.check_model(model, full_check=True)
    save(model, HERE / f"{name}.onnx")


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), **attributes)


def bag():
    write(
        "bag",
        [
            node("Gather", "table ids", "vectors"),
            node("Cast", "mask", "weight", to=TensorProto.FLOAT),
            node("Unsqueeze", "weight last", "column"),
            node("Mul", "vectors column", "kept"),
            node("ReduceSum", "kept tokens", "sum", keepdims=0),
            node("ReduceSum", "weight tokens", "count", keepdims=1),
            node("Div", "sum count", "mean"),
            node("MatMul", "mean out", "embedding"),
        ],
        [value("ids", TensorProto.INT64, "batch", "tokens"), value("mask", TensorProto.INT64, "batch", "tokens")],
        [value("embedding", TensorProto.FLOAT, "batch", 8)],
        [weights("table", 32, 8), weights("out", 8, 8), ints("last", 2), ints("tokens", 1)],
    )


def picture():
    width = 32
    write(
        "picture",
        [
            node("Conv", "pixels patch", "patches", kernel_shape=[8, 8], strides=[8, 8]),
            node("Reshape", "patches flat", "channels"),
            node("Transpose", "channels", "tokens", perm=[0, 2, 1]),
            node("LayerNormalization", "tokens one zero", "normal", axis=-1),
            node("MatMul", "normal q", "query"),
            node("MatMul", "normal k", "key"),
            node("MatMul", "normal v", "content"),
            node("Transpose", "key", "key_t", perm=[0, 2, 1]),
            node("MatMul", "query key_t", "scores"),
            node("Softmax", "scores", "attention", axis=-1),
            node("MatMul", "attention content", "mixed"),
            node("Add", "tokens mixed", "residual"),
            node("MatMul", "residual wide", "hidden"),
            node("Erf", "hidden", "bent"),
            node("MatMul", "bent narrow", "back"),
            node("Add", "residual back", "after"),
            node("ReduceMean", "after", "pooled", axes=[1], keepdims=0),
            node("MatMul", "pooled out", "embedding"),
        ],
        [value("pixels", TensorProto.FLOAT, "batch", 3, 32, 32)],
        [value("embedding", TensorProto.FLOAT, "batch", 16)],
        [
            weights("patch", width, 3, 8, 8),
            ints("flat", 0, width, -1),
            numpy_helper.from_array(np.ones(width, np.float32), "one"),
            numpy_helper.from_array(np.zeros(width, np.float32), "zero"),
            *(weights(name, width, width) for name in "qkv"),
            weights("wide", width, 2 * width),
            weights("narrow", 2 * width, width),
            weights("out", width, 16),
        ],
    )


def log(name="log", batch="batch", **options):
    write(
        name,
        [node("Log", "x", "embedding")],
        [value("x", TensorProto.FLOAT, batch, 4)],
        [value("embedding", TensorProto.FLOAT, batch, 4)],
        [],
        **options,
    )


def slow():
    body = helper.make_graph(
        [
            node("Identity", "on_in", "on_out"),
            node("MatMul", "state_in mix", "mixed"),
            node("Tanh", "mixed", "state_out"),
        ],
        "step",
        [value("step", TensorProto.INT64), value("on_in", TensorProto.BOOL), value("state_in", TensorProto.FLOAT, "batch", 4)],
        [value("on_out", TensorProto.BOOL), value("state_out", TensorProto.FLOAT, "batch", 4)],
        [weights("mix", 4, 4)],
    )
    write(
        "slow",
        [
            node("ReduceMax", "x", "largest", keepdims=0),
            node("Cast", "largest", "steps", to=TensorProto.INT64),
            node("Loop", "steps on x", "embedding", body=body),
        ],
        [value("x", TensorProto.FLOAT, "batch", 4)],
        [value("embedding", TensorProto.FLOAT, "batch", 4)],
        [numpy_helper.from_array(np.array(True), "on")],
    )


bag()
picture()
log()
slow()
log("fixed", batch=1)
log("future", opset=99, check=False)
