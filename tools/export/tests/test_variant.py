"""Bundles in smaller numbers. What the service says of them needs the built service; the rest does not."""

import shutil
import tomllib

import numpy as np
import onnx
import onnxruntime
import pytest

from onespace_export import Refused, qdq, variant
from onespace_export.service import BINARY


def manifest(folder):
    return tomllib.loads((folder / "bundle.toml").read_text())


def run(path, count):
    """The graph's output for pictures of noise."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    sides = [side if isinstance(side, int) else 4 for side in session.get_inputs()[0].shape[1:]]
    noise = np.random.default_rng(1).normal(size=(count, *sides)).astype(np.float32)
    return session.run(None, {session.get_inputs()[0].name: noise})[0]


@pytest.mark.parametrize("precision, least, share", [("fp16", 0.999, 0.75), ("int8", 0.97, 0.9)])
def test_a_smaller_graph_says_nearly_the_same(exported, tmp_path, precision, least, share):
    _, folder = exported("clip")
    assert variant.shrink(folder / "image.onnx", tmp_path / "image.onnx", precision) == []
    assert (tmp_path / "image.onnx").stat().st_size < share * (folder / "image.onnx").stat().st_size
    whole, small = run(folder / "image.onnx", 3), run(tmp_path / "image.onnx", 3)
    cosines = (whole * small).sum(1) / np.linalg.norm(whole, axis=1) / np.linalg.norm(small, axis=1)
    assert cosines.min() > least


def test_what_its_authors_warn_against_is_refused_before_anything_is_written(exported, tmp_path):
    _, folder = exported("embeddinggemma2")
    with pytest.raises(Refused, match=r"fp16 is refused: .*NaN"):
        variant.make(folder, "fp16", tmp_path / "half")
    assert not list(tmp_path.iterdir())


def test_weights_that_lie_beside_the_graph_are_found_and_may_come_into_it(exported, tmp_path):
    _, folder = exported("clip")
    onnx.save_model(
        onnx.load(folder / "image.onnx"),
        tmp_path / "image.onnx",
        save_as_external_data=True,
        location="image.onnx.data",
    )
    (tmp_path / "out").mkdir()
    assert variant.shrink(tmp_path / "image.onnx", tmp_path / "out/image.onnx", "int8") == []
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"image.onnx"}


@pytest.mark.skipif(not BINARY.exists(), reason="the service is not built")
@pytest.mark.parametrize("precision", variant.PRECISIONS)
def test_a_variant_is_a_bundle_that_the_service_runs(exported, tmp_path, precision):
    _, folder = exported("clip")
    cosines = variant.make(folder, precision, tmp_path / "small")
    assert set(cosines) == set(manifest(folder)["towers"]) and all(
        0.9 < cosine <= 1.00001 for cosine in cosines.values()
    )
    small = manifest(tmp_path / "small")
    assert small["version"].endswith(precision) and {t["precision"] for t in small["towers"].values()} == {precision}
    assert small["licence"] == manifest(folder)["licence"]
    with pytest.raises(Refused, match="there already"):
        variant.make(folder, precision, tmp_path / "small")


@pytest.mark.skipif(not BINARY.exists(), reason="the service is not built")
def test_nothing_is_left_of_a_variant_that_does_not_run(exported, tmp_path, monkeypatch):
    _, folder = exported("clip")

    def cut(source, target, _):
        shutil.copyfile(source, target)
        target.write_bytes(target.read_bytes()[:1000])
        return []

    monkeypatch.setattr(variant, "shrink", cut)
    with pytest.raises(Refused, match="does not run it"):
        variant.make(folder, "int8", tmp_path / "small")
    assert not (tmp_path / "small").exists()


def test_ranges_taken_beforehand_are_compared_with_those_of_run_time(exported, monkeypatch):
    _, folder = exported("clip")
    monkeypatch.setattr(qdq, "SECONDS", 0.2)
    found = qdq.compared(folder)
    assert list(found) == ["fp32", "int8, dynamic", "int8, QDQ"]
    assert found["fp32"]["least"] > 0.99999 and all(
        0.9 < forms["least"] <= 1.00001 and forms["alone_ms"] > 0 for forms in found.values()
    )
    assert found["int8, QDQ"]["least"] < 0.99999, "nothing was rounded"
    assert qdq.table({"clip": found}).count("| clip |") == 3
