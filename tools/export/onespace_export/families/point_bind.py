"""Point-Bind with Point-BERT: point clouds in ImageBind's space, one tower; the others are ImageBind's own.

A checkpoint is the authors' pointbind_pointbert.pt: beside the encoder it holds a whole ImageBind, which is matched key
by key like the rest and then left out. I2P-MAE checkpoints are refused.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from .. import Refused, checkpoint, points
from ..model import Graph, Model, Options, Tower, unit
from ..randomise import randomise
from .imagebind.modules import EPSILON, HUGE, TINY, ImageBind, Mlp, Scale
from .uni3d import Groups, positions, settle, tail_example

LICENCE = "MIT AND CC-BY-NC-SA-4.0"
NOTICE = (
    "Point-Bind's code is MIT; its checkpoint was trained against ImageBind and holds a copy of it, and the space is "
    "ImageBind's: "
    "CC-BY-NC-SA 4.0, non-commercial use only."
)
I2PMAE = (
    "point_bind: I2P-MAE checkpoints are refused: their encoder groups three times over and masks attention by "
    "distance, which the manifest "
    "cannot say; export pointbind_pointbert.pt"
)


@dataclass
class Shape:
    """PointTransformer_8192point.yaml."""

    width: int = 384
    blocks: int = 12
    heads: int = 6
    encoded: int = 256
    projected: int = 512
    points: int = 8192
    centres: int = 512
    neighbours: int = 32


SMALL = Shape(32, 2, 2, 64, 40, 1024, 64, 16)


class Attention(nn.Module):
    """Multi-head attention in one projection without bias."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query, key, value = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        weights = (query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5).softmax(-1)
        return self.proj((weights @ value).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(shape.width), nn.LayerNorm(shape.width)
        self.attn, self.mlp = Attention(shape.width, shape.heads), Mlp(shape.width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Blocks(nn.Module):
    """Positions are added before every block."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.blocks))

    def forward(self, x: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = block(x + places)
        return x


class PointBert(nn.Module):
    """groups [batch, centres, neighbours, 3], centres [batch, centres, 3] → [batch, 2 · width]: class token beside the
    maximum."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.encoder, self.reduce_dim = Groups(shape.encoded, 3), nn.Linear(shape.encoded, shape.width)
        self.cls_token, self.cls_pos = (
            nn.Parameter(torch.zeros(1, 1, shape.width)),
            nn.Parameter(torch.randn(1, 1, shape.width)),
        )
        self.pos_embed, self.blocks, self.norm = positions(shape.width), Blocks(shape), nn.LayerNorm(shape.width)

    def forward(self, groups: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
        batch = groups.shape[0]
        x = torch.cat([self.cls_token.expand(batch, -1, -1), self.reduce_dim(self.encoder(groups))], 1)
        places = torch.cat([self.cls_pos.expand(batch, -1, -1), self.pos_embed(centres)], 1)
        x = self.norm(self.blocks(x, places))
        return torch.cat([x[:, 0], x[:, 1:].amax(1)], -1)


class Bind(ImageBind):
    """ImageBind with a head for points."""

    def __init__(self, tiny: bool, projected: int) -> None:
        sizes = TINY if tiny else HUGE
        super().__init__(sizes)
        head = nn.LayerNorm(projected, eps=EPSILON), nn.Dropout(0.5), nn.Linear(projected, sizes.dimension, bias=False)
        self.modality_head_point = nn.Sequential(*head)
        self.modality_postprocessor_point = nn.Sequential(nn.Identity(), Scale(1.0))


class PointBind(nn.Module):
    """What the checkpoint holds."""

    def __init__(self, shape: Shape, tiny: bool) -> None:
        super().__init__()
        self.logit_scale = nn.Parameter(torch.tensor(np.log(1 / 0.07), dtype=torch.float32))
        self.bind, self.point_encoder = Bind(tiny, shape.projected), PointBert(shape)
        self.pc_projection = nn.Parameter(torch.randn(2 * shape.width, shape.projected) * shape.projected**-0.5)


class Tail(nn.Module):
    """groups and centres → native vectors [batch, dimension]."""

    def __init__(self, model: PointBind) -> None:
        super().__init__()
        self.encoder, self.projection, self.head = (
            model.point_encoder,
            model.pc_projection,
            model.bind.modality_head_point,
        )

    def forward(self, groups: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
        return self.head(F.linear(self.encoder(groups, centres), self.projection.T))


def _load(options: Options, path: Path | None, shape: Shape) -> PointBind:
    # On no device, so that the ImageBind within costs nothing before there is something to fill it with.
    with torch.device("cpu" if options.tiny or path else "meta"):
        model = PointBind(shape, options.tiny)
    if path is not None:
        state = checkpoint.tensors(path)
        if any(key.startswith("point_encoder.h_encoder.") for key in state):
            raise Refused(I2PMAE)
        checkpoint.load(model, state, "point_bind")
        return model.eval()
    if not options.tiny:
        for part in (model.point_encoder, model.bind.modality_head_point):
            part.to_empty(device="cpu").apply(
                lambda m: m.reset_parameters() if hasattr(m, "reset_parameters") else None
            )
        model.pc_projection = nn.Parameter(torch.empty(model.pc_projection.shape))
        model.point_encoder.cls_pos = nn.Parameter(torch.empty(1, 1, shape.width))
        model.logit_scale = nn.Parameter(torch.tensor(np.log(1 / 0.07), dtype=torch.float32))
    return model


def build(options: Options, path: Path | None) -> Model:
    if options.variant == "i2p-mae":
        raise Refused(I2PMAE)
    if options.variant is not None:
        raise Refused(f"point_bind: variant {options.variant} is not known")
    shape = SMALL if options.tiny else Shape()
    model = _load(options, path, shape)
    tail = Tail(model)
    if path is None:
        randomise(tail, options.seed, 2.5)
        settle(tail.encoder.encoder, shape, 3)
    tail.eval()
    scale, dimension = min(model.logit_scale.exp().item(), 100.0), model.bind.modality_head_point[-1].out_features
    del model

    @torch.no_grad()
    def look(data: bytes) -> np.ndarray:
        cloud = points.cloud(data, shape.points, 0.4)[:, :3]
        groups, centres = points.groups(cloud, shape.centres, shape.neighbours)
        return unit(tail(torch.from_numpy(groups)[None], torch.from_numpy(centres)[None])[0])

    tower = Tower(
        graph=Graph(tail, {"groups": {}, "centres": {}}, tail_example(shape, 3)),
        reference=look,
        native_dimension=dimension,
        preprocess=points.table(shape.points, shape.centres, shape.neighbours, "xyz"),
        logit_scale=scale,
        rule=points.RULE.format(count=shape.points),
    )
    return Model(
        name="point-bind" + ("-tiny" if options.tiny else ""),
        dimension=dimension,
        towers={"point_cloud": tower},
        description=(
            "Point-Bind (Point-BERT): point clouds in ImageBind's space; "
            "the other towers are composed from an ImageBind bundle."
        ),
        licence=options.licence or LICENCE,
        usage="non-commercial",
        notice=NOTICE,
        reference="the equations of Point-Bind and Point-BERT",
        own="all of it: the modules, which no registry has; choice and grouping of points in NumPy, after pointnet2",
    )
