"""Reads the weights of a Whisper model from a CTranslate2 file.

The file is a list of named arrays (CTranslate2, `model_spec.py`, binary version 6): the version, the name and the
revision of the specification, the number of arrays; for each its name, rank, sizes, the number of its type and its
bytes; then pairs of names of which the first is another name of the second. Numbers are little-endian, a text has
16 bits of length, its closing zero counted.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

VERSION = 6
SPEC = "WhisperSpec"
# CTranslate2's numbers of types (`model_spec.py`); bfloat16 does not occur.
TYPES = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4", 4: "<f2"}


class Reader:
    """Bytes from their start to their end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, length: int) -> bytes:
        """The next bytes."""
        if length < 0 or self.at + length > len(self.data):
            raise ValueError(f"the file ends at byte {len(self.data)}, {length} more were to come after {self.at}")
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self, kind: str) -> int:
        """The next number, by the letter that `struct` has for it."""
        return int(struct.unpack("<" + kind, self.take(struct.calcsize("<" + kind)))[0])

    def text(self) -> str:
        """The next text."""
        return self.take(self.number("H"))[:-1].decode()


def read(data: bytes) -> dict[str, Array]:
    """Every array of the file by name, as float32."""
    reader = Reader(data)
    version, spec = reader.number("I"), reader.text()
    if (version, spec) != (VERSION, SPEC):
        raise ValueError(f"{spec} of version {version} is not read here, {SPEC} of version {VERSION} is")
    reader.number("I")
    arrays: dict[str, Array] = {}
    for _ in range(reader.number("I")):
        name = reader.text()
        shape = [reader.number("I") for _ in range(reader.number("B"))]
        kind = reader.number("B")
        if kind not in TYPES:
            raise ValueError(f"{name}: no type has the number {kind}")
        values = np.frombuffer(reader.take(reader.number("I")), TYPES[kind])
        arrays[name] = values.reshape(shape).astype(np.float32)
    for _ in range(reader.number("I")):
        alias = reader.text()
        arrays[alias] = arrays[reader.text()]
    if reader.at != len(data):
        raise ValueError(f"{len(data) - reader.at} bytes follow the last array")
    return arrays


def joined(parts: list[Path], sha256: str) -> bytes:
    """The file that was cut into parts, if it has the digest that it should have."""
    data = b"".join(part.read_bytes() for part in parts)
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ValueError(f"the parts together have the SHA-256 {found}, it should be {sha256}")
    return data


@dataclass(frozen=True)
class Sizes:
    """How large a model is."""

    mels: int
    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int
    positions: int  # that the encoder gives: two frames each
    context: int  # tokens that the decoder can see
    vocabulary: int

    @classmethod
    def of(cls, arrays: dict[str, Array]) -> Sizes:
        """The sizes that the arrays have."""

        def layers(part: str) -> int:
            seconds = (name.split("/")[1] for name in arrays if name.startswith(f"{part}/layer_"))
            return len(set(seconds) - {"layer_norm"})

        vocabulary, width = arrays["decoder/embeddings/weight"].shape
        return cls(
            mels=arrays["encoder/conv1/weight"].shape[1],
            width=width,
            heads=int(arrays["encoder/num_heads"]),
            encoder_layers=layers("encoder"),
            decoder_layers=layers("decoder"),
            positions=arrays["encoder/position_encodings/encodings"].shape[0],
            context=arrays["decoder/position_encodings/encodings"].shape[0],
            vocabulary=vocabulary,
        )


def tiny(seed: int, sizes: Sizes) -> dict[str, Array]:
    """Weights drawn by chance, named and shaped as those of a trained model: for tests."""
    draw = np.random.default_rng(seed)
    width, arrays = sizes.width, {}

    def norm(name: str) -> None:
        arrays[name + "/gamma"] = (1 + 0.1 * draw.standard_normal(width)).astype(np.float32)
        arrays[name + "/beta"] = (0.1 * draw.standard_normal(width)).astype(np.float32)

    def linear(name: str, out: int, into: int) -> None:
        arrays[name + "/weight"] = (draw.standard_normal((out, into)) / into**0.5).astype(np.float32)
        arrays[name + "/bias"] = (0.1 * draw.standard_normal(out)).astype(np.float32)

    def attention(name: str) -> None:
        norm(name + "/layer_norm")
        linear(name + "/linear_0", 3 * width, width)
        linear(name + "/linear_1", width, width)

    def forward(name: str) -> None:
        norm(name + "/layer_norm")
        linear(name + "/linear_0", 4 * width, width)
        linear(name + "/linear_1", width, 4 * width)

    for layer in range(sizes.encoder_layers):
        attention(f"encoder/layer_{layer}/self_attention")
        forward(f"encoder/layer_{layer}/ffn")
    for layer in range(sizes.decoder_layers):
        attention(f"decoder/layer_{layer}/self_attention")
        cross = f"decoder/layer_{layer}/attention"
        norm(cross + "/layer_norm")
        linear(cross + "/linear_0", width, width)
        linear(cross + "/linear_1", 2 * width, width)
        linear(cross + "/linear_2", width, width)
        forward(f"decoder/layer_{layer}/ffn")
    norm("encoder/layer_norm")
    norm("decoder/layer_norm")
    for number, into in ((1, sizes.mels), (2, width)):
        name = f"encoder/conv{number}"
        arrays[name + "/weight"] = (draw.standard_normal((width, into, 3)) / (3 * into) ** 0.5).astype(np.float32)
        arrays[name + "/bias"] = (0.1 * draw.standard_normal(width)).astype(np.float32)
    shapes = {"encoder": sizes.positions, "decoder": sizes.context}
    for part, positions in shapes.items():
        table = 0.3 * draw.standard_normal((positions, width))
        arrays[f"{part}/position_encodings/encodings"] = table.astype(np.float32)
        arrays[f"{part}/num_heads"] = np.float32(sizes.heads).reshape(())
    arrays["decoder/embeddings/weight"] = (0.5 * draw.standard_normal((sizes.vocabulary, width))).astype(np.float32)
    arrays["decoder/projection/weight"] = arrays["decoder/embeddings/weight"]
    return arrays
