"""The towers: small networks from a preprocessed sample to a native vector, and the text tower to the space."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from preprocessing import AUDIO, DIMENSION, TEXT, VIDEO
from world.catalogue import COLOURS, MOTIONS, NAMES

NATIVE = 256
STANDINGS = ("on", "left of", "in front of")  # "under" is "on" the other way round


class Residual(nn.Module):
    """Two 3x3 convolutions around a shortcut (He et al. 2015)."""

    def __init__(self, into: int, out: int, stride: int):
        super().__init__()
        self.first = nn.Conv2d(into, out, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(out)
        self.second = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(out)
        same = into == out and stride == 1
        self.shortcut = None if same else nn.Sequential(nn.Conv2d(into, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        y = self.second_norm(self.second(F.relu(self.first_norm(self.first(x)))))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class Picture(nn.Module):
    """A small residual network over [B, channels, H, W] to [B, out].

    The head sees the mean and the maximum over the picture, and a few channels place by place: pooling alone
    cannot tell a mug on a table from a table on a mug.
    """

    def __init__(self, channels: int, stem: int, stages: tuple[tuple[int, int], ...], side: int, out: int):
        """`stages` are (width, blocks); each halves the side. `side` is what is left after them all."""
        super().__init__()
        self.side = side
        self.stem = nn.Conv2d(channels, stem, 5, 2, 2, bias=False)
        self.stem_norm = nn.BatchNorm2d(stem)
        blocks, into = [], stem
        for width, count in stages:
            for i in range(count):
                blocks.append(Residual(into, width, 2 if i == 0 else 1))
                into = width
        self.blocks = nn.Sequential(*blocks)
        self.places = nn.Conv2d(into, 16, 1)
        self.head = nn.Sequential(nn.Linear(2 * into + 16 * side * side, out), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(F.relu(self.stem_norm(self.stem(x))))
        places = F.relu(self.places(x))
        if places.shape[-1] != self.side:  # training begins with smaller pictures
            places = F.interpolate(places, size=(self.side, self.side), mode="bilinear")
        return self.head(torch.cat([x.mean((2, 3)), x.amax((2, 3)), places.flatten(1)], 1))


class Image(Picture):
    """[B, 3, 80, 80]."""

    def __init__(self):
        super().__init__(3, 32, ((64, 1), (128, 2), (256, 1)), side=5, out=NATIVE)


class Video(nn.Module):
    """[B, frames, 3, 80, 80]: what is seen, by the image tower in every second frame; what moves, by a network over
    all frames at half size, stacked as channels, less what stays the same in all of them.

    The image tower is the same module as the image modality's and is not trained through here: four views
    of a thing are then named at least as surely as one.
    """

    VIEWS = slice(None, None, 2)

    def __init__(self, image: Image):
        super().__init__()
        self.image = image
        self.motion = Picture(3 * VIDEO["frames"], 32, ((64, 1), (96, 1), (128, 1)), side=3, out=128)
        self.head = nn.Sequential(nn.Linear(2 * NATIVE + 128, 384), nn.ReLU(), nn.Linear(384, NATIVE), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        views = x[:, self.VIEWS]
        return self.mix(self.image(views.flatten(0, 1)).unflatten(0, views.shape[:2]), x)

    def mix(self, frames: Tensor, x: Tensor) -> Tensor:
        """`frames` [B, views, NATIVE] are the image tower's vectors of the VIEWS of `x`."""
        small = F.avg_pool2d(x.flatten(1, 2), 2).unflatten(1, (VIDEO["frames"], -1))
        moving = (small - small.mean(1, keepdim=True)).flatten(1, 2)
        told = torch.cat([frames.mean(1), frames.amax(1), self.motion(moving)], 1)
        return self.head(F.dropout(told, 0.2, self.training))  # films are few: without, the head learns them by heart


class Audio(nn.Module):
    """[B, mels, frames]: one-dimensional convolutions over time."""

    def __init__(self, widths: tuple[int, ...] = (128, 192, 224, 256)):
        super().__init__()
        layers, into = [], AUDIO["front_end"]["n_mels"]
        for i, width in enumerate(widths):
            layers += [nn.Conv1d(into, width, 5, 2, 2, bias=False), nn.BatchNorm1d(width), nn.ReLU()]
            if i > 0:
                layers += [nn.Conv1d(width, width, 3, 1, 1, bias=False), nn.BatchNorm1d(width), nn.ReLU()]
            into = width
        self.layers = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Linear(2 * into, NATIVE), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        x = self.layers(x)
        return self.head(torch.cat([x.mean(2), x.amax(2)], 1))


class Points(nn.Module):
    """[B, N, 6]: every point alone, then with the pooled whole, then pooled again (after PointNet, Qi et al. 2016)."""

    def __init__(self):
        super().__init__()
        self.alone = nn.ModuleList([nn.Linear(8, 48), nn.Linear(48, 96)])
        self.whole = nn.Linear(192, 160)
        self.again = nn.Linear(96, 160, bias=False)
        self.last = nn.Linear(160, 256)
        self.norms = nn.ModuleList([nn.LayerNorm(48), nn.LayerNorm(96), nn.LayerNorm(160)])
        self.head = nn.Sequential(nn.Linear(2 * 256, NATIVE), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        across = (x[..., :2] ** 2).sum(-1, keepdim=True).clamp(min=1e-8).sqrt()
        away = (x[..., :3] ** 2).sum(-1, keepdim=True).clamp(min=1e-8).sqrt()
        x = torch.cat([x, across, away], -1)
        for layer, norm in zip(self.alone, self.norms):
            x = F.relu(norm(layer(x)))
        pooled = self.whole(torch.cat([x.amax(1), x.mean(1)], 1))
        x = F.relu(self.norms[2](self.again(x) + pooled[:, None]))
        x = F.relu(self.last(x))
        return self.head(torch.cat([x.amax(1), x.mean(1)], 1))


class Block(nn.Module):
    """A pre-norm transformer layer (Xiong et al. 2020)."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.into, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width))

    def forward(self, x: Tensor, blocked: Tensor) -> Tensor:
        size = x.shape[-1] // self.heads
        q, k, v = (p.unflatten(-1, (self.heads, size)).transpose(1, 2) for p in self.into(self.norm(x)).chunk(3, -1))
        weights = (q @ k.transpose(-1, -2) * size**-0.5 + blocked).softmax(-1)
        x = x + self.out((weights @ v).transpose(1, 2).flatten(2))
        return x + self.mlp(self.after(x))


class Text(nn.Module):
    """(input_ids [B, T], attention_mask [B, T]) to [B, DIMENSION], already in the shared space."""

    def __init__(self, vocabulary: int, width: int = 128, layers: int = 3):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.places = nn.Parameter(torch.randn(TEXT["context"], width) * 0.02)
        self.blocks = nn.ModuleList([Block(width, 4) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.out = nn.Sequential(nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, DIMENSION))
        nn.init.normal_(self.tokens.weight, std=0.05)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        mask = attention_mask.to(self.places.dtype)
        x = self.tokens(input_ids) + self.places[: input_ids.shape[1]]
        blocked = (1 - mask)[:, None, None, :] * -1e4
        for block in self.blocks:
            x = block(x, blocked)
        x = self.norm(x) * mask[..., None]
        return self.out(x.sum(1) / mask.sum(1, keepdim=True))


SENSES = ("image", "video", "points", "speech")


class Space(nn.Module):
    """All towers, their projections (the alignments of the bundle) and temperatures."""

    def __init__(self, vocabulary: int):
        super().__init__()
        self.text = Text(vocabulary)
        image = Image()
        self.towers = nn.ModuleDict({"image": image, "video": Video(image), "points": Points(), "speech": Audio()})
        self.align = nn.ModuleDict({name: nn.Linear(NATIVE, DIMENSION) for name in SENSES})
        # Of training alone: kinds, colours, motions and who stands where as plain classes.
        self.guides = nn.ModuleDict({name: nn.Linear(NATIVE, len(NAMES) + len(COLOURS)) for name in SENSES})
        self.moves = nn.Linear(NATIVE, len(MOTIONS))
        self.standing = nn.Linear(NATIVE, 2 * (len(NAMES) + len(COLOURS)) + len(STANDINGS))
        self.log_scale = nn.ParameterDict({name: nn.Parameter(torch.tensor(2.6)) for name in SENSES})

    def place(self, name: str, native: Tensor) -> Tensor:
        """A unit vector for each native vector of the sense `name`."""
        return F.normalize(self.align[name](native.float()), dim=-1)

    def see(self, name: str, x: Tensor) -> Tensor:
        """A unit vector for each sample of the sense `name`."""
        return self.place(name, self.towers[name](x))

    def read(self, ids: Tensor, mask: Tensor) -> Tensor:
        """A unit vector for each text."""
        return F.normalize(self.text(ids, mask), dim=-1)

    def scale(self, name: str) -> Tensor:
        return self.log_scale[name].exp().clamp(max=60)
