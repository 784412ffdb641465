#!/usr/bin/env python3
"""Makes the little graphs that a hub publishes in tests/pull.rs, from fixed seeds: python3 make.py

Needs numpy and onnx. Tensors are named as transformers.js has those of CLIP, SigLIP 2, CLAP and EmbeddingGemma 2.

    text_model.onnx           input_ids int64 [batch, tokens] -> text_embeds [batch, 16]: the mean of 64 vectors
    vision_model.onnx         pixel_values float32 [batch, 3, 32, 32] -> image_embeds [batch, 16]: the mean of patches
    siglip_*_model.onnx       the same to pooler_output, with other weights
    gemma_vision.onnx         pixel_values float32 [batch, patches, 768], pixel_position_ids int64 [batch, patches, 2]
                              -> image_features [rows, 16]: nine patches a row, those at -1 left out
    gemma_audio.onnx          input_features float32 [batch, frames, 128], input_features_mask bool [batch, frames]
                              -> audio_features [rows, 16]: the frames that are there
    gemma_model.onnx          input_ids, attention_mask int64 [batch, tokens], image_features, video_features,
                              audio_features float32 [rows, 16] -> sentence_embedding [batch, 16]: the mean of 64
                              vectors and of the rows; infinite where there is not one placeholder for each row
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


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs.split(), [output], **attributes)


def value(name, kind, *shape):
    return helper.make_tensor_value_info(name, kind, list(shape))


def constant(name, value, kind):
    return numpy_helper.from_array(np.array(value, kind), name)


def gemma_vision():
    write(
        "gemma_vision",
        [
            node("Reshape", "pixel_values flat", "all"),
            node("Gather", "pixel_position_ids zero", "x", axis=2),
            node("Reshape", "x line", "across"),
            node("GreaterOrEqual", "across zero", "there"),
            node("Compress", "all there", "some", axis=0),
            node("MatMul", "some patch", "wide"),
            node("Tanh", "wide", "bent"),
            node("Reshape", "bent nine", "grouped"),
            node("ReduceMean", "grouped", "image_features", axes=[1], keepdims=0),
        ],
        [value("pixel_values", TensorProto.FLOAT, "batch", "patches", 768), value("pixel_position_ids", TensorProto.INT64, "batch", "patches", 2)],
        [value("image_features", TensorProto.FLOAT, "rows", 16)],
        [weights("patch", 768, 16), constant("flat", [-1, 768], np.int64), constant("line", [-1], np.int64)]
        + [constant("zero", 0, np.int64), constant("nine", [-1, 9, 16], np.int64)],
    )


def gemma_audio():
    write(
        "gemma_audio",
        [
            node("Reshape", "input_features flat", "all"),
            node("Reshape", "input_features_mask line", "there"),
            node("Compress", "all there", "some", axis=0),
            node("MatMul", "some out", "audio_features"),
        ],
        [value("input_features", TensorProto.FLOAT, "batch", "frames", 128), value("input_features_mask", TensorProto.BOOL, "batch", "frames")],
        [value("audio_features", TensorProto.FLOAT, "rows", 16)],
        [weights("out", 128, 16), constant("flat", [-1, 128], np.int64), constant("line", [-1], np.int64)],
    )


def gemma_model():
    nodes = [
        node("Mod", "input_ids size", "row"),
        node("Gather", "table row", "vectors"),
        node("Cast", "attention_mask", "weight", to=TensorProto.FLOAT),
        node("Unsqueeze", "weight last", "column"),
        node("Mul", "vectors column", "kept"),
        node("ReduceSum", "kept tokens", "sum", keepdims=0),
        node("ReduceSum", "weight tokens", "count", keepdims=1),
        node("Div", "sum count", "read"),
        node("Concat", "image_features video_features audio_features", "features", axis=0),
        node("ReduceSum", "features first", "seen", keepdims=0),
        node("Div", "seen count", "share"),
        node("Add", "read share", "whole"),
    ]
    ones = []
    for kind in ("image", "video", "audio"):
        nodes += [
            node("Equal", f"input_ids {kind}_token", f"{kind}_there"),
            node("Cast", f"{kind}_there", f"{kind}_ones", to=TensorProto.INT64),
            node("ReduceSum", f"{kind}_ones", f"{kind}_places", keepdims=0),
            node("Shape", f"{kind}_features", f"{kind}_rows", start=0, end=1),
            node("Equal", f"{kind}_places {kind}_rows", f"{kind}_fits"),
            node("Cast", f"{kind}_fits", f"{kind}_one", to=TensorProto.FLOAT),
        ]
        ones.append(f"{kind}_one")
    nodes += [node("Mul", " ".join(ones[:2]), "two"), node("Mul", f"two {ones[2]}", "fits"), node("Div", "whole fits", "sentence_embedding")]
    tokens = [value(name, TensorProto.INT64, "batch", "tokens") for name in ("input_ids", "attention_mask")]
    features = [value(f"{kind}_features", TensorProto.FLOAT, f"{kind}_count", 16) for kind in ("image", "video", "audio")]
    places = [constant(f"{kind}_token", token, np.int64) for kind, token in (("image", 258880), ("video", 258884), ("audio", 258881))]
    axes = [constant("size", 64, np.int64), constant("last", [2], np.int64), constant("tokens", [1], np.int64), constant("first", [0], np.int64)]
    write("gemma_model", nodes, tokens + features, [value("sentence_embedding", TensorProto.FLOAT, "batch", 16)], [weights("table", 64, 16), *places, *axes])


text("text_model", "text_embeds")
vision("vision_model", "image_embeds")
text("siglip_text_model", "pooler_output")
vision("siglip_vision_model", "pooler_output")
audio("audio_model", "audio_embeds")
gemma_vision()
gemma_audio()
gemma_model()
