#!/usr/bin/env python3
"""Makes the little graphs that a hub publishes in tests/pull.rs, from fixed seeds: python3 make.py

Needs numpy and onnx. Tensors are named as transformers.js has those of CLIP, SigLIP 2 and CLAP.

    text_model.onnx           input_ids int64 [batch, tokens] -> text_embeds [batch, 16]: the mean of 64 vectors
    vision_model.onnx         pixel_values float32 [batch, 3, 32, 32] -> image_embeds [batch, 16]: the mean of patches
    siglip_*_model.onnx       the same to pooler_output, with other weights
    audio_model.onnx          input_features float32 [batch, 1, time, 64] -> audio_embeds [batch, 16]: the mean over time
"""

from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

RANDOM = np.random.default_rng(11)


def weights(name, *shape):
    return numpy_helper.from_array((RANDOM.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32), name)


def write(name, nodes, inputs, outputs, initializers):
    graph = helper.make_graph(nodes, name, inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="onespace-tests")
    model.ir_version = 8
    checker.check_model(model, full_check=True)
    save(model, Path(__file__).parent / f"{name}.onnx")


def text(name, output):
    write(
        name,
        [
            helper.make_node("Mod", ["input_ids", "size"], ["row"]),
            helper.make_node("Gather", ["table", "row"], ["vectors"]),
            helper.make_node("ReduceMean", ["vectors"], ["mean"], axes=[1], keepdims=0),
            helper.make_node("MatMul", ["mean", "out"], [output]),
        ],
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", 16])],
        [weights("table", 64, 16), weights("out", 16, 16), numpy_helper.from_array(np.array(64, np.int64), "size")],
    )


def vision(name, output):
    write(
        name,
        [
            helper.make_node("Conv", ["pixel_values", "patch"], ["patches"], kernel_shape=[8, 8], strides=[8, 8]),
            helper.make_node("Tanh", ["patches"], ["bent"]),
            helper.make_node("ReduceMean", ["bent"], ["mean"], axes=[2, 3], keepdims=0),
            helper.make_node("MatMul", ["mean", "out"], [output]),
        ],
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch", 3, 32, 32])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", 16])],
        [weights("patch", 16, 3, 8, 8), weights("out", 16, 16)],
    )


def audio(name, output):
    write(
        name,
        [
            helper.make_node("ReduceMean", ["input_features"], ["mean"], axes=[1, 2], keepdims=0),
            helper.make_node("MatMul", ["mean", "out"], [output]),
        ],
        [helper.make_tensor_value_info("input_features", TensorProto.FLOAT, ["batch", 1, "time", 64])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", 16])],
        [weights("out", 64, 16)],
    )


text("text_model", "text_embeds")
vision("vision_model", "image_embeds")
text("siglip_text_model", "pooler_output")
vision("siglip_vision_model", "pooler_output")
audio("audio_model", "audio_embeds")
