"""How long each graph takes at batch 1 on two threads, beside a fixed graph so that the ratio travels: python -m eval.speed [--bundle DIR]."""

import argparse
import time
import tomllib
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from eval.offline import BUNDLE, Tower
from preprocessing import AUDIO, IMAGE, POINT_CLOUD, TEXT, VIDEO

RUNS, WARM, THREADS = 60, 5, 2
# Milliseconds that a call may take.
BUDGETS = {"text": 3, "image": 15, "audio": 20, "point_cloud": 15, "video": 90}
WHAT = {"text": f"{TEXT['context']} tokens", "audio": "10 s", "video": f"{VIDEO['frames']} frames", "point_cloud": f"{POINT_CLOUD['points']} points"}


def inputs(tower: str) -> list[np.ndarray]:
    """Random inputs: one medium, as long as the budget says."""
    r = np.random.default_rng(5)
    if tower == "text":
        shape = (1, TEXT["context"])
        return [r.integers(2, 300, shape), np.ones(shape, np.int64)]
    frames = 1 + AUDIO["window_ms"] * AUDIO["sample_rate"] // 1000 // AUDIO["front_end"]["hop_length"]
    shapes = {
        "image": (1, 3, IMAGE["height"], IMAGE["width"]), "audio": (-(-10000 // AUDIO["hop_ms"]), AUDIO["front_end"]["n_mels"], frames),
        "video": (1, VIDEO["frames"], 3, VIDEO["height"], VIDEO["width"]), "point_cloud": (1, POINT_CLOUD["points"], 6),
    }  # fmt: skip
    return [r.normal(size=shapes[tower]).astype(np.float32)]


def fixed_graph() -> bytes:
    """Four 3x3 convolutions of 64 channels at 56 x 56 and a 1024 x 1024 product: 464 million multiply-adds, the same for ever."""
    r, nodes, weights = np.random.default_rng(7), [], []
    for i in range(4):
        weights.append(numpy_helper.from_array(r.normal(0, 0.04, (64, 64, 3, 3)).astype(np.float32), f"w{i}"))
        nodes.append(helper.make_node("Conv", [f"x{i}", f"w{i}"], [f"y{i}"], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"y{i}"], [f"x{i + 1}"]))
    nodes.append(helper.make_node("GlobalAveragePool", ["x4"], ["pooled"]))
    weights.append(numpy_helper.from_array(r.normal(0, 0.03, (1024, 1024)).astype(np.float32), "dense"))
    nodes.append(helper.make_node("MatMul", ["rows", "dense"], ["product"]))
    float_value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)  # noqa: E731
    graph = helper.make_graph(
        nodes, "fixed", [float_value("x0", [1, 64, 56, 56]), float_value("rows", [1, 1024])],
        [float_value("pooled", [1, 64, 1, 1]), float_value("product", [1, 1024])], weights,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def _timed(call) -> list[float]:
    taken = []
    for _ in range(WARM + RUNS):
        start = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - start))
    return taken[WARM:]


def fixed_call():
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(fixed_graph(), options, providers=["CPUExecutionProvider"])
    r = np.random.default_rng(9)
    data = {i.name: r.normal(size=i.shape).astype(np.float32) for i in session.get_inputs()}
    return lambda: session.run(None, data)


def measure(bundle: Path = BUNDLE) -> dict:
    """Milliseconds of every tower with its alignment; the fixed graph is timed anew beside each."""
    towers, fixed, out = tomllib.loads((bundle / "bundle.toml").read_text())["towers"], fixed_call(), {}
    for name, table in towers.items():
        tower, data = Tower(bundle, table, THREADS), inputs(name)
        took, beside = _timed(lambda: tower.run(*data)), _timed(fixed)  # noqa: B023
        middle, base = float(np.median(took)), float(np.median(beside))
        size = (bundle / table["model"]).stat().st_size / 1e6
        out[name] = {
            "megabytes": size, "median": middle, "95 %": float(np.quantile(took, 0.95)), "fixed": base, "ratio": middle / base,
            "budget": BUDGETS[name], "what": WHAT.get(name, "1"),
        }  # fmt: skip
    return {"towers": out, "megabytes": sum(f.stat().st_size for f in bundle.rglob("*.onnx")) / 1e6}


if __name__ == "__main__":
    from eval.tables import speed_table

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    print(speed_table(measure(parser.parse_args().bundle)))
