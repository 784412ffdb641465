"""The golden inputs of the bundle and the vectors that the training code makes of them."""

from pathlib import Path

import numpy as np
import torch

import media
import reference
from model import Space

INPUTS = {
    "text": "golden/text.txt", "image": "golden/image.png", "audio": "golden/audio.wav", "video": "golden/video.mp4",
    "point_cloud": "golden/point_cloud.ply",
}  # fmt: skip
SUBJECT = ("bell", "blue")
SENSE = {"image": "image", "audio": "speech", "video": "video", "point_cloud": "points"}


def make(folder: Path):
    """Writes the golden media that are not there yet."""
    (folder / "golden").mkdir(parents=True, exist_ok=True)
    kind, colour = SUBJECT
    writers = {
        "text": lambda path, r: media.text(path, kind, colour, r),
        "image": lambda path, r: media.picture(path, kind, colour, r, 160),
        "audio": lambda path, r: media.spoken(path, kind, colour, r),
        "video": lambda path, r: media.film(path, kind, colour, "spinning", r, 128),
        "point_cloud": lambda path, r: media.cloud(path, kind, colour, r, 2048),
    }
    for number, (tower, name) in enumerate(INPUTS.items()):
        if not (folder / name).exists():
            writers[tower](folder / name, np.random.default_rng((4242, number)))


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v)


@torch.no_grad()
def embed(space: Space, tokenizer, tower: str, path: Path) -> np.ndarray:
    """The unit vector of one file; samples of a long file are averaged and the mean is made unit again."""
    if tower == "text":
        ids, mask = reference.tokens(tokenizer.encode(path.read_text()).ids)
        return space.read(torch.from_numpy(ids)[None], torch.from_numpy(mask)[None])[0].numpy()
    samples = getattr(reference, tower)(path)
    batch = np.stack(samples) if isinstance(samples, list) else samples[None]
    vectors = space.see(SENSE[tower], torch.from_numpy(np.ascontiguousarray(batch)).float()).numpy()
    return _unit(vectors.mean(0))


def write(space: Space, tokenizer, folder: Path):
    make(folder)
    for tower, name in INPUTS.items():
        embed(space, tokenizer, tower, folder / name).astype("<f4").tofile(folder / f"golden/{tower}.f32")
