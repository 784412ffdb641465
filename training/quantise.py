"""Makes the int8 variant of the bundle: python quantise.py [--bundle DIR] [--out DIR].

Convolutions get static ranges from training media (QDQ, signed both ways, so that machines with and without VNNI
agree), matrix products dynamic ones. Vectors differ from the whole bundle's, so it is a space of its own.
"""

import argparse
import shutil
import tempfile
import tomllib
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from safetensors.numpy import load_file
from tokenizers import Tokenizer

import data
import export
import reference

SAMPLES = 96
# tower: array of the shards that it is calibrated on; towers without one are quantised dynamically.
RANGES = {"image": "image", "video": "video", "audio": "speech"}


class Media(CalibrationDataReader):
    """Some training media, one by one."""

    def __init__(self, name: str, array: str):
        shards, r = data.Shards(), np.random.default_rng(9)
        rows = r.integers(0, len(shards.holding(array)[0][array]), SAMPLES)
        batch = data.prepare(array, shards.draw(array, rows, r)[0]).numpy()
        self.items = iter([{name: item[None]} for item in np.ascontiguousarray(batch)])

    def get_next(self):
        return next(self.items, None)


def shrink(source: Path, out: Path, tower: str, name: str):
    """One graph."""
    if tower not in RANGES:
        quantize_dynamic(source, out, weight_type=QuantType.QInt8, per_channel=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.onnx"
        quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)  # it cannot follow the video tower's views
        quantize_static(
            str(ready), str(out), Media(name, RANGES[tower]), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip


def vector(out: Path, tower: str, table: dict) -> np.ndarray:
    """The unit vector of the golden input, by the quantised graph."""
    session = onnxruntime.InferenceSession(str(out / table["model"]), providers=["CPUExecutionProvider"])
    path = out / table["golden"]["input"]
    if tower == "text":
        ids, mask = reference.tokens(Tokenizer.from_file(str(out / "tokenizer.json")).encode(path.read_text()).ids)
        v = session.run(None, {"input_ids": ids[None], "attention_mask": mask[None]})[0]
    else:
        samples = getattr(reference, tower)(path)
        batch = np.stack(samples) if isinstance(samples, list) else samples[None]
        layer = load_file(out / table["alignment"])
        v = session.run(None, {table["inputs"][0]: batch.astype(np.float32)})[0] @ layer["weight"].T + layer["bias"]
    v = (v / np.linalg.norm(v, axis=1, keepdims=True)).mean(0)
    return v / np.linalg.norm(v)


def _of_the_whole(bundle: Path):
    """What is not copied: graphs and vectors are made anew, and what is said of the bundle is not said of this one."""
    said = shutil.ignore_patterns(*export.SAID)
    made = shutil.ignore_patterns("*.onnx", "*.f32")
    return lambda folder, names: made(folder, names) | (said(folder, names) if Path(folder) == bundle else set())


def main(bundle: Path, out: Path):
    whole = tomllib.loads((bundle / "bundle.toml").read_text())
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(bundle, out, ignore=_of_the_whole(bundle))
    for tower, table in whole["towers"].items():
        shrink(bundle / table["model"], out / table["model"], tower, table["inputs"][0])
        v = vector(out, tower, table)
        before = np.fromfile(bundle / table["golden"]["vector"], "<f4")
        v.astype("<f4").tofile(out / table["golden"]["vector"])
        print(f"{tower}: {(bundle / table['model']).stat().st_size} -> {(out / table['model']).stat().st_size} bytes, golden cosine {v @ before:.5f}")
    export.manifest(out, whole["version"] + "-int8", whole["description"] + " Quantised to int8.", whole["towers"], whole.get("calibration", []))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=export.BUNDLE)
    parser.add_argument("--out", type=Path, default=export.BUNDLE.with_name("diorama-int8"))
    arguments = parser.parse_args()
    main(arguments.bundle, arguments.out)
