"""An offline look at a gallery of pairs, to steer by: the same media as training makes, from other seeds.

The numbers that are published come from `eval/`, through the service.
"""

from pathlib import Path

import numpy as np
import torch

import words
from data import prepare
from generate import company, heard, numbers, stored_cloud, stored_film, stored_photo, stored_scene
from model import SENSES
from told import Told
from world import captions
from world.catalogue import MOTIONS, RELATIONS, instance, motion_split, split

CACHE = Path(__file__).parent / ".cache" / "heldout.npz"
GALLERY, SCENES = 500, 150


def subjects() -> list[tuple[str, str]]:
    """All held-out pairs, filled up with trained ones to GALLERY."""
    train, held = split()
    more = np.random.default_rng(7000).permutation(len(train))[: GALLERY - len(held)]
    return [*held, *(train[i] for i in more)]


def media() -> dict[str, np.ndarray]:
    """One of each sense for every subject, and scenes, stored like the shards."""
    if CACHE.exists():
        return dict(np.load(CACHE))
    out: dict = {name: [] for name in (*SENSES, "motion", "scene", "scene_things")}
    pairs = split()[0]
    for index, (kind, colour) in enumerate(subjects()):
        r = np.random.default_rng((7001, index))
        mesh = instance(kind, colour, r)
        out["motion"].append(MOTIONS.index(next(m for k, m in motion_split()[1] if k == kind)))
        out["image"].append(stored_photo(mesh, kind, r))
        out["video"].append(stored_film(mesh, kind, MOTIONS[out["motion"][-1]], r))
        out["points"].append(stored_cloud(mesh, r))
        out["speech"].append(heard(captions.spoken(kind, colour, r), r, "en"))
        if index < SCENES:
            named, relation = [(kind, colour), company(pairs, kind, r)[0]], int(r.integers(len(RELATIONS)))
            things = [(instance(k, c, r), k) for k, c in named]
            out["scene"].append(stored_scene(things, RELATIONS[relation], r))
            out["scene_things"].append(numbers(named, relation))
    arrays = {name: np.stack(items) for name, items in out.items()}
    CACHE.parent.mkdir(exist_ok=True)
    np.savez(CACHE, **arrays)
    return arrays


def recall(queries: np.ndarray, gallery: np.ndarray, k: int = 1) -> float:
    """How often the gallery item of the same row is among the k nearest."""
    scores = queries @ gallery.T
    return float((np.argsort(-scores, 1)[:, :k] == np.arange(len(scores))[:, None]).any(1).mean())


def both(a: np.ndarray, b: np.ndarray) -> float:
    """R@1 from one to the other and back, the mean."""
    return (recall(a, b) + recall(b, a)) / 2


@torch.no_grad()
def look(space, tokenizer, size: int) -> dict[str, float]:
    """R@1 of every sense against the captions (all, and the held-out pairs among themselves), between pictures
    and films, of scenes against their captions, and how often a motion never seen of that kind is named. Pictures `size` wide."""
    arrays, held = media(), len(split()[1])

    def read(texts: list[str]) -> np.ndarray:
        ids, mask = words.batch(tokenizer, texts)
        return space.read(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()

    def see(sense: str, name: str | None = None) -> np.ndarray:
        items = arrays[name or sense]
        return np.concatenate([space.see(sense, prepare(name or sense, part, None, size)).numpy() for part in np.array_split(items, max(1, len(items) // 50))])

    text, seen, found = read([captions.plain(*pair) for pair in subjects()]), {}, {}
    for name in SENSES:
        seen[name] = see(name)
        found[name], found[f"{name}_held"] = both(text, seen[name]), both(text[:held], seen[name][:held])
    found["image_video"], found["speech_image"] = both(seen["image"], seen["video"]), both(seen["speech"], seen["image"])
    r = np.random.default_rng(1)
    told = [Told.of(row) for row in arrays["scene_things"]]
    found["scene"] = both(read([t.caption(r, "en") for t in told]), see("image", "scene"))
    moves = read([f"something {m}" for m in MOTIONS])
    found["motion"] = float(((seen["video"] @ moves.T).argmax(1) == arrays["motion"]).mean())
    return found
