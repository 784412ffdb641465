"""`bundle.toml`: what the service does with the graphs, and the digest of every file."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from .heads import DIMENSION
from .image import MEAN, SIDE, STD

VERSION = "1.0.0"
# Prefixes that may be taken alone: all modalities meet in the first 256 values, in principal axes.
SHORTER = (256, 128, 64)
TEMPLATES = ("a photo of a {label}", "{label}")

HEAD = """# Written by tools/everyday. Preprocessing is data: the service reads it from here.

format = 2
name = "everyday"
version = "{version}"
licence = "Apache-2.0 AND MIT AND LicenseRef-WordNet-3.0"
usage = "any"
notice = "Weights: EfficientNet-Lite2, YAMNet and the Universal Sentence Encoder, multilingual (Google, Apache-2.0), as packaged by others; trained on ImageNet, AudioSet and texts from the web. Class texts: WordNet 3.0 (Princeton University). See NOTICE."
description = "Photographs, sounds, films, shapes and sentences of sixteen languages in one space, from classifiers and a sentence encoder: no pair of media was trained on."
dimension = {dimension}
matryoshka = {shorter}

# What sounds like speech is given to a transcriber: of 219 sounds of things 11 % do, of 120 spoken words all (and 97 % of
# 128 synthesised ones).
[talk]
words = "a person talking"
cosine = 0.3
"""

PICTURES = """width = {side}
height = {side}
resize = "squash"
filter = "bicubic"
mean = [{mean}, {mean}, {mean}]
std = [{std}, {std}, {std}]
"""

TOWER = """
[towers.{name}]
model = "{model}"
inputs = [{inputs}]
output = "embedding"
native_dimension = {dimension}
logit_scale = {scale}
golden = {{ input = "golden/{name}.{kind}", vector = "golden/{name}.f32" }}
"""

TEXT = """
[towers.text.preprocess]
tokenizer = "tokenizer.json"
context = 128
pad_id = 0
overflow = "windows"
templates = [{templates}]
"""

VIDEO = """
[towers.video.preprocess]
image_tower = true
frames = 8
segment_ms = 10000
max_segments = 8
"""

AUDIO = """
[towers.audio.preprocess]
sample_rate = 16000
window_ms = 10000
hop_ms = 10000
max_windows = 64
short = "keep"
front_end = { kind = "waveform" }
"""


def _tower(name: str, model: str, inputs: str, kind: str, scale: float) -> str:
    quoted = ", ".join(f'"{one}"' for one in inputs.split())
    return TOWER.format(name=name, model=model, inputs=quoted, dimension=DIMENSION, kind=kind, scale=scale)


def towers(scales: Mapping[str, float], views: str) -> str:
    """The towers' tables; `views` is that of the point clouds' preprocessing."""
    mean, std = f"{MEAN / 255:.9f}", f"{STD / 255:.9f}"
    pictures = PICTURES.format(side=SIDE, mean=mean, std=std)
    templates = ", ".join(f'"{one}"' for one in TEMPLATES)
    parts = [
        _tower("text", "text.onnx", "input_ids attention_mask", "txt", scales["text"]),
        TEXT.format(templates=templates),
        _tower("image", "image.onnx", "pixels", "png", scales["image"]),
        f"\n[towers.image.preprocess]\n{pictures}",
        _tower("audio", "audio.onnx", "samples", "wav", scales["audio"]),
        AUDIO,
        _tower("video", "image.onnx", "pixels", "mp4", scales["video"]),
        f"{VIDEO}{pictures}",
    ]
    if views:
        parts += [_tower("point_cloud", "image.onnx", "pixels", "ply", scales["point_cloud"]), views]
    return "".join(parts)


def written(folder: Path, towers: str, calibration: str) -> str:
    """The whole manifest of what lies in a folder."""
    files = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("bundle.toml", "MODEL_CARD.md", "chart.png")
    )
    listed = "".join(_entry(folder, file) for file in files)
    shorter = f"[{', '.join(str(length) for length in SHORTER)}]"
    return HEAD.format(version=VERSION, dimension=DIMENSION, shorter=shorter) + listed + towers + calibration


def _entry(folder: Path, file: str) -> str:
    data = (folder / file).read_bytes()
    return f'\n[files."{file}"]\nsha256 = "{hashlib.sha256(data).hexdigest()}"\nbytes = {len(data)}\n'
