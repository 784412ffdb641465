"""What is counted: places of the first right answer, what chance gives, and how sure a number is."""

from collections.abc import Callable
from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt

RESAMPLES, SEED, LEVEL = 2000, 20, 0.95

Floats = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]
Ranks = npt.NDArray[np.int64]


def ranks(scores: Floats, right: Bools) -> Ranks:
    """Place of the best right answer of every query, from 1; of equal scores the wrong one comes first."""
    if not right.any(axis=1).all():
        raise ValueError("a query has nothing to be found")
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    places: Ranks = 1 + ((scores >= best) & ~right).sum(axis=1)
    return places


def interval(values: Floats, middle: Callable[..., Any] = np.mean) -> tuple[float, float]:
    """Where the middle of 95 % of the samples lies that are drawn from these queries again."""
    drawn = np.random.default_rng(SEED).integers(0, len(values), (RESAMPLES, len(values)))
    found = middle(np.asarray(values)[drawn], axis=1)
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def share(hits: Bools, chance: float) -> dict[str, Any]:
    """How often something was right, with what chance gives."""
    return {"n": len(hits), "value": float(np.mean(hits)), "interval": interval(hits.astype(float)), "chance": chance}


def missed(size: int, right: int, k: int) -> float:
    """How likely it is that none of `right` items is among the first k of `size` in random order."""
    return comb(size - k, right) / comb(size, right)


def chance(size: int, totals: npt.NDArray[np.int64]) -> dict[str, float]:
    """What a gallery in random order gives, where a query has `totals` right answers."""
    counts, weights = np.unique(totals, return_counts=True)
    beyond = [float(np.average([missed(size, int(n), k) for n in counts], weights=weights)) for k in range(size + 1)]
    return {
        "R@1": 1 - beyond[1], "R@5": 1 - beyond[min(5, size)],
        "median": float(next(k for k, value in enumerate(beyond) if value <= 0.5)),
    }  # fmt: skip


def retrieval(queries: Floats, gallery: Floats, right: Bools) -> dict[str, Any]:
    """`ranked` of the cosines of unit vectors."""
    return ranked(queries @ gallery.T, right)


def ranked(scores: Floats, right: Bools) -> dict[str, Any]:
    """R@1, R@5 and the median place, with intervals and chance. Queries with nothing to be found are left out."""
    asked = right.any(axis=1)
    if not asked.any():
        return {"n": 0}
    right = right[asked]
    found = ranks(scores[asked], right)
    out: dict[str, Any] = {"n": len(found), "gallery": right.shape[1], "median": float(np.median(found))}
    for name, k in (("R@1", 1), ("R@5", 5)):
        hits = (found <= k).astype(float)
        out[name], out[f"{name} interval"] = float(hits.mean()), interval(hits)
    out["median interval"] = interval(found.astype(float), np.median)
    return out | {f"chance {name}": value for name, value in chance(right.shape[1], right.sum(axis=1)).items()}


def same(queries: list[str], items: list[str]) -> Bools:
    """Which item is which query's: bool [queries, items]."""
    equal: Bools = np.array(queries)[:, None] == np.array(items)[None]
    return equal
