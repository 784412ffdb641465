"""Contact sheets of the world, to look at before training on it: python sheet.py OUT.png [--films]"""

import argparse

import numpy as np
from PIL import Image

from world.catalogue import COLOURS, MOTIONS, NAMES, instance, split
from world.picture import Film, photo


def pictures(seed: int, size: int = 96, each: int = 4) -> np.ndarray:
    """Kinds down in three blocks, `each` individuals across."""
    r = np.random.default_rng(seed)
    colours = list(COLOURS)
    rows = []
    for kind in NAMES:
        rows.append(np.concatenate([_smooth(kind, colours[int(r.integers(len(colours)))], size, r) for _ in range(each)], 1))
    third = len(rows) // 3
    return np.concatenate([np.concatenate(rows[i * third : (i + 1) * third]) for i in range(3)], 1)


def _smooth(kind, colour, size, r):
    return np.asarray(Image.fromarray(photo(instance(kind, colour, r), kind, 2 * size, r)).resize((size, size), Image.BICUBIC))


def films(seed: int, size: int = 96) -> np.ndarray:
    r = np.random.default_rng(seed)
    rows = []
    for i in range(15):
        kind, colour = split()[1][int(r.integers(96))]
        film = Film(instance(kind, colour, r), kind, MOTIONS[i % len(MOTIONS)], size, r)
        rows.append(np.concatenate([film.frame((j + 0.5) / 8) for j in range(8)], 1))
    return np.concatenate(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--films", action="store_true")
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    Image.fromarray((films if arguments.films else pictures)(arguments.seed)).save(arguments.out)
