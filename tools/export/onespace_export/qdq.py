"""Whether ranges that are taken beforehand (QDQ) are worth it: python -m onespace_export.qdq BUNDLE …

int8 with ranges taken at run time (`variant.py`) measures every activation again; ranges from calibration pictures save
that. Compared is the image tower of finished bundles in ONNX Runtime alone, all three forms in one run: milliseconds a
picture, alone and in a batch, and the cosine to the whole's vector. Calibration and test pictures are different ones.
"""

import argparse
import io
import statistics
import tempfile
import time
import tomllib
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from PIL import Image
from tqdm import tqdm

from . import samples
from .variant import QUANTISED, shrink

CALIBRATED, TESTED, BATCH, SECONDS = 24, 16, 8, 6.0
THREADS = 2


def pictures(table: dict, first: int, count: int) -> np.ndarray:
    """float32 [count, 3, height, width] as the manifest scales them; squashed whatever it says, which no range depends
    on."""
    prepare = table["preprocess"]
    size = (prepare["width"], prepare["height"])
    jpegs = (samples.encoded(samples.picture(640, 480, first + i), "JPEG", quality=90) for i in range(count))
    stack = (
        np.stack([np.asarray(Image.open(io.BytesIO(jpeg)).resize(size, Image.Resampling.BICUBIC)) for jpeg in jpegs])
        / 255.0
    )
    scaled = (stack - np.array(prepare["mean"])) / np.array(prepare["std"])
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2), np.float32)


class Pictures(CalibrationDataReader):
    """One picture at a time."""

    def __init__(self, name: str, items: np.ndarray) -> None:
        self.items = iter([{name: item[None]} for item in items])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.items, None)


def calibrated(source: Path, target: Path, name: str, items: np.ndarray) -> None:
    """The graph in QDQ form: the same operators as the dynamic form has, and convolutions."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        ready = Path(folder) / "ready.onnx"
        quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)
        quantize_static(
            str(ready),
            str(target),
            Pictures(name, items),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=[*QUANTISED, "Conv"],
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
        )


class Graph:
    """A session and its milliseconds so far."""

    def __init__(self, path: Path, table: dict) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.input, self.output = table["inputs"][0], table["output"]
        self.times: dict[int, list[float]] = {1: [], BATCH: []}

    def run(self, pixels: np.ndarray) -> np.ndarray:
        rows = self.session.run([self.output], {self.input: pixels})[0].astype(np.float32)
        return rows / np.linalg.norm(rows, axis=-1, keepdims=True)

    def time(self, pixels: np.ndarray) -> None:
        began = time.perf_counter()
        self.run(pixels)
        self.times[len(pixels)].append(1000 * (time.perf_counter() - began) / len(pixels))


def compared(bundle: Path) -> dict[str, dict]:
    """By form: ms a picture alone and in a batch, the least and the mean cosine to the whole."""
    table = tomllib.loads((bundle / "bundle.toml").read_text())["towers"]["image"]
    source, tested = bundle / table["model"], pictures(table, 500, TESTED)
    with tempfile.TemporaryDirectory(dir=bundle.parent) as folder:
        dynamic, static = Path(folder) / "dynamic.onnx", Path(folder) / "static.onnx"
        shrink(source, dynamic, "int8")
        calibrated(source, static, table["inputs"][0], pictures(table, 700, CALIBRATED))
        graphs = {
            name: Graph(path, table)
            for name, path in (("fp32", source), ("int8, dynamic", dynamic), ("int8, QDQ", static))
        }
        whole = graphs["fp32"].run(tested)
        cosines = {name: (whole * graph.run(tested)).sum(1) for name, graph in graphs.items()}
        end = time.monotonic() + SECONDS * len(graphs)
        while time.monotonic() < end:  # in turns, so that a noisy minute is everybody's
            for graph in graphs.values():
                graph.time(tested[:1])
                graph.time(tested[:BATCH])
    return {
        name: {
            "alone_ms": round(statistics.median(graph.times[1]), 1),
            "batch_ms": round(statistics.median(graph.times[BATCH]), 1),
            "least": round(float(cosines[name].min()), 6),
            "mean": round(float(cosines[name].mean()), 6),
        }
        for name, graph in graphs.items()
    }


def table(found: dict[str, dict]) -> str:
    """A line for each bundle and form."""
    lines = [
        "| image tower of | form | ms alone | ms a picture in eights | least cosine to fp32 |",
        "|---|---|---:|---:|---:|",
    ]
    for bundle, forms in found.items():
        lines += [
            f"| {bundle} | {name} | {f['alone_ms']:.0f} | {f['batch_ms']:.0f} | {f['least']:.6f} |"
            for name, f in forms.items()
        ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="onespace_export.qdq", description=__doc__)
    parser.add_argument("bundle", type=Path, nargs="+")
    print(table({b.name: compared(b) for b in tqdm(parser.parse_args().bundle, desc="QDQ", unit="bundle")}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
