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


def pictures(x: np.ndarray, r=None, size: int = IMAGE["width"]) -> torch.Tensor:
    """uint8 [B, H, W, 3] or [B, frames, H, W, 3] to normalised channels-first; cropped and jittered if `r` is given.

    Never mirrored: left and right mean something here.
    """
    frames = x.shape[1] if x.ndim == 5 else 0
    x = torch.from_numpy(np.ascontiguousarray(x)).float() / 255
    if frames:  # all frames of a film are treated alike
        x = _framed(x.permute(0, 1, 4, 2, 3).flatten(1, 2), size, r)
    else:
        x = _framed(x.permute(0, 3, 1, 2), size, r)
    if r is not None:
        x = _light(x, r).clamp(0, 1)
    x = (x - IMAGE["mean"][0]) / IMAGE["std"][0]
    return x.unflatten(1, (frames, 3)) if frames else x.contiguous(memory_format=torch.channels_last)


def clouds(x: np.ndarray, r=None) -> torch.Tensor:
    """float16 [B, N, 6]; turned about the up axis, leant and thinned if `r` is given."""
    x = x.astype(np.float32)
    if r is not None:
        around, lean = r.uniform(0, 2 * np.pi, len(x)), r.normal(0, 0.05, (len(x), 2))
        c, s, o, z = np.cos(around), np.sin(around), np.ones(len(x)), np.zeros(len(x))
        turn = np.stack([c, -s, lean[:, 0], s, c, lean[:, 1], z, z, o], 1).reshape(-1, 3, 3).astype(np.float32)
        x[..., :3] = x[..., :3] @ turn
        for cloud in x[r.random(len(x)) < 0.3]:
            lost = r.random(len(cloud)) < 0.25
            cloud[lost] = cloud[int(np.argmin(lost))]
    return torch.from_numpy(x)


def spectra(x: np.ndarray, r=None) -> torch.Tensor:
    """float16 [B, mels, frames] of natural logs; louder, quieter, later and masked if `r` is given."""
    x = x.astype(np.float32)
    if r is not None:
        x = x + r.uniform(-2.5, 1.0, (len(x), 1, 1)).astype(np.float32)
        for i in range(len(x)):
            late = int(r.integers(-12, 13))
            x[i] = np.roll(x[i], late, 1)
            x[i][:, :late] = FLOOR if late > 0 else x[i][:, :late]
            if r.random() < 0.5:
                low, start = int(r.integers(0, 57)), int(r.integers(0, FRAMES - 16))
                x[i, low : low + int(r.integers(1, 8))] = x[i].mean()
                x[i, :, start : start + int(r.integers(1, 14))] = x[i].mean()
    x = np.maximum(x, FLOOR)
    return torch.from_numpy((x - AUDIO["front_end"]["mean"]) / AUDIO["front_end"]["std"]).float()


PREPARE = {
    "image": pictures, "scene": pictures, "video": pictures, "points": clouds, "speech": spectra, "signature": spectra, "spoken_scene": spectra,
}  # fmt: skip


def prepare(name: str, x: np.ndarray, r=None, size: int = IMAGE["width"]) -> torch.Tensor:
    """Stored items of the array `name` to the tower's input; pictures and films `size` wide."""
    return pictures(x, r, size) if PREPARE[name] is pictures else PREPARE[name](x, r)
