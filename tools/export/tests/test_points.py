"""Uni3D and Point-Bind: grouping, graphs, and checkpoints matched key by key."""

import itertools

import numpy as np
import pytest
import torch
from conftest import build
from graphs import manifest, run

from onespace_export import Refused, golden, points, samples
from onespace_export.families import point_bind, uni3d
from onespace_export.model import unit


def test_farthest_points_are_pointnet2s():
    line = np.array([[x, 0, 0] for x in (0.01, 1.0, 0.02, -1.0, 0.03, 0.5)], np.float32)
    # From point 0 on, though it is near the origin; 2 and 4 are passed over; 1 and 3 tie for 0.01 but for 0.02 of
    # distance.
    assert points.farthest(line, 4).tolist() == [0, 3, 1, 5]
    # Ties go to the first, and once nothing is left the first that counts comes again.
    square = np.array([[1, 0, 0], [0, 1, 0], [0, -1, 0]], np.float32)
    assert points.farthest(square, 4).tolist() == [0, 1, 2, 0]


def test_groups_are_relative_and_centred():
    cloud = points.cloud(samples.ply(samples.cloud(3000, 5)), 1024, 0.4)
    groups, centres = points.groups(cloud, 64, 16)
    assert (groups.shape, centres.shape) == ((64, 16, 6), (64, 3))
    # Each centre is its own nearest neighbour.
    assert np.abs(groups[:, 0, :3]).max() == 0
    reach = np.linalg.norm(groups[:, :, :3], axis=2)
    assert (np.diff(reach, axis=1) >= -1e-6).all()
    assert abs(np.linalg.norm(cloud[:, :3], axis=1).max() - 1) < 1e-6


def test_clouds_are_thinned_by_strides_and_filled_by_repeating():
    cloud = samples.cloud(10, 6)
    whole = points.cloud(samples.ply(cloud, colour=False), 10, 0.4)
    assert (whole[:, 3:] == np.float32(0.4)).all()
    small = points.cloud(samples.ply(cloud), 25, 0.4)
    assert np.array_equal(small[:10], small[10:20]) and np.array_equal(small[:5], small[20:])
    red = np.round(cloud[:, 3] * 255) / 255
    assert np.allclose(points.cloud(samples.ply(cloud), 4, 0.4)[:, 3], red[[0, 2, 5, 7]])


@pytest.mark.parametrize("family, width", [("uni3d", 6), ("point_bind", 3)])
def test_graphs_give_the_golden_vectors(exported, family, width):
    _, folder = exported(family)
    said = manifest(folder)["towers"]["point_cloud"]
    how = said["preprocess"]
    assert (how["emit"], how["fps"]) == (["groups", "centres"], {"start": "first", "skip_norm2": 1e-3})
    cloud = points.cloud((folder / golden.INPUTS["point_cloud"]).read_bytes(), how["points"], how["colour_default"])[
        :, :width
    ]
    groups, centres = points.groups(cloud, how["grouping"]["centres"], how["grouping"]["neighbours"])
    got = unit(run(folder, "point_cloud", [groups[None], centres[None]])[0])
    assert got @ np.fromfile(folder / said["golden"]["vector"], "<f4") > 0.99999


@pytest.mark.parametrize("family", ["uni3d", "point_bind"])
def test_different_clouds_give_different_vectors(exported, family):
    """Else parity would prove nothing."""
    reference = exported(family)[0].towers["point_cloud"].reference
    vectors = [reference(samples.ply(samples.cloud(2000, seed))) for seed in range(5)]
    assert np.mean([a @ b for a, b in itertools.combinations(vectors, 2)]) < 0.98


@pytest.mark.parametrize(
    "size, backbone, millions", [("base", "eva02_base_patch14_448", 87.1), ("giant", "eva_giant_patch14_560", 1014.4)]
)
def test_uni3d_has_the_names_of_its_checkpoints(size, backbone, millions):
    with torch.device("meta"):
        model = uni3d.Uni3D(uni3d.Shape(backbone))
    state = {k: tuple(v.shape) for k, v in model.state_dict().items()}
    width = next(w for w, name in uni3d.WIDTHS.items() if name == size)
    assert state["point_encoder.cls_token"] == (1, 1, width)
    assert state["point_encoder.encoder.first_conv.0.weight"] == (128, 6, 1)
    assert state["point_encoder.encoder.second_conv.3.weight"] == (512, 512, 1)
    assert state["point_encoder.encoder2trans.weight"] == (width, 512)
    assert state["point_encoder.pos_embed.2.weight"] == (width, 128)
    assert state["point_encoder.trans2embed.weight"] == (1024, width)
    assert abs(sum(p.numel() for p in model.point_encoder.visual.parameters()) / 1e6 - millions) < 0.1


def test_point_bind_has_the_names_of_its_checkpoint():
    with torch.device("meta"):
        model = point_bind.PointBind(point_bind.Shape(), tiny=False)
    state = {k: tuple(v.shape) for k, v in model.state_dict().items()}
    assert state["pc_projection"] == (768, 512)
    assert state["bind.modality_head_point.0.weight"] == (512,)
    assert state["bind.modality_head_point.2.weight"] == (1024, 512)
    assert state["bind.modality_postprocessor_point.1.log_logit_scale"] == ()
    assert state["bind.modality_trunks.vision.blocks.0.attn.in_proj_weight"] == (3840, 1280)
    assert state["point_encoder.blocks.blocks.11.attn.qkv.weight"] == (1152, 384)
    assert state["point_encoder.encoder.second_conv.3.weight"] == (256, 512, 1)
    assert "point_encoder.blocks.blocks.0.attn.qkv.bias" not in state


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A small Uni3D checkpoint as its authors publish it, and its state."""
    monkeypatch.setattr(uni3d, "WIDTHS", {64: "base"})
    monkeypatch.setattr(uni3d, "Shape", lambda _: uni3d.TINY)
    return tmp_path / "model.pt", {f"module.{k}": v for k, v in uni3d.Uni3D(uni3d.TINY).state_dict().items()}


def test_a_checkpoint_gives_what_was_saved(saved):
    path, state = saved
    torch.save({"module": state, "epoch": 1}, path)
    model, _ = uni3d._read(path)
    assert all(torch.equal(v, state[f"module.{k}"]) for k, v in model.state_dict().items())


def test_a_dropped_key_is_named(saved):
    path, state = saved
    state.pop("module.point_encoder.trans2embed.bias")
    torch.save({"module": state}, path)
    with pytest.raises(Refused, match=r"missing:\s+point_encoder.trans2embed.bias"):
        build("uni3d", path=path, licence="MIT")


def test_i2p_mae_is_refused(tmp_path):
    with pytest.raises(Refused, match="I2P-MAE checkpoints are refused"):
        build("point_bind", "i2p-mae")
    torch.save({"point_encoder.h_encoder.norm.weight": torch.zeros(1)}, tmp_path / "pointbind_i2pmae.pt")
    with pytest.raises(Refused, match="I2P-MAE checkpoints are refused"):
        build("point_bind", path=tmp_path / "pointbind_i2pmae.pt")


def test_point_bind_is_non_commercial(exported):
    assert manifest(exported("point_bind")[1])["usage"] == "non-commercial"
