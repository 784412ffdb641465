"""An offline look at the held-out pairs, to steer by: the same media as training makes, from other seeds.

The numbers that are published come from `eval/`, through the service.
"""

from pathlib import Path

import numpy as np
import torch

import words
from generate import roughened, stored_cloud, stored_film, stored_photo
from reference import log_mel
from world import captions, speech
from world.catalogue import MOTIONS, instance, split

CACHE = Path(__file__).parent / ".cache" / "heldout.npz"


def media() -> dict[str, np.ndarray]:
    """One of each sense for every held-out pair, stored like the shards."""
    if CACHE.exists():
        return dict(np.load(CACHE))
    out: dict = {"image": [], "video": [], "points": [], "speech": [], "motion": []}
    for index, (kind, colour) in enumerate(split()[1]):
        r = np.random.default_rng((7001, index))
        mesh = instance(kind, colour, r)
        motion = int(r.integers(len(MOTIONS)))
        out["motion"].append(motion)
        out["image"].append(stored_photo(mesh, kind, r))
        out["video"].append(stored_film(mesh, kind, MOTIONS[motion], r))
        out["points"].append(stored_cloud(mesh, r))
        out["speech"].append(log_mel(roughened(*speech.say(captions.spoken(kind, colour, r), r), r)).astype(np.float16))
    arrays = {name: np.stack(items) for name, items in out.items()}
    CACHE.parent.mkdir(exist_ok=True)
    np.savez(CACHE, **arrays)
    return arrays


def recall(queries: np.ndarray, gallery: np.ndarray, k: int = 1) -> float:
    """How often the gallery item of the same row is among the k nearest."""
    scores = queries @ gallery.T
    return float((np.argsort(-scores, 1)[:, :k] == np.arange(len(scores))[:, None]).any(1).mean())


@torch.no_grad()
def look(space, tokenizer, prepare) -> dict[str, float]:
    """R@1 of every sense against the captions, the mean of both directions."""
    space.eval()
    arrays = media()
    ids, mask = words.batch(tokenizer, [captions.plain(*pair) for pair in split()[1]])
    text = space.read(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
    found = {}
    for name in ("image", "video", "points", "speech"):
        seen = space.see(name, prepare(name, arrays[name])).numpy()
        found[name] = (recall(text, seen) + recall(seen, text)) / 2
    space.train()
    return found
