"""Triangle meshes from a few primitives. Units are arbitrary, z is up."""

from dataclasses import dataclass, field
from functools import cache

import numpy as np

DARK = (0.13, 0.13, 0.15)
LIGHT = (0.86, 0.86, 0.84)
STEEL = (0.58, 0.60, 0.64)
WOOD = (0.50, 0.36, 0.22)
BEAK = (0.92, 0.62, 0.15)
GLASS = (0.62, 0.74, 0.82)

MATERIALS = ("plastic", "metal", "wooden")

CORNERS = np.array([[i, j, k] for i in (-0.5, 0.5) for j in (-0.5, 0.5) for k in (-0.5, 0.5)])  # of the unit box
QUADS = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
SIDES = np.array([t for a, b, c, d in QUADS for t in ((a, b, c), (a, c, d))])


@dataclass
class Mesh:
    """Vertices f32 [V, 3], triangles i32 [F, 3], and for each triangle an RGB (0..1) f32 [F, 3] and an index into MATERIALS u8 [F]."""

    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray
    materials: np.ndarray

    def fitted(self) -> "Mesh":
        """Centred on its bounding box and scaled so that the farthest vertex is at distance 1."""
        low, high = self.vertices.min(0), self.vertices.max(0)
        moved = self.vertices - (low + high) / 2
        moved /= np.linalg.norm(moved, axis=1).max()
        return Mesh(moved.astype(np.float32), self.faces, self.colours, self.materials)


@dataclass
class Builder:
    """Collects coloured parts; `body` and `material` are what the caption names."""

    body: tuple
    material: str = "plastic"
    parts: list = field(default_factory=list)

    @property
    def dark(self) -> tuple:
        """A dark accent that stands out from the body."""
        return DARK if max(self.body) > 0.3 else STEEL

    @property
    def light(self) -> tuple:
        """A light accent that stands out from the body."""
        return LIGHT if min(self.body) < 0.7 else STEEL

    def add(self, shape, colour=None, at=(0, 0, 0), turn=None):
        """Adds `shape` = (vertices, faces), rotated by the matrix `turn`, moved to `at`.

        Without a `colour` it is part of the body; accents are always plastic.
        """
        vertices, faces = shape
        if turn is not None:
            vertices = vertices @ turn.T
        material = 0 if colour is not None else MATERIALS.index(self.material)
        self.parts.append((vertices + np.asarray(at), faces, self.body if colour is None else colour, material))

    def mesh(self) -> Mesh:
        offset, vertices, faces, colours, materials = 0, [], [], [], []
        for v, f, colour, material in self.parts:
            vertices.append(v)
            faces.append(f + offset)
            colours.append(np.broadcast_to(np.asarray(colour, np.float32), (len(f), 3)))
            materials.append(np.full(len(f), material, np.uint8))
            offset += len(v)
        joined = (np.concatenate(part) for part in (vertices, faces, colours, materials))
        vertices, faces, colours, materials = joined
        return Mesh(vertices, faces.astype(np.int32), colours, materials).fitted()


def turn(axis: str, degrees: float) -> np.ndarray:
    """Rotation matrix about `axis` (x, y or z)."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    if axis == "x":
        return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    if axis == "y":
        return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def box(x, y, z):
    """A box of the given sizes around the origin."""
    return CORNERS * (x, y, z), SIDES


def lathe(profile, segments=14):
    """The surface that the polyline `profile` of (radius, z) sweeps about the z axis."""
    profile = np.asarray(profile, float)
    vertices = np.empty((len(profile), segments, 3))
    vertices[:, :, :2] = profile[:, :1, None] * _ring(segments)
    vertices[:, :, 2] = profile[:, 1:]
    return vertices.reshape(-1, 3), _rows(segments, tuple(profile[:, 0] < 1e-9))


@cache
def _rows(segments, tips):
    """Triangles between the rings of a lathe; a ring whose entry in `tips` is true is a point, and needs no triangles of its own."""
    i = np.arange(segments)
    j = (i + 1) % segments
    faces = []
    for row in range(len(tips) - 1):
        a, b = row * segments, (row + 1) * segments
        faces += [] if tips[row] else [np.stack([a + i, a + j, b + j], 1)]
        faces += [] if tips[row + 1] else [np.stack([a + i, b + j, b + i], 1)]
    return np.concatenate(faces)


def cylinder(radius, height, top=None, segments=14):
    """A closed cylinder, or a cone frustum when `top` differs, standing on z = 0."""
    top = radius if top is None else top
    return lathe([(0, 0), (radius, 0), (top, height), (0, height)], segments)


@cache
def _unit_ball(segments, rows):
    angles = np.linspace(-np.pi / 2, np.pi / 2, rows)
    return lathe(np.stack([np.cos(angles), np.sin(angles)], 1), segments)


@cache
def _ring(segments):
    """Points on the unit circle [segments, 2]."""
    angles = np.arange(segments) * 2 * np.pi / segments
    return np.stack([np.cos(angles), np.sin(angles)], 1)


def ball(rx, ry=None, rz=None, segments=12, rows=7):
    """An ellipsoid around the origin."""
    vertices, faces = _unit_ball(segments, rows)
    return vertices * (rx, rx if ry is None else ry, rx if rz is None else rz), faces


def rod(start, end, radius, end_radius=None, segments=8):
    """A closed cylinder between two points."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    length = np.linalg.norm(end - start)
    axis = (end - start) / length
    helper = np.array([1.0, 0, 0]) if abs(axis[0]) < 0.8 else np.array([0, 1.0, 0])
    u = np.cross(axis, helper)
    u /= np.linalg.norm(u)
    frame = np.stack([u, np.cross(axis, u), axis], 1)
    vertices, faces = cylinder(radius, length, end_radius, segments)
    return vertices @ frame.T + start, faces


def arc(radius, thickness, start=0.0, stop=360.0, segments=16, sides=6):
    """A bent tube in the xz plane from angle `start` to `stop` (degrees, 0 = +x, 90 = +z)."""
    angles = np.radians(np.linspace(start, stop, segments + 1))
    around = np.arange(sides) * 2 * np.pi / sides
    reach = radius + thickness * np.cos(around)
    vertices = np.stack(
        [np.outer(np.cos(angles), reach), np.tile(thickness * np.sin(around), (segments + 1, 1)), np.outer(np.sin(angles), reach)], -1
    ).reshape(-1, 3)
    return vertices, _rows(sides, (False,) * (segments + 1))


def slab(outline, depth):
    """The star-shaped polygon `outline` of (x, z) points, extruded along y."""
    outline = np.asarray(outline, float)
    n = len(outline)
    centre = outline.mean(0)
    rings = [np.stack([outline[:, 0], np.full(n, y), outline[:, 1]], 1) for y in (-depth / 2, depth / 2)]
    hubs = [[centre[0], y, centre[1]] for y in (-depth / 2, depth / 2)]
    return np.concatenate([*rings, np.array(hubs)]), _prism(n)


@cache
def _prism(n):
    """Triangles of a slab of `n` corners."""
    i = np.arange(n)
    j = (i + 1) % n
    hub = np.full(n, 2 * n)
    faces = [np.stack([hub, i, j], 1), np.stack([hub + 1, n + i, n + j], 1), np.stack([i, j, n + j], 1), np.stack([i, n + j, n + i], 1)]
    return np.concatenate(faces)
