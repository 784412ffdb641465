"""ONNX graphs: written, compared with PyTorch, halved."""

import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from . import Refused
from .model import Graph

OPSET = 17
BATCHES = (1, 3)
# Largest relative error of a float32 graph, and least cosine of a float16 one.
ERROR, HALF_COSINE = 1e-3, 0.999
# A protobuf message ends at 2 GiB; the graph itself takes a little.
EXTERNAL_BYTES = 2_000_000_000


def write(graph: Graph, path: Path, half: bool = False, external_bytes: int = EXTERNAL_BYTES) -> list[str]:
    """Exports to `path`; returns the names of the external-data files beside it."""
    axes = {name: {0: "batch", **more} for name, more in graph.inputs.items()}
    # Export leaves a module in the mode that it found, children included: a wrapper made in training mode would wake
    # dropout.
    graph.module.eval()
    # The fused attention of inference has no ONNX form.
    torch.backends.mha.set_fastpath_enabled(False)
    weight = sum(p.numel() * p.element_size() for p in graph.module.parameters())
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph.module, graph.example(2), str(path), input_names=list(axes), output_names=[graph.output],
            dynamic_axes={**axes, graph.output: {0: graph.rows}}, opset_version=OPSET, dynamo=False,
        )  # fmt: skip
    if half:
        external = save(halved(onnx.load(str(path))), path, external_bytes)
    else:
        external = _gather(path) if weight > external_bytes else []
    onnx.checker.check_model(str(path))
    if graph.any_rank:
        _open_ranks(path, graph.any_rank)
    return external


def _open_ranks(path: Path, names: tuple[str, ...]) -> None:
    """Takes the shapes off inputs and off all that was inferred from them. ONNX's checker would now miss them, ONNX
    Runtime does not."""
    proto = onnx.load(str(path), load_external_data=False)
    for value in proto.graph.input:
        if value.name in names:
            value.type.tensor_type.ClearField("shape")
    del proto.graph.value_info[:]
    onnx.save(proto, str(path))


def _gather(path: Path) -> list[str]:
    """All tensors into one file beside the graph, instead of one each."""
    # Loading takes the places out of the tensors, so what lies scattered is read before.
    bare = onnx.load(str(path), load_external_data=False)
    scattered = {path.parent / e.value for t in bare.graph.initializer for e in t.external_data if e.key == "location"}
    names = save(onnx.load(str(path)), path, 0)
    for stray in scattered - {path.parent / name for name in names}:
        stray.unlink(missing_ok=True)
    return names


def save(model: onnx.ModelProto, path: Path, external_bytes: int = EXTERNAL_BYTES) -> list[str]:
    """Writes a graph whose tensors are in memory; returns the names of the external-data files beside it."""
    if sum(len(t.raw_data) for t in model.graph.initializer) <= external_bytes:
        onnx.save(model, str(path))
        return []
    data = path.parent / (path.name + ".data")
    data.unlink(missing_ok=True)
    onnx.save_model(model, str(path), save_as_external_data=True, location=data.name, size_threshold=1024)
    # onnx makes it readable for its owner alone.
    data.chmod(path.stat().st_mode)
    return [data.name]


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """Weights and arithmetic in float16; inputs and outputs stay float32."""
    from onnxruntime.transformers.float16 import convert_float_to_float16
    from onnxruntime.transformers.onnx_model import OnnxModel

    half = OnnxModel(convert_float_to_float16(model, keep_io_types=True, disable_shape_infer=True))
    # The casts at the inputs are appended behind what they feed.
    half.topological_sort()
    return half.model


def check(name: str, graph: Graph, path: Path, half: bool = False) -> dict:
    """How far the graph is from PyTorch, alone and in batches; refuses what is too far."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = {"max_abs_error": 0.0, "max_relative_error": 0.0, "min_cosine": 1.0}
    for batch in BATCHES:
        inputs = graph.example(batch)
        with torch.no_grad():
            wanted = graph.module(*inputs).numpy()
        try:
            got = session.run(None, {n: t.numpy() for n, t in zip(graph.inputs, inputs, strict=True)})[0]
        except Exception as error:
            shapes = ", ".join(f"{n} {tuple(t.shape)}" for n, t in zip(graph.inputs, inputs, strict=True))
            raise Refused(f"{name}: the graph does not run on {shapes}: {error}") from error
        if got.shape != wanted.shape or not np.isfinite(got).all():
            raise Refused(
                f"{name}: the graph gives {got.shape}, finite: {np.isfinite(got).all()}; PyTorch gives {wanted.shape}"
            )
        rows = got.reshape(-1, got.shape[-1]).astype(np.float64), wanted.reshape(-1, got.shape[-1]).astype(np.float64)
        cosines = (rows[0] * rows[1]).sum(1) / np.linalg.norm(rows[0], axis=1) / np.linalg.norm(rows[1], axis=1)
        off = float(np.abs(wanted - got).max())
        worst["max_abs_error"] = max(worst["max_abs_error"], off)
        worst["max_relative_error"] = max(worst["max_relative_error"], off / float(np.abs(wanted).max()))
        worst["min_cosine"] = min(worst["min_cosine"], float(cosines.min()))
    far = worst["min_cosine"] < HALF_COSINE if half else worst["max_relative_error"] > ERROR
    if far:
        raise Refused(f"{name}: the graph is too far from PyTorch: {worst}")
    return {
        **worst,
        "opset": OPSET,
        "bytes": path.stat().st_size,
        "parameters": sum(p.numel() for p in graph.module.parameters()),
    }
