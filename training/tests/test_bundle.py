"""The exported graphs: what padding and company must not change."""

import tomllib
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from tokenizers import Tokenizer

import preprocessing as p
import reference
from data import FRAMES

SIDES = (p.IMAGE["height"], p.IMAGE["width"])
BUNDLE = Path(__file__).parent.parent.parent / "bundles" / "diorama"

pytestmark = pytest.mark.skipif(not (BUNDLE / "bundle.toml").exists(), reason="no bundle yet")


def session(tower: str) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(BUNDLE / f"{tower}.onnx"), providers=["CPUExecutionProvider"])


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("text", ["", "a red mug", "Ein völlig unbekanntes 文 🎈", "mug " * 40])
def test_padding_does_not_change_a_text(text):
    tokenizer, run = Tokenizer.from_file(str(BUNDLE / "tokenizer.json")), session("text").run
    ids, mask = reference.tokens(tokenizer.encode(text).ids)
    wide = [np.pad(x, (0, p.TEXT["context"] - len(x)))[None] for x in (ids, mask)]
    narrow = run(None, {"input_ids": ids[None], "attention_mask": mask[None]})[0][0]
    padded = run(None, {"input_ids": wide[0], "attention_mask": wide[1]})[0][0]
    assert np.isfinite(narrow).all() and narrow.shape == (256,)
    assert cosine(narrow, padded) >= 0.99999


@pytest.mark.parametrize(
    "tower, shape",
    [("image", (3, *SIDES)), ("audio", (64, FRAMES)), ("video", (p.VIDEO["frames"], 3, *SIDES)), ("point_cloud", (p.POINT_CLOUD["points"], 6))],
)
def test_company_does_not_change_a_sample(tower, shape):
    model = session(tower)
    batch = np.random.default_rng(5).normal(size=(4, *shape)).astype(np.float32)
    name = model.get_inputs()[0].name
    together = model.run(None, {name: batch})[0]
    for i in range(len(batch)):
        assert cosine(together[i], model.run(None, {name: batch[i : i + 1]})[0][0]) >= 0.99999


def test_the_manifest_names_what_is_there():
    manifest = tomllib.loads((BUNDLE / "bundle.toml").read_text())
    for name, entry in manifest["files"].items():
        assert (BUNDLE / name).stat().st_size == entry["bytes"]
    assert sum(entry["bytes"] for entry in manifest["files"].values()) <= 40_000_000
    for tower in manifest["towers"].values():
        assert {i.name for i in session(tower["model"].removesuffix(".onnx")).get_inputs()} == set(tower["inputs"])
        vector = np.fromfile(BUNDLE / tower["golden"]["vector"], "<f4")
        assert vector.shape == (256,) and abs(np.linalg.norm(vector) - 1) < 1e-5
