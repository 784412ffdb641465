"""How long each graph takes at batch 1 on two threads: python -m eval.speed."""

import time

import numpy as np
import onnxruntime

import export
from eval.testset import MODALITIES

RUNS = 50


def milliseconds(tower: str) -> tuple[float, float]:
    """(median, 95th percentile) of one call."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(str(export.BUNDLE / f"{tower}.onnx"), options, providers=["CPUExecutionProvider"])
    inputs = {i.name: t[:1].numpy() for i, t in zip(session.get_inputs(), export.example(tower, 2))}
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        session.run(None, inputs)
        taken.append(1000 * (time.perf_counter() - start))
    return float(np.median(taken)), float(np.quantile(taken, 0.95))


def table() -> str:
    lines = ["| graph | MB | median ms | 95 % ms |", "|---|---|---|---|"]
    for tower in MODALITIES:
        size = (export.BUNDLE / f"{tower}.onnx").stat().st_size / 1e6
        middle, high = milliseconds(tower)
        lines.append(f"| {tower} | {size:.1f} | {middle:.2f} | {high:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
