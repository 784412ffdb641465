"""Point clouds for the reference pipelines, in NumPy: thinned, brought to the unit sphere, farthest points,
neighbours."""

import numpy as np

from . import media

# pointnet2's CUDA sampling passes over points whose squared norm is up to this.
SKIP = np.float32(1e-3)


def cloud(data: bytes, count: int, colour_default: float) -> np.ndarray:
    """float32 [count, 6]: points floor(k·N/count) of a larger cloud, a smaller one repeated; then centred, the farthest
    at 1."""
    points = media.points(data, colour_default)
    kept = min(count, len(points))
    points = points[np.arange(kept) * len(points) // kept].astype(np.float64)
    points[:, :3] -= points[:, :3].mean(0)
    points[:, :3] /= np.sqrt((points[:, :3] ** 2).sum(1)).max() or 1.0
    return points[np.arange(count) % kept].astype(np.float32)


def farthest(places: np.ndarray, count: int) -> np.ndarray:
    """Indices of `count` of float32 [N, 3]: the first point, then always the one farthest from all chosen; of several
    the first."""
    reach = np.where(_norm2(places) > SKIP, np.float32(np.inf), np.float32(-np.inf))
    chosen = np.zeros(count, np.int64)
    for i in range(1, count):
        distance = _norm2(places - places[chosen[i - 1]])
        reach = np.where(np.isneginf(reach), reach, np.minimum(reach, distance))
        chosen[i] = int(reach.argmax())
    return chosen


def _norm2(places: np.ndarray) -> np.ndarray:
    """Squared norms in float32, in the order in which CUDA adds."""
    x, y, z = places.T
    return x * x + y * y + z * z


def groups(points: np.ndarray, centres: int, neighbours: int) -> tuple[np.ndarray, np.ndarray]:
    """float32 [centres, neighbours, width] with places relative to their centre, and [centres, 3], of [N, width]."""
    places = points[:, :3]
    middle = places[farthest(places, centres)]
    near = np.stack([np.argsort(_norm2(places - c), kind="stable")[:neighbours] for c in middle])
    found = points[near]
    found[:, :, :3] -= middle[:, None]
    return found, middle


def table(count: int, centres: int, neighbours: int, layout: str) -> dict:
    """[towers.point_cloud.preprocess] of the above."""
    sampling = {
        "points": count,
        "presample": count,
        "subsample": "stride",
        "normalise": "unit-sphere",
        "layout": layout,
    }
    grouping = {"centres": centres, "neighbours": neighbours, "kind": "knn", "relative": True}
    fps = {"start": "first", "skip_norm2": 1e-3}
    return sampling | {"colour_default": 0.4, "fps": fps, "grouping": grouping, "emit": ["groups", "centres"]}


RULE = (
    "of a larger cloud the points floor(k·N/{count}), a smaller one repeated in order, then centred and scaled (the "
    "reference draws {count} points "
    "at random); grouping as pointnet2 does it in CUDA: centres from point 0 on, points of squared norm up to 1e-3 "
    "passed over"
)
