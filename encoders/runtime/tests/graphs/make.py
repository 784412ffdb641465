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
    half.onnx     x float16 [batch, 4], ids int32 [batch, 4] -> embedding float16 [batch, 4]: 2 x + ids
    brain.onnx    half.onnx in bfloat16, without ids
    heads.onnx    x float32 [batch, 4] -> embedding, to_audio, to_video [batch, 4]: x, -x and 3 x
    soft.onnx     pixels float32 [batch, n, 4] -> soft [batch, n, 4]: doubled
    kept.onnx     pixels float32 [batch, n, 4] -> soft [rows, 4]: doubled, those that begin with -1 left out
    masked-*.onnx kept.onnx with there bool or int64 [batch, n]: rows that are not there are left out too
    fuse.onnx     x float32 [batch, 4], soft [rows, 4], none float32 [nothing, 4] -> embedding [batch, 4]: x and the
                  sum of the rows of each sample
    read.onnx     ids, mask int64 [batch, tokens], soft [rows, 4] -> embedding [batch, 4]: the sum of the ids that
                  the mask keeps, and of the rows
    look.onnx     pixels float32 [batch, 3, 8, 8] -> embedding [batch, 8]: one layer; and it again with
                  look-outside  its weights in outside.bin
                  look-nan      a weight that is not a number
                  look-coarse   its weights in float16
                  look-long     vectors of 16
                  look-heads    a second output, to_points: the opposite
    touch.onnx    points float32 [batch, n, 6] -> embedding [batch, 8]: one layer of the mean point
"""

from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, external_data_helper, helper, numpy_helper, save

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


def floats(name, values, kind=np.float32):
    return numpy_helper.from_array(np.asarray(values, kind), name)


def narrow():
    write(
        "half",
        [
            node("Mul", "x two", "twice"),
            node("Cast", "ids", "numbers", to=TensorProto.FLOAT16),
            node("Add", "twice numbers", "embedding"),
        ],
        [value("x", TensorProto.FLOAT16, "batch", 4), value("ids", TensorProto.INT32, "batch", 4)],
        [value("embedding", TensorProto.FLOAT16, "batch", 4)],
        [floats("two", 2, np.float16)],
    )
    # Casts alone: ONNX Runtime's CPU kernels do not multiply bfloat16.
    write(
        "brain",
        [
            node("Cast", "x", "wide", to=TensorProto.FLOAT),
            node("Mul", "wide two", "twice"),
            node("Cast", "twice", "embedding", to=TensorProto.BFLOAT16),
        ],
        [value("x", TensorProto.BFLOAT16, "batch", 4)],
        [value("embedding", TensorProto.BFLOAT16, "batch", 4)],
        [floats("two", 2)],
    )


def heads():
    outputs = ("embedding", "to_audio", "to_video")
    write(
        "heads",
        [node("Identity", "x", "embedding"), node("Neg", "x", "to_audio"), node("Mul", "x three", "to_video")],
        [value("x", TensorProto.FLOAT, "batch", 4)],
        [value(name, TensorProto.FLOAT, "batch", 4) for name in outputs],
        [floats("three", 3)],
    )


def pipeline():
    pixels = value("pixels", TensorProto.FLOAT, "batch", "n", 4)
    write(
        "soft",
        [node("Mul", "pixels two", "soft")],
        [pixels],
        [value("soft", TensorProto.FLOAT, "batch", "n", 4)],
        [floats("two", 2)],
    )
    write(
        "kept",
        [
            node("Reshape", "pixels flat", "all"),
            node("Gather", "all first", "mark", axis=1),
            node("GreaterOrEqual", "mark zero", "real"),
            node("Compress", "all real", "some", axis=0),
            node("Mul", "some two", "soft"),
        ],
        [pixels],
        [value("soft", TensorProto.FLOAT, "rows", 4)],
        [ints("flat", -1, 4), numpy_helper.from_array(np.array(0, np.int64), "first"), floats("zero", 0), floats("two", 2)],
    )
    for name, kind in ("bool", TensorProto.BOOL), ("int64", TensorProto.INT64):
        write(
            f"masked-{name}",
            [
                node("Reshape", "pixels flat", "all"),
                node("Gather", "all first", "mark", axis=1),
                node("GreaterOrEqual", "mark zero", "real"),
                node("Reshape", "there line", "steps"),
                node("Cast", "steps", "seen", to=TensorProto.BOOL),
                node("And", "real seen", "both"),
                node("Compress", "all both", "some", axis=0),
                node("Mul", "some two", "soft"),
            ],
            [pixels, value("there", kind, "batch", "n")],
            [value("soft", TensorProto.FLOAT, "rows", 4)],
            [ints("flat", -1, 4), ints("line", -1), numpy_helper.from_array(np.array(0, np.int64), "first"), floats("zero", 0), floats("two", 2)],
        )
    soft = value("soft", TensorProto.FLOAT, "rows", 4)
    write(
        "fuse",
        [
            node("Concat", "soft none", "rows", axis=0),
            node("Shape", "x", "batch", start=0, end=1),
            node("Concat", "batch rest", "shape", axis=0),
            node("Reshape", "rows shape", "each"),
            node("ReduceSum", "each middle", "sum", keepdims=0),
            node("Add", "x sum", "embedding"),
        ],
        [value("x", TensorProto.FLOAT, "batch", 4), soft, value("none", TensorProto.FLOAT, "nothing", 4)],
        [value("embedding", TensorProto.FLOAT, "batch", 4)],
        [ints("rest", -1, 4), ints("middle", 1)],
    )
    write(
        "read",
        [
            node("Mul", "ids mask", "kept"),
            node("ReduceSum", "kept last", "total", keepdims=1),
            node("Cast", "total", "number", to=TensorProto.FLOAT),
            node("ReduceSum", "soft rows", "sum", keepdims=1),
            node("Add", "number sum", "embedding"),
        ],
        [value("ids", TensorProto.INT64, "batch", "tokens"), value("mask", TensorProto.INT64, "batch", "tokens"), soft],
        [value("embedding", TensorProto.FLOAT, "batch", 4)],
        [ints("last", 1), ints("rows", 0)],
    )


def look(name, layer, **options):
    """One layer; float16 weights are widened first, as converters do."""
    write(
        name,
        [
            node("Flatten", "pixels", "values"),
            node("Cast", "layer", "wide", to=TensorProto.FLOAT),
            node("MatMul", "values wide", "embedding"),
        ],
        [value("pixels", TensorProto.FLOAT, "batch", 3, 8, 8)],
        [value("embedding", TensorProto.FLOAT, "batch", layer.dims[1])],
        [layer],
        **options,
    )


def looks():
    values = RANDOM.standard_normal((192, 8)).astype(np.float32)
    look("look", floats("layer", values))
    (HERE / "outside.bin").unlink(missing_ok=True)
    outside = floats("layer", values)
    external_data_helper.set_external_data(outside, "outside.bin")
    look("look-outside", outside, check=False)
    broken = values.copy()
    broken[5, 3] = np.nan
    look("look-nan", floats("layer", broken))
    look("look-coarse", floats("layer", values, np.float16))
    look("look-long", floats("layer", np.tile(values, 2)))
    write(
        "look-heads",
        [
            node("Flatten", "pixels", "values"),
            node("MatMul", "values layer", "embedding"),
            node("Neg", "embedding", "to_points"),
        ],
        [value("pixels", TensorProto.FLOAT, "batch", 3, 8, 8)],
        [value("embedding", TensorProto.FLOAT, "batch", 8), value("to_points", TensorProto.FLOAT, "batch", 8)],
        [floats("layer", values)],
    )
    write(
        "touch",
        [node("ReduceMean", "points", "mean", axes=[1], keepdims=0), node("MatMul", "mean layer", "embedding")],
        [value("points", TensorProto.FLOAT, "batch", "n", 6)],
        [value("embedding", TensorProto.FLOAT, "batch", 8)],
        [floats("layer", values[:6])],
    )


bag()
picture()
log()
slow()
log("fixed", batch=1)
log("future", opset=99, check=False)
narrow()
heads()
pipeline()
looks()
