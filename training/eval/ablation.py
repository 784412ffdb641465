"""That the evaluation can fail, and what shorter vectors cost."""

import numpy as np

from eval.lab import Lab
from eval.retrieval import first_places, mean

DIMENSIONS = (256, 128, 64)


def shuffled(vectors: dict[str, np.ndarray], seed: int = 3) -> dict[str, float]:
    """R@1 of the ordered pairs after every modality's rows were dealt anew: nothing is left to find."""
    r = np.random.default_rng(seed)
    return first_places({m: v[r.permutation(len(v))] for m, v in vectors.items()})


def measure(lab: Lab) -> dict:
    out = {}
    for dimension in DIMENSIONS:
        found = first_places(lab.pairs(dimension))
        out[str(dimension)] = {"mean": mean(found), "least": min(found.values())}
    vectors = lab.pairs()
    mixed = shuffled(vectors)
    return {"dimensions": out, "shuffled": {"mean": mean(mixed), "most": max(mixed.values()), "chance": 1 / len(vectors["text"])}}
