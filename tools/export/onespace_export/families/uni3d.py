"""Uni3D: point clouds in the space of EVA02-E-14-plus, one tower. Text and images of that space are composed from
elsewhere.

The graph begins after grouping. Variants: base, large, giant (--random-init makes the base one). A checkpoint is a
model.pt of the authors; its size is told from its weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import timm
import torch
from torch import nn

from .. import Refused, checkpoint, points, samples
from ..model import Graph, Model, Options, Tensors, Tower, unit
from ..randomise import randomise

# scripts/inference.sh: 10,000 points, 512 groups of 64, 1024-d vectors, groups encoded to 512; missing colours are 0.4.
POINTS, CENTRES, NEIGHBOURS, DIMENSION, ENCODED, GREY = 10_000, 512, 64, 1024, 512, 0.4
BACKBONES = {"base": "eva02_base_patch14_448", "large": "eva02_large_patch14_448", "giant": "eva_giant_patch14_560"}
WIDTHS = {768: "base", 1024: "large", 1408: "giant"}


class Grouping(Protocol):
    """How a cloud is cut into groups."""

    points: int
    centres: int
    neighbours: int


@dataclass
class Shape:
    """Sizes of a model and its grouping."""

    backbone: str
    dimension: int = DIMENSION
    encoded: int = ENCODED
    points: int = POINTS
    centres: int = CENTRES
    neighbours: int = NEIGHBOURS
    small: dict | None = None


TINY = Shape(
    "eva02_base_patch14_448", 48, 64, 1024, 64, 16, {"embed_dim": 64, "depth": 2, "num_heads": 4, "img_size": 28}
)


class Groups(nn.Module):
    """[batch, groups, points, channels] → [batch, groups, width]: a small PointNet over each group."""

    def __init__(self, width: int, channels: int = 6) -> None:
        super().__init__()
        self.first_conv = nn.Sequential(
            nn.Conv1d(channels, 128, 1), nn.BatchNorm1d(128), nn.ReLU(), nn.Conv1d(128, 256, 1)
        )
        self.second_conv = nn.Sequential(
            nn.Conv1d(512, 512, 1), nn.BatchNorm1d(512), nn.ReLU(), nn.Conv1d(512, width, 1)
        )

    def forward(self, groups: torch.Tensor) -> torch.Tensor:
        x = self.first_conv(groups.flatten(0, 1).transpose(1, 2))
        whole = x.amax(2, keepdim=True).expand_as(x)
        x = self.second_conv(torch.cat([whole, x], 1)).amax(2)
        return x.unflatten(0, (-1, groups.shape[1]))


@torch.no_grad()
def settle(encoder: Groups, shape: Grouping, width: int) -> None:
    """Batch statistics as training leaves them, here of one cloud: without them every group of a random encoder looks
    alike."""
    cloud = points.cloud(samples.ply(samples.cloud(shape.points, 1)), shape.points, GREY)
    groups, _ = points.groups(cloud[:, :width], shape.centres, shape.neighbours)
    norms = [m for m in encoder.modules() if isinstance(m, nn.BatchNorm1d)]
    for norm in norms:
        norm.momentum = None
        norm.reset_running_stats()
        norm.train()
    encoder(torch.from_numpy(groups)[None])
    encoder.eval()


def positions(width: int) -> nn.Sequential:
    """Centres to position embeddings."""
    return nn.Sequential(nn.Linear(3, 128), nn.GELU(), nn.Linear(128, width))


class PointEncoder(nn.Module):
    """groups [batch, centres, neighbours, 6], centres [batch, centres, 3] → [batch, dimension].

    `visual` is timm's whole EVA model, patches and classifier included, since the checkpoint holds them all.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.visual = timm.create_model(shape.backbone, **(shape.small or {}))
        width = self.visual.embed_dim
        self.encoder, self.encoder2trans = Groups(shape.encoded), nn.Linear(shape.encoded, width)
        self.trans2embed, self.pos_embed = nn.Linear(width, shape.dimension), positions(width)
        self.cls_token, self.cls_pos = nn.Parameter(torch.zeros(1, 1, width)), nn.Parameter(torch.randn(1, 1, width))

    def forward(self, groups: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
        batch = groups.shape[0]
        x = torch.cat([self.cls_token.expand(batch, -1, -1), self.encoder2trans(self.encoder(groups))], 1)
        x = x + torch.cat([self.cls_pos.expand(batch, -1, -1), self.pos_embed(centres)], 1)
        for block in self.visual.blocks:
            # Without rotary positions: a cloud has no grid.
            x = block(x)
        return self.trans2embed(self.visual.fc_norm(self.visual.norm(x[:, 0])))


class Uni3D(nn.Module):
    """What the checkpoint holds."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.logit_scale = nn.Parameter(torch.tensor(np.log(1 / 0.07), dtype=torch.float32))
        self.point_encoder = PointEncoder(shape)


def tail_example(shape: Grouping, channels: int) -> Callable[[int], Tensors]:
    """Inputs of a tail: groups and centres."""

    def make(batch: int) -> Tensors:
        generator = torch.Generator().manual_seed(batch)
        sizes = (batch, shape.centres, shape.neighbours, channels), (batch, shape.centres, 3)
        return tuple(torch.randn(*size, generator=generator) * 0.3 for size in sizes)

    return make


def _read(path: Path) -> tuple[Uni3D, Shape]:
    state = checkpoint.tensors(path)
    token = state.get("point_encoder.cls_token")
    if token is None or token.shape[-1] not in WIDTHS:
        raise Refused(
            f"uni3d: {path} has no point_encoder.cls_token of width {', '.join(map(str, WIDTHS))}: not a Uni3D "
            "checkpoint"
        )
    shape = Shape(BACKBONES[WIDTHS[token.shape[-1]]])
    model = Uni3D(shape)
    checkpoint.load(model, state, "uni3d")
    return model.eval(), shape


def build(options: Options, path: Path | None) -> Model:
    if options.variant not in (None, *BACKBONES):
        raise Refused(f"uni3d: variant {options.variant}: known are {', '.join(BACKBONES)}")
    if path is None:
        shape = TINY if options.tiny else Shape(BACKBONES[options.variant or "base"])
        model = randomise(Uni3D(shape), options.seed)
        settle(model.point_encoder.encoder, shape, 6)
    else:
        model, shape = _read(path)
    encoder = model.point_encoder

    @torch.no_grad()
    def look(data: bytes) -> np.ndarray:
        groups, centres = points.groups(points.cloud(data, shape.points, GREY), shape.centres, shape.neighbours)
        return unit(encoder(torch.from_numpy(groups)[None], torch.from_numpy(centres)[None])[0])

    tower = Tower(
        graph=Graph(encoder, {"groups": {}, "centres": {}}, tail_example(shape, 6)),
        reference=look,
        native_dimension=shape.dimension,
        preprocess=points.table(shape.points, shape.centres, shape.neighbours, "xyzrgb"),
        logit_scale=min(model.logit_scale.exp().item(), 100.0),
        rule=points.RULE.format(count=shape.points),
    )
    return Model(
        name="uni3d" + ("-tiny" if options.tiny else ""),
        dimension=shape.dimension,
        towers={"point_cloud": tower},
        description=(
            "Uni3D: point clouds in the space of EVA02-E-14-plus. "
            "Text and image towers of that space are composed from elsewhere."
        ),
        licence=checkpoint.licence(path, options.licence),
        reference=f"timm {timm.__version__} Eva",
        own="what is before and behind Eva, after Uni3D; choice and grouping of points in NumPy, after pointnet2",
    )
