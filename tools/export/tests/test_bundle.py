"""What every exported bundle has."""

import hashlib
import json
import tomllib

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from conftest import build

from onespace_export import Refused, bundle, graph
from onespace_export.__main__ import main
from onespace_export.model import Graph
from onespace_export.pictures import token_example

TOWER_KEYS = {"model", "inputs", "output", "native_dimension", "logit_scale", "golden", "preprocess"}


def manifest(folder) -> dict:
    return tomllib.loads((folder / "bundle.toml").read_text())


def test_manifest_says_everything(exported, family, variant):
    model, folder = exported(family, variant)
    said = manifest(folder)
    assert said["format"] == 2
    assert {"name", "version", "licence", "description", "dimension", "provenance", "files", "towers"} <= said.keys()
    assert said["provenance"].keys() >= {"checkpoint", "exporter", "reference"}
    assert said["towers"].keys() == model.towers.keys()
    for name, tower in said["towers"].items():
        assert tower.keys() >= TOWER_KEYS, name
        paths = [
            tower["model"],
            *tower["golden"].values(),
            *tower.get("external", []),
            *(s["model"] for s in tower.get("stages", [])),
        ]
        assert set(paths) <= said["files"].keys(), name


def test_digests_are_those_of_the_files(exported, family, variant):
    model, folder = exported(family, variant)
    files = manifest(folder)["files"]
    assert {"LICENSE", *(["tokenizer.json"] if "text" in model.towers else [])} <= files.keys()
    for name, entry in files.items():
        data = (folder / name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["bytes"], entry["sha256"]), name


def test_golden_vectors_are_units_of_the_space(exported, family, variant):
    _, folder = exported(family, variant)
    said = manifest(folder)
    for name, tower in said["towers"].items():
        vector = np.fromfile(folder / tower["golden"]["vector"], "<f4")
        assert len(vector) == said["dimension"], name
        assert abs(np.linalg.norm(vector) - 1) < 1e-5, name


def test_graphs_have_the_inputs_of_the_manifest(exported, family, variant):
    _, folder = exported(family, variant)
    for name, tower in manifest(folder)["towers"].items():
        session = onnxruntime.InferenceSession(folder / tower["model"], providers=["CPUExecutionProvider"])
        assert [i.name for i in session.get_inputs()][: len(tower["inputs"])] == tower["inputs"], name
        assert tower["output"] in [o.name for o in session.get_outputs()], name


def test_report_has_the_errors_of_every_graph(exported, family, variant):
    model, folder = exported(family, variant)
    report = json.loads((folder / "report.json").read_text())
    for name, tower in model.towers.items():
        files = [stage.file for stage in tower.stages] + (
            [tower.file or f"{name}.onnx"] if tower.graph is not None else []
        )
        for file in files:
            assert report["towers"][name][file]["min_cosine"] > 0.99999, file


def test_the_same_seed_gives_the_same_graphs(exported, tmp_path):
    _, folder = exported("clip")
    model, options = build("clip")
    bundle.write("clip", model, options, tmp_path)
    assert manifest(folder)["files"]["image.onnx"] == manifest(tmp_path)["files"]["image.onnx"]


def test_fp16_halves_the_weights_and_says_so(exported, tmp_path):
    _, folder = exported("clip")
    model, options = build("clip", fp16=True)
    report = bundle.write("clip", model, options, tmp_path)
    assert manifest(tmp_path)["towers"]["image"]["precision"] == "fp16"
    assert (tmp_path / "image.onnx").stat().st_size < 0.7 * (folder / "image.onnx").stat().st_size
    assert report["towers"]["image"]["image.onnx"]["min_cosine"] > 0.999


def test_fp16_is_refused_where_its_authors_warn(tmp_path):
    model, options = build("clip", fp16=True)
    model.forbid = {"fp16": "activations overflow"}
    with pytest.raises(Refused, match="activations overflow"):
        bundle.write("clip", model, options, tmp_path)


def test_large_weights_go_into_one_file_beside_the_graph(tmp_path):
    one = build("clip")[0].towers["image"].graph
    assert graph.write(one, tmp_path / "image.onnx", external_bytes=1000) == ["image.onnx.data"]
    assert {p.name for p in tmp_path.iterdir()} == {"image.onnx", "image.onnx.data"}
    assert (tmp_path / "image.onnx.data").stat().st_size > 9 * (tmp_path / "image.onnx").stat().st_size
    graph.check("image", one, tmp_path / "image.onnx")


def test_tensors_scattered_by_a_large_export_are_gathered(tmp_path):
    one = build("clip")[0].towers["image"].graph
    graph.write(one, tmp_path / "image.onnx")
    # What torch does of its own accord once a graph does not fit into one message.
    scattered = {"save_as_external_data": True, "all_tensors_to_one_file": False, "size_threshold": 0}
    onnx.save_model(onnx.load(tmp_path / "image.onnx"), tmp_path / "image.onnx", **scattered)
    assert len(list(tmp_path.iterdir())) > 20
    assert graph._gather(tmp_path / "image.onnx") == ["image.onnx.data"]
    assert {p.name for p in tmp_path.iterdir()} == {"image.onnx", "image.onnx.data"}
    graph.check("image", one, tmp_path / "image.onnx")


def test_a_graph_that_is_not_its_module_is_refused(tmp_path):
    one, other = (build("clip")[0].towers["image"].graph for _ in range(2))
    graph.write(one, tmp_path / "image.onnx")
    other.module.projection.weight.data.mul_(1.01)
    with pytest.raises(Refused, match="too far from PyTorch"):
        graph.check("image", other, tmp_path / "image.onnx")


def test_the_command_line_exports_and_refuses(tmp_path, capsys):
    assert main(["siglip2", "--random-init", "--tiny", "--out", str(tmp_path / "a")]) == 0
    assert "image.onnx" in capsys.readouterr().out
    assert main(["siglip2", "--random-init", "--tiny", "--variant", "naflex", "--out", str(tmp_path / "b")]) == 1
    assert "refused: siglip2: naflex" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["siglip2", "--out", str(tmp_path / "c")])


def test_a_graph_that_keeps_the_length_it_saw_is_refused(tmp_path):
    class Keeps(torch.nn.Module):
        def forward(self, input_ids):
            return input_ids.float().reshape(input_ids.shape[0], int(input_ids.shape[1]))[:, :4]

    one = Graph(Keeps(), {"input_ids": {1: "tokens"}}, token_example(200))
    graph.write(one, tmp_path / "text.onnx")
    with pytest.raises(Refused, match="does not run"):
        graph.check("text", one, tmp_path / "text.onnx")
