"""Pictures of point clouds and meshes from around them: what `encoders/pointcloud/src/views` is held to, in NumPy.

The steps and their reasons are described there; this is the same arithmetic, written for clarity.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Up = Literal["auto", "x", "y", "z"]

FINENESS = 2
LEAST_EXTENT = 0.02
LEAST_RADIUS = 0.8
ROUNDED = 0.766
AMBIENT, OF_SKY = 0.12, 0.4
LAMP = np.array([-0.5, 0.6, 0.62]) / np.linalg.norm([-0.5, 0.6, 0.62])
NEIGHBOUR, SHARE, PROBES, RADII, REACH = 6, 0.75, 64, (0.004, 0.05), 2.1
# Which of the file's axes are x, y and z of a world whose z points up.
WORLDS = {"x": (1, 2, 0), "y": (2, 0, 1), "z": (0, 1, 2)}
# Fragments of triangles or discs that are worked on at once.
CHUNK = 1 << 21


@dataclass(frozen=True)
class Views:
    """The table `[towers.point_cloud.preprocess.views]`, its keys and defaults."""

    count: int = 8
    elevations: tuple[float, ...] = (20.0,)
    up: Up = "auto"
    fill: float = 0.9
    colour: tuple[int, int, int] = (191, 140, 97)
    background: tuple[tuple[int, int, int], tuple[int, int, int]] = ((242, 242, 242), (153, 153, 153))


@dataclass(frozen=True)
class Shape:
    """Places around the middle of their box, the farthest at distance 1; colours, 0 to 1; triangles, if any."""

    places: Floats
    colours: Floats
    triangles: Ints

    @staticmethod
    def of(places: Floats, triangles: Ints | None, colours: Floats | None, colour: tuple[int, int, int]) -> "Shape":
        """A shape of what a file holds; vertices that no face has are left out, and faces without area."""
        places = np.asarray(places, np.float32).astype(np.float64)
        paint = np.broadcast_to(np.asarray(colour) / 255.0, places.shape) if colours is None else np.asarray(colours)
        faces = np.zeros((0, 3), np.int64) if triangles is None else np.asarray(triangles, np.int64)
        faces = faces[np.any(_cross(places, faces) != 0, axis=1)]
        if len(faces):
            order: dict[int, int] = {}
            for corner in faces.ravel():
                order.setdefault(int(corner), len(order))
            kept = np.fromiter(order, np.int64)
            faces = np.array([order[int(corner)] for corner in faces.ravel()]).reshape(-1, 3)
            places, paint = places[kept], paint[kept]
        places = places - (places.min(0) + places.max(0)) / 2
        return Shape(places / np.linalg.norm(places, axis=1).max(), paint.astype(np.float64), faces)


@dataclass(frozen=True)
class _Frame:
    """What is drawn: the nearest depth at each pixel, and the number of what lies there, -1 for nothing."""

    depth: NDArray[np.float32]
    number: Ints


def pictures(shape: Shape, views: Views, size: tuple[int, int]) -> Bytes:
    """RGB of every side from which anything is seen: `[sides, down, across, 3]`; `size` is across, down."""
    ups = ("y", "z") if views.up == "auto" else (views.up,)
    canvas = (size[0] * FINENESS, size[1] * FINENESS)
    made = []
    for elevation in views.elevations:
        for number in range(views.count):
            up = ups[number % len(ups)]
            axes = camera(360.0 * number / views.count, elevation)
            spots, scale = project(shape.places[:, WORLDS[up]] @ axes.T, canvas, views.fill)
            if len(shape.triangles):
                seen = _faces(shape, up, axes, spots, canvas)
            else:
                seen = _discs(shape, up, axes, spots, scale, canvas)
            if seen is not None:
                made.append(_lit(*seen, axes[:, 2], views, canvas))
    return np.array(made, np.uint8).reshape(-1, size[1], size[0], 3)


def camera(azimuth: float, elevation: float) -> Floats:
    """Directions to the right, upwards and towards the eye, in a world whose z points up."""
    a, e = np.radians(azimuth), np.radians(elevation)
    right = [-np.sin(a), np.cos(a), 0.0]
    upwards = [-np.sin(e) * np.cos(a), -np.sin(e) * np.sin(a), np.cos(e)]
    return np.array([right, upwards, [np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)]])


def project(seen: Floats, canvas: tuple[int, int], fill: float) -> tuple[Floats, float]:
    """Where places fall, pixels from the left, from above and from the eye; and how many pixels a length of 1 has."""
    low, high = seen.min(0), seen.max(0)
    extent = np.maximum(high - low, LEAST_EXTENT)[:2]
    scale = fill * min(canvas[0] / extent[0], canvas[1] / extent[1])
    middle = (low + high) / 2
    x = (seen[:, 0] - middle[0]) * scale + canvas[0] / 2
    y = canvas[1] / 2 - (seen[:, 1] - middle[1]) * scale
    return np.stack([x, y, -seen[:, 2] * scale], 1), float(scale)


def normals_of_points(places: Floats, reach: float) -> Floats:
    """The direction in which the places within `reach` of each spread least, by least squares; zero on a line."""
    out = np.zeros_like(places)
    for number, place in enumerate(places):
        near = places[((places - place) ** 2).sum(1) <= reach * reach]
        d = near - near.mean(0)
        (xx, xy, xz), (_, yy, yz), (_, _, zz) = d.T @ d
        determinants = np.array([yy * zz - yz * yz, xx * zz - xz * xz, xx * yy - xy * xy])
        if determinants.max() <= 1e-9 * (xx + yy + zz) ** 2:
            continue
        best = int(determinants.argmax())
        normal = [
            [determinants[0], xz * yz - xy * zz, xy * yz - xz * yy],
            [xz * yz - xy * zz, determinants[1], xy * xz - yz * xx],
            [xy * yz - xz * yy, xy * xz - yz * xx, determinants[2]],
        ][best]
        out[number] = _unit(np.array(normal))
    return out


def radius_of_discs(places: Floats) -> float:
    """Three quarters of the median distance to the sixth neighbour."""
    probes = places[:: max(1, -(-len(places) // PROBES))]
    distances = np.sort(((probes[:, None] - places[None]) ** 2).sum(2), axis=1)[:, : NEIGHBOUR + 1]
    median = np.sort(np.sqrt(distances[:, -1]))[len(probes) // 2]
    return float(np.clip(SHARE * median, *RADII))


def _cross(places: Floats, triangles: Ints) -> Floats:
    a, b, c = (places[triangles[:, corner]] for corner in range(3))
    return np.cross(b - a, c - a)


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Floats = np.divide(vectors, length, out=vectors.copy(), where=length > 0)
    return scaled


def _expand(low: Floats, high: Floats, canvas: tuple[int, int]) -> list[tuple[Ints, Ints, Ints]]:
    """Numbers, columns and rows of all pixels whose middles lie in each box, in chunks, in order."""
    sides = np.array(canvas)
    first = np.maximum(np.ceil(low - 0.5), 0).astype(np.int64)
    last = np.minimum(np.floor(high - 0.5), sides - 1).astype(np.int64)
    counts = np.maximum(last - first + 1, 0)
    areas = counts.prod(1)
    cuts = np.searchsorted(areas.cumsum(), np.arange(CHUNK, areas.sum() + CHUNK, CHUNK))
    chunks = []
    for numbers in np.split(np.arange(len(areas)), np.unique(cuts)):
        owner = np.repeat(numbers, areas[numbers])
        step = np.arange(len(owner)) - np.repeat(areas[numbers].cumsum() - areas[numbers], areas[numbers])
        across = np.maximum(counts[owner, 0], 1)
        chunks.append((owner, first[owner, 0] + step % across, first[owner, 1] + step // across))
    return chunks


def _keep_nearest(frame: _Frame, place: Ints, depth: NDArray[np.float32], owner: Ints) -> None:
    order = np.lexsort((owner, depth, place))
    place, depth, owner = place[order], depth[order], owner[order]
    first = np.ones(len(place), bool)
    first[1:] = place[1:] != place[:-1]
    place, depth, owner = place[first], depth[first], owner[first]
    nearer = depth < frame.depth[place]
    frame.depth[place[nearer]], frame.number[place[nearer]] = depth[nearer], owner[nearer]


def _empty(canvas: tuple[int, int]) -> _Frame:
    area = canvas[0] * canvas[1]
    return _Frame(np.full(area, np.inf, np.float32), np.full(area, -1, np.int64))


def _weights(corners: Floats, x: Floats, y: Floats) -> Floats:
    """Barycentric coordinates of places in triangles of spots `[n, 3, 3]`."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
        second = ((x - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (y - a[:, 1])) / area
        third = ((b[:, 0] - a[:, 0]) * (y - a[:, 1]) - (x - a[:, 0]) * (b[:, 1] - a[:, 1])) / area
    return np.stack([1.0 - second - third, second, third], 1)


Seen = tuple[Ints, Floats, Floats]


def _faces(shape: Shape, up: str, axes: Floats, spots: Floats, canvas: tuple[int, int]) -> Seen | None:
    """The pixels that show a face, the normals there as they are seen, and the colours."""
    frame = _empty(canvas)
    corners = spots[shape.triangles]
    for owner, x, y in _expand(corners.min(1)[:, :2], corners.max(1)[:, :2], canvas):
        weights = _weights(corners[owner], x + 0.5, y + 0.5)
        inside = np.all(weights >= 0, axis=1)
        owner, weights = owner[inside], weights[inside]
        depth = (weights * corners[owner, :, 2]).sum(1).astype(np.float32)
        _keep_nearest(frame, (y * canvas[0] + x)[inside], depth, owner)
    place = np.flatnonzero(frame.number >= 0)
    if not len(place):
        return None
    owner = frame.number[place]
    face_sums = _cross(shape.places, shape.triangles)
    _, same = np.unique(shape.places + 0.0, axis=0, return_inverse=True)
    same = same.ravel()
    sums = np.zeros((same.max() + 1, 3))
    for corner in range(3):
        np.add.at(sums, same[shape.triangles[:, corner]], face_sums)
    world = WORLDS[up]
    face = (_unit(face_sums)[:, world] @ axes.T)[owner]
    face = np.where(face[:, 2:] < 0, -face, face)
    own = (_unit(sums)[same][:, world] @ axes.T)[shape.triangles[owner]]
    lean = (own * face[:, None]).sum(2, keepdims=True)
    own = np.where(np.abs(lean) < ROUNDED, face[:, None], own * np.sign(lean))
    weights = _weights(corners[owner], place % canvas[0] + 0.5, place // canvas[0] + 0.5)[:, :, None]
    return place, _unit((weights * own).sum(1)), (weights * shape.colours[shape.triangles[owner]]).sum(1)


def _discs(shape: Shape, up: str, axes: Floats, spots: Floats, scale: float, canvas: tuple[int, int]) -> Seen | None:
    """The pixels that show a point's disc, the normals there as they are seen, and the colours."""
    size = radius_of_discs(shape.places)
    radius = max(size * scale, LEAST_RADIUS)
    frame = _empty(canvas)
    for owner, x, y in _expand(spots[:, :2] - radius, spots[:, :2] + radius, canvas):
        inside = (x + 0.5 - spots[owner, 0]) ** 2 + (y + 0.5 - spots[owner, 1]) ** 2 <= radius * radius
        owner = owner[inside]
        _keep_nearest(frame, (y * canvas[0] + x)[inside], spots[owner, 2].astype(np.float32), owner)
    place = np.flatnonzero(frame.number >= 0)
    if not len(place):
        return None
    normals = normals_of_points(shape.places, REACH * size)[:, WORLDS[up]] @ axes.T
    normals = np.where(normals[:, 2:] < 0, -normals, normals)
    normals[np.all(normals == 0, axis=1)] = [0.0, 0.0, 1.0]
    return place, normals[frame.number[place]], shape.colours[frame.number[place]]


def _lit(place: Ints, normals: Floats, colours: Floats, sky: Floats, views: Views, canvas: tuple[int, int]) -> Bytes:
    """The picture of what is seen, in the light."""
    ambient = AMBIENT * (1.0 - OF_SKY * (0.5 - 0.5 * normals @ sky))
    light = ambient + (1.0 - AMBIENT) * np.maximum(normals @ LAMP, 0.0)
    across, down = canvas[0] // FINENESS, canvas[1] // FINENESS
    top, bottom = np.array(views.background) / 255.0
    share = np.repeat(np.arange(down) / (max(down, 2) - 1), FINENESS * canvas[0])[:, None]
    picture = top + share * (bottom - top)
    picture[place] = np.minimum(colours * light[:, None], 1.0)
    fine = picture.reshape(down, FINENESS, across, FINENESS, 3).mean((1, 3))
    rounded: Bytes = (fine * 255.0 + 0.5).astype(np.uint8)
    return rounded
