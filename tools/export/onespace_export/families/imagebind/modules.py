"""ImageBind's layout in modules of our own, under the parameter names of the published checkpoint.

Six trunks: vision takes pictures and films alike. Sizes after the paper (Girdhar et al. 2023, appendix B) and the
published configuration "huge". Each `Road` gives the native vector, before it is scaled to unit length.
"""

from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.nn import functional as F

EPSILON = 1e-6
# Pixels of a picture's side.
SIDE = 224
# Parameters at full size, of all trunks and of each, counted from the published checkpoint.
PARAMETERS = 1_200_781_057


@dataclass(frozen=True)
class Size:
    """One trunk: width, blocks and heads of its transformer."""

    width: int
    blocks: int
    heads: int


@dataclass(frozen=True)
class Sizes:
    """All of them."""

    dimension: int = 1024
    vision: Size = Size(1280, 32, 16)
    text: Size = Size(1024, 24, 16)
    audio: Size = Size(768, 12, 12)
    depth: Size = Size(384, 12, 8)
    thermal: Size = Size(768, 12, 12)
    imu: Size = Size(512, 6, 8)
    vocabulary: int = 49408
    context: int = 77


SMALL = Size(32, 2, 2)
HUGE = Sizes()
TINY = replace(
    HUGE, dimension=48, vocabulary=2048, vision=SMALL, text=SMALL, audio=SMALL, depth=SMALL, thermal=SMALL, imu=SMALL
)


class Attention(nn.Module):
    """Multi-head attention under the names of nn.MultiheadAttention; `extra` adds its learned last key and value."""

    def __init__(self, size: Size, extra: bool) -> None:
        super().__init__()
        self.heads = size.heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * size.width, size.width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * size.width))
        self.out_proj = nn.Linear(size.width, size.width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        self.bias_k = nn.Parameter(torch.randn(1, 1, size.width) * size.width**-0.5) if extra else None
        self.bias_v = nn.Parameter(torch.randn(1, 1, size.width) * size.width**-0.5) if extra else None

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        batch, width = x.shape[0], x.shape[2]
        query, key, value = F.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, dim=-1)
        if self.bias_k is not None and self.bias_v is not None:
            key = torch.cat([key, self.bias_k.expand(batch, 1, width)], 1)
            value = torch.cat([value, self.bias_v.expand(batch, 1, width)], 1)
        query, key, value = (
            t.unflatten(-1, (self.heads, width // self.heads)).transpose(1, 2) for t in (query, key, value)
        )
        weights = (query * (width // self.heads) ** -0.5) @ key.transpose(-1, -2)
        weights = (weights if mask is None else weights + mask).softmax(-1)
        return self.out_proj((weights @ value).transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    """Four times as wide, exact GELU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, size: Size, extra: bool) -> None:
        super().__init__()
        self.attn, self.mlp = Attention(size, extra), Mlp(size.width)
        self.norm_1, self.norm_2 = nn.LayerNorm(size.width, eps=EPSILON), nn.LayerNorm(size.width, eps=EPSILON)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        x = x + self.attn(self.norm_1(x), mask)
        return x + self.mlp(self.norm_2(x))


class Trunk(nn.Module):
    """[batch, tokens, width] to the same; `norm`: normalised first (vision)."""

    def __init__(self, size: Size, norm: bool = False, extra: bool = False) -> None:
        super().__init__()
        self.pre_transformer_layer = nn.Sequential(nn.LayerNorm(size.width, eps=EPSILON) if norm else nn.Identity())
        self.blocks = nn.ModuleList(Block(size, extra) for _ in range(size.blocks))

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        x = self.pre_transformer_layer(x)
        for block in self.blocks:
            x = block(x, mask)
        return x


class Stem(nn.Module):
    """Patches to tokens: a projection, then a norm where there is one."""

    def __init__(self, proj: nn.Module, width: int | None) -> None:
        super().__init__()
        self.proj, self.norm_layer = proj, nn.LayerNorm(width) if width else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.proj(x)
        x = x if x.dim() == 3 else x.flatten(2).transpose(1, 2)
        return x if self.norm_layer is None else self.norm_layer(x)


class Positions(nn.Module):
    """Learned positions of the class token and the patches."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.randn(1, tokens, width) * 0.02)


class Patches(nn.Module):
    """Class token, patches and positions. `name` is the stem's in the checkpoint."""

    def __init__(self, name: str, stem: Stem, patches: int, width: int) -> None:
        super().__init__()
        self.name = name
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.add_module(name, stem)
        self.pos_embedding_helper = Positions(patches + 1, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = getattr(self, self.name)(x)
        return torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1) + self.pos_embedding_helper.pos_embed


class Frames(nn.Module):
    """Pictures [batch, 3, 224, 224] or films [batch, 3, frames, 224, 224] as [batch, 3, 2, 224, 224]: the first and the
    last frame.

    One reshape serves both ranks, so that one graph, and one copy of its weights, serves both towers.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.reshape(x.shape[0], 3, -1, SIDE, SIDE)
        return torch.cat([x[:, :, :1], x[:, :, -1:]], 2)


class Words(nn.Module):
    """input_ids [batch, tokens] to embeddings of as many positions; the causal mask is part of the checkpoint."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(sizes.vocabulary, sizes.text.width)
        self.pos_embed = nn.Parameter(torch.randn(1, sizes.context, sizes.text.width) * 0.01)
        self.register_buffer("mask", torch.full((sizes.context, sizes.context), float("-inf")).triu(1))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.token_embedding(ids) + self.pos_embed[:, : ids.shape[1]]


class Motion(nn.Module):
    """Readings [batch, 6, 2000] to 250 tokens of 8 steps of 6 channels, channels outermost.

    Reshaped, not unfolded: the tracing exporter lowers `unfold` of this shape to a product that does not fit.
    """

    STEPS, CHANNELS, LENGTH = 8, 6, 2000

    def __init__(self, width: int) -> None:
        super().__init__()
        self.tokens = self.LENGTH // self.STEPS
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.imu_stem = Stem(nn.Linear(self.STEPS * self.CHANNELS, width, bias=False), width)
        self.pos_embed = nn.Parameter(torch.randn(1, self.tokens + 1, width) * 0.02)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.reshape(-1, self.CHANNELS, self.tokens, self.STEPS).permute(0, 2, 1, 3).flatten(2)
        x = self.imu_stem(x)
        return torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1) + self.pos_embed


class ClassToken(nn.Module):
    """[batch, tokens, width] to that of the first token."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 0]


class EndOfText(nn.Module):
    """Normalised and projected where the ids are largest, which is the end token."""

    def __init__(self, width: int, dimension: int) -> None:
        super().__init__()
        self.proj = nn.Sequential(nn.LayerNorm(width, eps=EPSILON), nn.Linear(width, dimension, bias=False))

    def forward(self, x: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        return self.proj(x[torch.arange(x.shape[0]), ids.to(torch.int32).argmax(-1)])


class Scale(nn.Module):
    """What the reference multiplies its unit vectors by; never applied here, its value goes into the manifest."""

    def __init__(self, scale: float, learned: bool = False) -> None:
        super().__init__()
        value = torch.tensor(scale).log()
        if learned:
            self.log_logit_scale = nn.Parameter(value)
        else:
            self.register_buffer("log_logit_scale", value)

    def value(self) -> float:
        return min(self.log_logit_scale.exp().item(), 100.0)


def _conv(width: int, kernel: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(1, width, kernel, stride, bias=False)


class ImageBind(nn.Module):
    """Everything that the published checkpoint holds."""

    def __init__(self, sizes: Sizes = HUGE) -> None:
        super().__init__()
        vision, audio, depth, thermal = sizes.vision.width, sizes.audio.width, sizes.depth.width, sizes.thermal.width
        film = nn.Sequential(Frames(), nn.Conv3d(3, vision, (2, 14, 14), (2, 14, 14), bias=False))
        self.modality_preprocessors = nn.ModuleDict({
            "vision": Patches("rgbt_stem", Stem(film, None), 16 * 16, vision),
            "text": Words(sizes),
            "audio": Patches("rgbt_stem", Stem(_conv(audio, 16, 10), audio), 12 * 19, audio),
            "depth": Patches("depth_stem", Stem(_conv(depth, 16, 16), depth), 14 * 14, depth),
            "thermal": Patches("rgbt_stem", Stem(_conv(thermal, 16, 16), thermal), 14 * 14, thermal),
            "imu": Motion(sizes.imu.width),
        })  # fmt: skip
        names = ("vision", "text", "audio", "depth", "thermal", "imu")
        self.modality_trunks = nn.ModuleDict(
            {n: Trunk(getattr(sizes, n), norm=n == "vision", extra=n not in ("vision", "text")) for n in names}
        )
        self.modality_heads = nn.ModuleDict({n: self._head(n, getattr(sizes, n).width, sizes.dimension) for n in names})
        scales = {
            "text": Scale(1 / 0.07, learned=True),
            "audio": Scale(20.0),
            "depth": Scale(5.0),
            "thermal": Scale(10.0),
            "imu": Scale(5.0),
        }
        self.modality_postprocessors = nn.ModuleDict({n: nn.Sequential(nn.Identity(), s) for n, s in scales.items()})

    @staticmethod
    def _head(name: str, width: int, dimension: int) -> nn.Module:
        if name == "text":
            return EndOfText(width, dimension)
        dropout = [nn.Dropout(0.5)] if name == "imu" else []
        return nn.Sequential(
            nn.LayerNorm(width, eps=EPSILON), ClassToken(), *dropout, nn.Linear(width, dimension, bias=False)
        )

    def scale(self, name: str) -> float:
        return 1.0 if name == "vision" else self.modality_postprocessors[name][1].value()


class Road(nn.Module):
    """One modality's way through the model: what it is fed → native vectors float32 [batch, dimension]."""

    def __init__(self, model: ImageBind, name: str) -> None:
        super().__init__()
        self.before, self.trunk, self.head = (
            model.modality_preprocessors[name],
            model.modality_trunks[name],
            model.modality_heads[name],
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.trunk(self.before(x)))


class TextRoad(Road):
    """input_ids int64 [batch, tokens], over as many positions as there are: the mask is causal."""

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        length = ids.shape[1]
        x = self.trunk(self.before(ids), self.before.mask[:length, :length])
        return self.head(x, ids)
