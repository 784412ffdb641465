"""Weights are read as they were written, graphs compute what NumPy does, the same input gives the same bytes."""

import hashlib
import json
import struct
import tomllib
from math import erf
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from everyday import whisper_reference as reference
from everyday import whisper_tiny
from everyday.whisper_graphs import Precision, decoder, encoder, in_bytes
from everyday.whisper_weights import SPEC, Sizes, joined, read, tiny

SIZES = Sizes(80, 32, 2, 2, 2, 100, 64, 60)
FIXTURE = Path(__file__).resolve().parents[3] / "encoders/speech/tests/tiny"


def written(arrays, aliases=()):
    """A file as CTranslate2 writes it."""

    def text(words):
        return struct.pack("<H", len(words) + 1) + words.encode() + b"\0"

    data = struct.pack("<I", 6) + text(SPEC) + struct.pack("<II", 3, len(arrays))
    for name, array in arrays.items():
        kind = {"float32": 0, "int16": 2, "float16": 4}[array.dtype.name]
        data += text(name) + struct.pack("<B", array.ndim) + struct.pack(f"<{array.ndim}I", *array.shape)
        data += struct.pack("<BI", kind, array.nbytes) + array.tobytes()
    data += struct.pack("<I", len(aliases))
    return data + b"".join(text(alias) + text(name) for alias, name in aliases)


def test_a_file_is_read_to_its_last_byte():
    arrays = {"a/b": np.arange(6, dtype=np.float16).reshape(2, 3), "heads": np.array(8, np.int16)}
    data = written(arrays, [("c", "a/b")])
    found = read(data)
    assert found["c"].tolist() == [[0, 1, 2], [3, 4, 5]] and found["heads"] == 8
    with pytest.raises(ValueError, match="more were to come"):
        read(data[:-3])
    with pytest.raises(ValueError, match="bytes follow"):
        read(data + b"\0")
    with pytest.raises(ValueError, match="is not read here"):
        read(b"\5" + data[1:])


def test_parts_are_one_file_or_none(tmp_path):
    parts = [tmp_path / "1", tmp_path / "2"]
    for part, data in zip(parts, (b"ab", b"c"), strict=True):
        part.write_bytes(data)
    assert joined(parts, hashlib.sha256(b"abc").hexdigest()) == b"abc"
    with pytest.raises(ValueError, match="SHA-256"):
        joined(parts, "00")


def test_bytes_are_within_half_a_step():
    weight = np.random.default_rng(1).standard_normal((5, 64)).astype(np.float32)
    whole, scale = in_bytes(weight, 32)
    back = (whole.astype(np.float32) - 128) * scale[:, :, None]
    assert np.abs(back.reshape(5, 64) - weight).max() <= scale.max() * 0.5001


def numpy_encoder(arrays, mel):
    """The encoder, written a second time."""
    sizes = Sizes.of(arrays)
    gelu = np.vectorize(lambda x: 0.5 * x * (1 + erf(x / 2**0.5)))

    def conv(x, name, stride):
        x = np.pad(x, ((0, 0), (1, 1)))
        weight, bias = arrays[name + "/weight"], arrays[name + "/bias"]
        at = range(0, x.shape[1] - 2, stride)
        return gelu(np.stack([np.tensordot(weight, x[:, i : i + 3], 2) + bias for i in at], 1))

    def norm(x, name):
        middle = x - x.mean(-1, keepdims=True)
        scaled = middle / np.sqrt((middle**2).mean(-1, keepdims=True) + 1e-5)
        return scaled * arrays[name + "/gamma"] + arrays[name + "/beta"]

    def linear(x, name):
        return x @ arrays[name + "/weight"].T + arrays[name + "/bias"]

    x = conv(conv(mel, "encoder/conv1", 1), "encoder/conv2", 2).T
    x = x + arrays["encoder/position_encodings/encodings"][: len(x)]
    for layer in range(sizes.encoder_layers):
        name = f"encoder/layer_{layer}"
        y = norm(x, name + "/self_attention/layer_norm")
        q, k, v = np.split(linear(y, name + "/self_attention/linear_0"), 3, 1)
        depth = sizes.width // sizes.heads
        heads = []
        for at in range(0, sizes.width, depth):
            part = slice(at, at + depth)
            scores = q[:, part] @ k[:, part].T / depth**0.5
            raised = np.exp(scores - scores.max(1, keepdims=True))
            heads.append(raised / raised.sum(1, keepdims=True) @ v[:, part])
        x = x + linear(np.concatenate(heads, 1), name + "/self_attention/linear_1")
        y = gelu(linear(norm(x, name + "/ffn/layer_norm"), name + "/ffn/linear_0"))
        x = x + linear(y, name + "/ffn/linear_1")
    return norm(x, "encoder/layer_norm")


def test_the_encoder_computes_what_numpy_does(tmp_path):
    arrays = tiny(5, SIZES)
    encoder(arrays, tmp_path / "encoder.onnx", Precision("floats"))
    mel = np.random.default_rng(2).standard_normal((80, 60)).astype(np.float32)
    session = onnxruntime.InferenceSession(tmp_path / "encoder.onnx")
    found = dict(zip([o.name for o in session.get_outputs()], session.run(None, {"mel": mel[None]}), strict=True))
    name = "decoder/layer_1/attention/linear_1"
    both = numpy_encoder(arrays, mel) @ arrays[name + "/weight"].T + arrays[name + "/bias"]
    for part, expected in zip(("key_1", "value_1"), np.split(both, 2, 1), strict=True):
        ours = found[part][0].transpose(1, 0, 2).reshape(30, SIZES.width)
        assert np.abs(ours - expected).max() < 1e-4


@pytest.mark.parametrize("precision", [Precision("floats"), Precision("blocks", 32, 0), Precision("rows")])
def test_tokens_one_by_one_are_tokens_at_once(tmp_path, precision):
    arrays = tiny(5, SIZES)
    encoder(arrays, tmp_path / "encoder.onnx", precision)
    decoder(arrays, tmp_path / "decoder.onnx", precision)
    model = reference.Whisper(tmp_path)
    mel = np.random.default_rng(2).standard_normal((80, 60)).astype(np.float32)
    model.encode(mel)
    at_once = model.step([3, 1, 4, 1])
    model.encode(mel)
    for token in [3, 1, 4, 1]:
        last = model.step([token])
    assert np.abs(at_once - last).max() < 1e-3 * np.abs(last).max()


def test_blocks_and_rows_are_close_to_floats(tmp_path):
    arrays, logits = tiny(5, SIZES), {}
    mel = np.random.default_rng(2).standard_normal((80, 60)).astype(np.float32)
    for precision in (Precision("floats"), Precision("blocks", 32, 0), Precision("blocks", 32, 4), Precision("rows")):
        folder = tmp_path / f"{precision.kind}{precision.accuracy}"
        folder.mkdir()
        encoder(arrays, folder / "encoder.onnx", precision)
        decoder(arrays, folder / "decoder.onnx", precision)
        model = reference.Whisper(folder)
        model.encode(mel)
        logits[folder.name] = model.step([3, 1, 4])
    exact = logits.pop("floats4")
    for name, found in logits.items():
        assert np.corrcoef(found, exact)[0, 1] > 0.999, name


def test_the_fixture_is_what_the_code_makes(tmp_path):
    whisper_tiny.make(tmp_path)
    for name in ("encoder.onnx", "decoder.onnx", "tokenizer.json", "transcriber.toml"):
        assert (tmp_path / name).read_bytes() == (FIXTURE / name).read_bytes(), name
    manifest = tomllib.loads((FIXTURE / "transcriber.toml").read_text())
    for name, entry in manifest["files"].items():
        assert hashlib.sha256((FIXTURE / name).read_bytes()).hexdigest() == entry["sha256"]
    expected = json.loads((FIXTURE / "expected.json").read_text())["windows"]
    found = [whisper_tiny.heard(FIXTURE, one["number"], one["length"]) for one in expected]
    assert [one["text"] for one in found] == [one["text"] for one in expected]


def test_a_tone_lies_in_its_band():
    tone = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32)
    mel = reference.log_mel(tone)
    assert mel.shape == (80, 101)
    centre = np.argmax(reference.mel_filters()[:, 25])
    assert abs(int(mel[:, 50].argmax()) - int(centre)) <= 1
    assert mel.max() - mel.min() <= 2.0001
