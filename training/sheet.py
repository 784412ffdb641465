"""Contact sheets of the world, to look at before training on it: python sheet.py OUT.png [--kinds | --films | --scenes | --materials] [--unseen]"""

import argparse
from itertools import product

import numpy as np
from PIL import Image

from world.catalogue import COLOURS, MATERIALS, MOTIONS, NAMES, RELATIONS, SIZES, instance
from world.picture import Film, photo, scene


def _any(values, r) -> str:
    values = list(values)
    return values[int(r.integers(len(values)))]


def _smooth(pixels: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.BICUBIC))


def _grid(pictures: list[np.ndarray], across: int) -> np.ndarray:
    """Row by row; the last row is filled up with white."""
    pictures = pictures + [np.full_like(pictures[0], 255)] * (-len(pictures) % across)
    return np.concatenate([np.concatenate(pictures[i : i + across], 1) for i in range(0, len(pictures), across)])


def kinds(r, size: int, unseen: bool, each: int = 2) -> np.ndarray:
    """Every kind, `each` individuals side by side, in any colour, size and material."""
    drawn = []
    for kind in [kind for kind in NAMES for _ in range(each)]:
        mesh = instance(kind, _any(COLOURS, r), r, _any(MATERIALS, r), unseen)
        drawn.append(_smooth(photo(mesh, kind, 2 * size, r, unseen=unseen), size))
    return _grid(drawn, 7 * each)


def materials(r, size: int, unseen: bool) -> np.ndarray:
    """A few kinds down; plastic, metal and wood across, each small, medium and big."""
    drawn = []
    for colour in COLOURS:
        kind = _any(NAMES, r)
        for material, extent in product(MATERIALS, SIZES):
            drawn.append(_smooth(photo(instance(kind, colour, r, material, unseen), kind, 2 * size, r, extent, unseen), size))
    return _grid(drawn, len(MATERIALS) * len(SIZES))


def scenes(r, size: int, unseen: bool, each: int = 5) -> np.ndarray:
    """Relations down; pairs on the left, three things on the right."""
    drawn = []
    for relation in RELATIONS:
        for count in [2] * each + [3] * each:
            names = [_any(NAMES, r) for _ in range(count)]
            things = [(instance(kind, _any(COLOURS, r), r, _any(MATERIALS, r), unseen), kind) for kind in names]
            drawn.append(_smooth(scene(things, relation, 2 * size, r, unseen), size))
    return _grid(drawn, 2 * each)


def films(r, size: int, unseen: bool, each: int = 2) -> np.ndarray:
    """Motions down, `each` films of every one; time across."""
    drawn = []
    for motion in MOTIONS:
        for _ in range(each):
            kind = _any(NAMES, r)
            film = Film(instance(kind, _any(COLOURS, r), r, _any(MATERIALS, r), unseen), kind, motion, 2 * size, r, unseen)
            drawn += [_smooth(film.frame((j + 0.5) / 8), size) for j in range(8)]
    return _grid(drawn, 8)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    chosen = parser.add_mutually_exclusive_group()
    for sheet in (kinds, films, scenes, materials):
        chosen.add_argument(f"--{sheet.__name__}", dest="sheet", action="store_const", const=sheet, default=kinds, help=sheet.__doc__)
    parser.add_argument("--unseen", action="store_true", help="unseen proportions before unseen backgrounds")
    parser.add_argument("--size", type=int, default=80, help="of a picture, in pixels")
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    pixels = arguments.sheet(np.random.default_rng(arguments.seed), arguments.size, arguments.unseen)
    Image.fromarray(pixels).save(arguments.out)
