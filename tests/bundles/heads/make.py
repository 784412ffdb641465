#!/usr/bin/env python3
"""Makes the bundle that the tests of heads, prompts and scoring serve, from a fixed seed: python3 make.py

Needs numpy and onnx. Nothing is learnt: texts are the sum of a vector for each word, pictures a layer of their
pixels. What a text is compared with decides its head: `to_image` is the opposite of `embedding`, so a test that asks
the wrong one is off by the sign. Golden vectors are computed here, in numpy.
"""

import hashlib
import json
import struct
import zlib
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

HERE = Path(__file__).parent
RANDOM = np.random.default_rng(11)
WORDS = ["[UNK]", "[PAD]", "a", "photo", "of", "cat", "dog", "bird", "drawn", "title", "red", "green", "blue"]
WORD_VECTORS = RANDOM.standard_normal((len(WORDS), 8)).astype(np.float32)
LAYER = (RANDOM.standard_normal((192, 8)) / 14).astype(np.float32)
COLOUR = (200, 100, 50)

MANIFEST = """# Written by make.py.
format = 2
name = "heads"
version = "1"
licence = "Apache-2.0"
usage = "research"
notice = "Nothing was learnt."
dimension = 8

[provenance]
exporter = "tests/bundles/heads/make.py"
reference = "numpy"

[towers.text]
model = "text.onnx"
inputs = ["ids", "mask"]
output = "embedding"
native_dimension = 8
logit_scale = 20.0
golden = { input = "golden.txt", vector = "golden-text.f32" }
heads = { image = "to_image" }

[towers.text.preprocess]
tokenizer = "tokenizer.json"
context = 32
pad_id = 1
document_prompt = "title {text}"
templates = ["a photo of a {label}", "{label} drawn"]

[towers.image]
model = "image.onnx"
inputs = ["pixels"]
output = "embedding"
native_dimension = 8
logit_scale = 4.0
scoring = "sigmoid"
logit_bias = -1.0
golden = { input = "golden.png", vector = "golden-image.f32" }

[towers.image.preprocess]
width = 8
height = 8
resize = "squash"
filter = "bilinear"
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]
"""


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), **attributes)


def value(name, kind, *shape):
    return helper.make_tensor_value_info(name, kind, list(shape))


def write(name, nodes, inputs, outputs, initializers):
    graph = helper.make_graph(nodes, name, inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="onespace-tests")
    model.ir_version = 8
    checker.check_model(model, full_check=True)
    save(model, HERE / f"{name}.onnx")


def text():
    write(
        "text",
        [
            node("Gather", "words ids", "vectors"),
            node("Cast", "mask", "weight", to=TensorProto.FLOAT),
            node("Unsqueeze", "weight last", "column"),
            node("Mul", "vectors column", "kept"),
            node("ReduceSum", "kept tokens", "embedding", keepdims=0),
            node("Neg", "embedding", "to_image"),
        ],
        [value("ids", TensorProto.INT64, "batch", "tokens"), value("mask", TensorProto.INT64, "batch", "tokens")],
        [value("embedding", TensorProto.FLOAT, "batch", 8), value("to_image", TensorProto.FLOAT, "batch", 8)],
        [
            numpy_helper.from_array(WORD_VECTORS, "words"),
            numpy_helper.from_array(np.array([2], np.int64), "last"),
            numpy_helper.from_array(np.array([1], np.int64), "tokens"),
        ],
    )


def image():
    write(
        "image",
        [node("Flatten", "pixels", "values"), node("MatMul", "values layer", "embedding")],
        [value("pixels", TensorProto.FLOAT, "batch", 3, 8, 8)],
        [value("embedding", TensorProto.FLOAT, "batch", 8)],
        [numpy_helper.from_array(LAYER, "layer")],
    )


def tokenizer():
    model = {"type": "WordLevel", "vocab": {word: index for index, word in enumerate(WORDS)}, "unk_token": "[UNK]"}
    whole = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None}
    whole |= {"pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": None, "decoder": None, "model": model}
    (HERE / "tokenizer.json").write_text(json.dumps(whole, indent=1) + "\n")


def png(colour):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(colour) * 8 for _ in range(8))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def golden():
    def unit(name, vector):
        (HERE / name).write_bytes((vector / np.linalg.norm(vector)).astype("<f4").tobytes())

    words = "a red cat"
    (HERE / "golden.txt").write_text(words)
    unit("golden-text.f32", sum(WORD_VECTORS[WORDS.index(word)] for word in words.split()))
    (HERE / "golden.png").write_bytes(png(COLOUR))
    pixels = np.repeat((np.array(COLOUR) / 255 - 0.5) / 0.5, 64)
    unit("golden-image.f32", pixels @ LAYER)


text()
image()
tokenizer()
golden()
files = sorted(path for path in HERE.iterdir() if path.name not in ("make.py", "bundle.toml"))
for path in files:
    data = path.read_bytes()
    MANIFEST += f'\n[files."{path.name}"]\nsha256 = "{hashlib.sha256(data).hexdigest()}"\nbytes = {len(data)}\n'
(HERE / "bundle.toml").write_text(MANIFEST)
