"""What is counted: retrieval scores with what chance would give, and classification. Rows of vectors are unit."""

from math import comb

import numpy as np

MODALITIES = ("text", "image", "audio", "video", "point_cloud")
ORDERED = tuple((a, b) for a in MODALITIES for b in MODALITIES if a != b)
FACTS = ("kind", "colour", "size", "material", "motion")


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(1e-12, np.linalg.norm(vectors, axis=-1, keepdims=True))


def cut(vectors: np.ndarray, dimension: int) -> np.ndarray:
    """The leading dimensions, unit again."""
    return unit(vectors[:, :dimension])


def agreement(queries: list[dict], items: list[dict]) -> np.ndarray:
    """bool [Q, G]: whether both agree in every fact that both carry. A fact that is absent or None is not carried."""
    out = np.ones((len(queries), len(items)), bool)
    for fact in FACTS:
        asked, found = (np.array([str(row.get(fact) or "") for row in rows]) for rows in (queries, items))
        out &= (asked[:, None] == found[None]) | (asked == "")[:, None] | (found == "")[None]
    return out


def ranking(scores: np.ndarray) -> np.ndarray:
    """int [Q, G]: the items of every query, best first; of equal ones the first in the gallery."""
    return np.argsort(-scores, axis=1, kind="stable")


def recall(scores: np.ndarray, relevant: np.ndarray, k: int = 1) -> float:
    """The share of queries with something relevant among the k best."""
    if k == 1:
        return float(relevant[np.arange(len(scores)), scores.argmax(1)].mean())
    return float(np.take_along_axis(relevant, ranking(scores)[:, :k], 1).any(1).mean())


def average_precision(right: np.ndarray, total: int, k: int = 10) -> float:
    """AP@k of one ranking: `right` says of each place whether it is relevant, `total` counts all that are."""
    right = right[:k]
    if not right.any():
        return 0.0
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    return float(precision[right].sum() / min(k, total))


def retrieval(queries: np.ndarray, gallery: np.ndarray, relevant: np.ndarray) -> dict[str, float]:
    """R@1, R@5, R@10, mAP@10, the median rank of the first relevant item, and what chance gives for each.

    Every query needs at least one relevant item.
    """
    order = ranking(queries @ gallery.T)
    right = np.take_along_axis(relevant, order, 1)
    first, totals = right.argmax(1), relevant.sum(1)
    found = {f"R@{k}": float((first < k).mean()) for k in (1, 5, 10)}
    found["mAP@10"] = float(np.mean([average_precision(row, int(n)) for row, n in zip(right, totals)]))
    found["median"] = float(np.median(first) + 1)
    return found | {f"chance {k}": v for k, v in chance(len(gallery), totals).items()}


def chance(size: int, totals: np.ndarray) -> dict[str, float]:
    """The expected scores of a gallery in random order, where a query has `totals` relevant items."""
    counts, weights = np.unique(totals, return_counts=True)
    missed = {int(n): [comb(size - k, int(n)) / comb(size, int(n)) for k in range(size + 1)] for n in counts}
    mean = lambda values: float(np.average(values, weights=weights))  # noqa: E731
    out = {f"R@{k}": mean([1 - missed[int(n)][min(k, size)] for n in counts]) for k in (1, 5, 10)}
    out["mAP@10"] = mean([_chance_ap(int(n), size) for n in counts])
    beyond = np.average([missed[int(n)] for n in counts], axis=0, weights=weights)
    out["median"] = float(np.argmax(beyond <= 0.5))
    return out


def _chance_ap(n: int, size: int, k: int = 10) -> float:
    """Expected AP@k of n relevant items in random order: place i is one of them, and so are (i - 1) (n - 1) / (size - 1) before it."""
    places = np.arange(1, min(k, size) + 1)
    before = (places - 1) * (n - 1) / max(1, size - 1)
    return float((n / size * (1 + before) / places).sum() / min(k, n))


def accuracy(vectors: np.ndarray, labels: np.ndarray, wanted) -> float:
    """How often the nearest label is the right one."""
    return float(((vectors @ labels.T).argmax(1) == np.asarray(wanted)).mean())


def mean_vectors(vectors: np.ndarray, groups: list, names) -> np.ndarray:
    """The unit mean of the vectors of every group, in the order of `names`."""
    groups = np.asarray(groups)
    return unit(np.stack([vectors[groups == name].mean(0) for name in names]))
