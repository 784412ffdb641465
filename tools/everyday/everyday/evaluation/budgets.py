"""What a call costs on one core, beside a fixed graph; what the service holds in memory; how long it starts."""

import io
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import soundfile
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from everyday.evaluation import speech
from everyday.evaluation.meshes import POINTS, ply
from everyday.evaluation.service import Service

CORE, WARM, RUNS = 0, 5, 40
TEXT = "a dog that plays with a red ball in the garden"
SECONDS, SOUND_RATE = 10, 16000
WHAT = {
    "text": "11 words", "image": "a JPEG of 640 × 480", "audio": "10 s of sound", "point_cloud": f"{POINTS} points",
    "video": "10 s, 320 × 240",
}  # fmt: skip


def fixed_graph() -> bytes:
    """Four convolutions of 64 channels at 56 × 56 and a product: 464 million multiply-adds, the same for ever."""
    r, nodes, weights = np.random.default_rng(7), [], []
    for i in range(4):
        weights.append(numpy_helper.from_array(r.normal(0, 0.04, (64, 64, 3, 3)).astype(np.float32), f"w{i}"))
        nodes.append(helper.make_node("Conv", [f"x{i}", f"w{i}"], [f"y{i}"], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"y{i}"], [f"x{i + 1}"]))
    nodes.append(helper.make_node("GlobalAveragePool", ["x4"], ["pooled"]))
    weights.append(numpy_helper.from_array(r.normal(0, 0.03, (1024, 1024)).astype(np.float32), "dense"))
    nodes.append(helper.make_node("MatMul", ["rows", "dense"], ["product"]))
    shapes = {"x0": [1, 64, 56, 56], "rows": [1, 1024], "pooled": [1, 64, 1, 1], "product": [1, 1024]}
    value = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()}
    inputs, outputs = [value["x0"], value["rows"]], [value["pooled"], value["product"]]
    graph = helper.make_graph(nodes, "fixed", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def fixed_call() -> Callable[[], object]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(fixed_graph(), options, providers=["CPUExecutionProvider"])
    r = np.random.default_rng(9)
    data = {i.name: r.normal(size=i.shape).astype(np.float32) for i in session.get_inputs()}
    return lambda: session.run(None, data)


def media(cache: Path) -> dict[str, bytes]:
    """One medium of each modality, made here."""
    r, picture = np.random.default_rng(3), io.BytesIO()
    small = Image.fromarray(r.integers(0, 256, (24, 32, 3), np.uint8))
    small.resize((640, 480), Image.Resampling.BICUBIC).save(picture, "JPEG", quality=90)
    sound, t = io.BytesIO(), np.arange(SECONDS * SOUND_RATE) / SOUND_RATE
    samples = 0.3 * np.sin(2 * np.pi * (300 + 40 * t) * t) + 0.05 * r.normal(size=len(t))
    soundfile.write(sound, samples, SOUND_RATE, format="WAV", subtype="PCM_16")
    a, b = 2 * np.pi * r.random((2, POINTS))
    ring = np.stack([(2 + np.cos(b)) * np.cos(a), np.sin(b), (2 + np.cos(b)) * np.sin(a)], axis=1)
    film = cache / "made/budget.mp4"
    if not film.exists():
        film.parent.mkdir(parents=True, exist_ok=True)
        command = [
            "ffmpeg",
            "-v",
            "error",
            "-y",
            "-f",
            "lavfi",
            "-i",
            f"testsrc2=size=320x240:rate=25:duration={SECONDS}",
        ]
        command += ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-threads", "1", str(film)]
        subprocess.run(command, stdin=subprocess.DEVNULL, check=True)
    return {
        "text": TEXT.encode(), "image": picture.getvalue(), "audio": sound.getvalue(),
        "point_cloud": ply(ring, np.zeros((0, 3), np.int64)),
        "video": film.read_bytes(),
    }  # fmt: skip


def _call(service: Service, modality: str, data: bytes) -> Callable[[], float]:
    """One request; how long its graphs took, in milliseconds, as the service counts it."""
    pb = service.stubs
    medium = pb.Media(text=data.decode()) if modality == "text" else pb.Media(data=data)
    request = pb.EmbedRequest(items=[medium])

    def call() -> float:
        answer = service.embedding.Embed(request, timeout=60)
        if answer.results[0].WhichOneof("outcome") != "embeddings":
            raise RuntimeError(f"{modality}: {answer.results[0].error.reason}: {answer.results[0].error.message}")
        return float(answer.timings.inference_us) / 1000

    return call


def _milliseconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - begun)


def _timed(call: Callable[[], float], fixed: Callable[[], object]) -> dict[str, float]:
    """The call and the fixed graph in turns."""
    rows = []
    for _ in range(WARM + RUNS):
        begun = time.perf_counter()
        graphs = call()
        rows.append((graphs, 1000 * (time.perf_counter() - begun), _milliseconds(fixed)))
    graphs, whole, beside = np.array(rows[WARM:]).T
    middle = {"graphs": float(np.median(graphs)), "service": float(np.median(whole)), "fixed": float(np.median(beside))}
    return middle | {"service 95 %": float(np.quantile(whole, 0.95)), "ratio": middle["graphs"] / middle["fixed"]}


def measure(binary: Path, bundle: Path, cache: Path, transcriber: Path | None = None) -> dict[str, Any]:
    """In services of their own: one on the whole machine for start and memory, with the transcriber where there is one,
    one on one core for the calls."""
    every = media(cache)
    with Service(binary, bundle, cache, transcriber=transcriber) as service:
        towers = [modality for modality in every if modality in service.towers()]
        for modality in towers:
            _call(service, modality, every[modality])()
        if transcriber:
            spoken = speech.said("Where can I find a cup of coffee?", "en", cache / "made/speech/probe.wav")
            _call(service, "audio", spoken.read_bytes())()
        out: dict[str, Any] = {"start s": service.started_in, "memory MiB": service.resident_mib()}
    before, fixed = os.sched_getaffinity(0), fixed_call()
    os.sched_setaffinity(0, {CORE})
    try:
        with Service(binary, bundle, cache, ("taskset", "-c", str(CORE))) as service:
            out["calls"] = {m: _timed(_call(service, m, every[m]), fixed) | {"what": WHAT[m]} for m in towers}
    finally:
        os.sched_setaffinity(0, before)
    return out
