"""What a training step sees: items of the shards, augmented."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from preprocessing import AUDIO, IMAGE

SHARDS = Path(__file__).parent / ".cache" / "shards"
FLOOR = float(np.log(AUDIO["front_end"]["floor"]))
FRAMES = 1 + AUDIO["window_ms"] * AUDIO["sample_rate"] // 1000 // AUDIO["front_end"]["hop_length"]


class Shards:
    """Every finished shard, memory-mapped; picks up new ones when asked."""

    def __init__(self):
        self.open: dict[str, dict[str, np.ndarray]] = {}
        self.refresh()

    def refresh(self):
        for folder in sorted(SHARDS.glob("*")):
            if folder.suffix == "" and folder.name not in self.open:
                self.open[folder.name] = {f.stem: np.load(f, mmap_mode="r") for f in folder.glob("*.npy")}
        if not self.open:
            raise SystemExit("no shards: run generate.py first")

    def holding(self, name: str) -> list[dict[str, np.ndarray]]:
        return [shard for shard in self.open.values() if name in shard]

    def draw(self, name: str, rows, r) -> tuple[np.ndarray, list]:
        """One random item for each row; also where it was found."""
        shards = self.holding(name)
        spots = [(int(r.integers(len(shards))), row, int(r.integers(shards[0][name].shape[1]))) for row in rows]
        return np.stack([shards[s][name][row, i] for s, row, i in spots]), spots

    def facts(self, name: str, spots) -> np.ndarray:
        """What the array `name` says of the items that were found at `spots`."""
        shards = self.holding(name)
        return np.stack([shards[s][name][row, i] for s, row, i in spots])


def _light(x: torch.Tensor, r) -> torch.Tensor:
    """Random brightness and contrast, one for each sample; x is 0..1 with the batch first."""
    shape = (len(x), *[1] * (x.dim() - 1))
    gain = torch.from_numpy(r.uniform(0.8, 1.2, shape).astype(np.float32))
    shift = torch.from_numpy(r.uniform(-0.08, 0.08, shape).astype(np.float32))
    return x * gain + shift


def recoloured(x: torch.Tensor, r) -> torch.Tensor:
    """Every colour [B, ..., 3] of a sample through one random mixture of its channels: what is left of a thing is its shape."""
    mixture = r.dirichlet((0.4, 0.4, 0.4), (len(x), 3)).astype(np.float32)
    return torch.einsum("b...c,bdc->b...d", x, torch.from_numpy(mixture))


def _framed(x: torch.Tensor, size: int, r=None) -> torch.Tensor:
    """[B, C, STORED, STORED] to `size`: resized whole as the service does, or (most, if `r` is given) cropped first,
    to any aspect ratio, for the service squashes what is not square."""
    if r is not None:
        kept = np.where(r.random((len(x), 1)) < 0.4, 1.0, r.uniform(0.76, 1, (len(x), 2)))
        middle = r.uniform(-1, 1, (len(x), 2)) * (1 - kept)
        window = np.zeros((len(x), 2, 3), np.float32)
        window[:, [0, 1], [0, 1]], window[:, :, 2] = kept, middle
        side = x.shape[-1]
        x = F.grid_sample(x, F.affine_grid(torch.from_numpy(window), [len(x), 1, side, side], align_corners=False), padding_mode="border", align_corners=False)
    return F.interpolate(x, size=(size, size), mode="bilinear", antialias=True)


def pictures(x: np.ndarray, r=None, size: int = IMAGE["width"], recolour: bool = False) -> torch.Tensor:
    """uint8 [B, H, W, 3] or [B, frames, H, W, 3] to normalised channels-first; cropped and jittered if `r` is given.

    Never mirrored: left and right mean something here.
    """
    frames = x.shape[1] if x.ndim == 5 else 0
    x = torch.from_numpy(np.ascontiguousarray(x)).float() / 255
    if recolour:
        x = recoloured(x, r)
    if frames:  # all frames of a film are treated alike
        x = _framed(x.permute(0, 1, 4, 2, 3).flatten(1, 2), size, r)
    else:
        x = _framed(x.permute(0, 3, 1, 2), size, r)
    if r is not None:
        x = _light(x, r).clamp(0, 1)
    x = (x - IMAGE["mean"][0]) / IMAGE["std"][0]
    return x.unflatten(1, (frames, 3)) if frames else x.contiguous(memory_format=torch.channels_last)


def clouds(x: np.ndarray, r=None, recolour: bool = False) -> torch.Tensor:
    """float16 [B, N, 6]; turned about the up axis, leant and thinned if `r` is given."""
    x = x.astype(np.float32)
    if recolour:
        x[..., 3:] = recoloured(torch.from_numpy(x[..., 3:]), r).numpy()
    if r is not None:
        around, lean = r.uniform(0, 2 * np.pi, len(x)), r.normal(0, 0.05, (len(x), 2))
        c, s, o, z = np.cos(around), np.sin(around), np.ones(len(x)), np.zeros(len(x))
        turn = np.stack([c, -s, lean[:, 0], s, c, lean[:, 1], z, z, o], 1).reshape(-1, 3, 3).astype(np.float32)
        x[..., :3] = x[..., :3] @ turn
        for cloud in x[r.random(len(x)) < 0.3]:
            lost = r.random(len(cloud)) < 0.25
            cloud[lost] = cloud[int(np.argmin(lost))]
    return torch.from_numpy(x)


def _voiced(x: torch.Tensor, r) -> torch.Tensor:
    """[B, mels, frames] above the floor, as another throat and another pace would have it: every sample moved and stretched
    over time and over the mel bands, the latter after vocal tract length perturbation (Jaitly & Hinton 2013)."""
    window = np.zeros((len(x), 2, 3), np.float32)
    window[:, 0, 0], window[:, 0, 2] = r.uniform(0.87, 1.15, len(x)), r.uniform(-0.09, 0.09, len(x))
    window[:, 1, 1], window[:, 1, 2] = r.uniform(0.93, 1.07, len(x)), r.uniform(-0.07, 0.07, len(x))
    grid = F.affine_grid(torch.from_numpy(window), [len(x), 1, *x.shape[1:]], align_corners=False)
    return F.grid_sample(x[:, None], grid, align_corners=False)[:, 0]


def spectra(x: np.ndarray, r=None) -> torch.Tensor:
    """float16 [B, mels, frames] of natural logs; another voice, louder, quieter, later and masked if `r` is given."""
    x = x.astype(np.float32)
    if r is not None:
        x = _voiced(torch.from_numpy(x - FLOOR), r).numpy() + FLOOR
        x = x + r.uniform(-2.5, 1.0, (len(x), 1, 1)).astype(np.float32)
        for i in np.flatnonzero(r.random(len(x)) < 0.5):
            low, start = int(r.integers(0, 57)), int(r.integers(0, FRAMES - 16))
            x[i, low : low + int(r.integers(1, 8))] = x[i].mean()
            x[i, :, start : start + int(r.integers(1, 14))] = x[i].mean()
    x = np.maximum(x, FLOOR)
    return torch.from_numpy((x - AUDIO["front_end"]["mean"]) / AUDIO["front_end"]["std"]).float()


PREPARE = {
    "image": pictures, "scene": pictures, "video": pictures, "points": clouds, "speech": spectra, "signature": spectra, "spoken_scene": spectra,
}  # fmt: skip


def prepare(name: str, x: np.ndarray, r=None, size: int = IMAGE["width"], recolour: bool = False) -> torch.Tensor:
    """Stored items of the array `name` to the tower's input; pictures and films `size` wide; `recolour` what has colours."""
    if PREPARE[name] is pictures:
        return pictures(x, r, size, recolour)
    return clouds(x, r, recolour) if PREPARE[name] is clouds else spectra(x, r)
