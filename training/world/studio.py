"""What is around the things: light, background, shadows, and the grey odds and ends that stand about."""

from dataclasses import dataclass

import numpy as np

from world.camera import Camera
from world.native import Shot
from world.shapes import Mesh, ball, box, turn

# in the order of the enumeration in raster.c, with how often each is drawn
BACKGROUNDS = {
    "gradient": 0.14, "plain": 0.16, "checker": 0.07, "stripes": 0.07, "clouds": 0.14, "bricks": 0.1, "grass": 0.12, "spots": 0.08, "window": 0.12,
}  # fmt: skip
UNSEEN_BACKGROUNDS = ("rings", "cobbles", "zigzag")  # never behind anything that is trained on
PATTERNS = (*BACKGROUNDS, *UNSEEN_BACKGROUNDS)
CLUTTER, OCCLUSION = 0.25, 0.15  # how often


@dataclass
class Part:
    """Something to render: a mesh's faces, with its vertices where they stand and in the axes of the wood's grain."""

    vertices: np.ndarray
    grain: np.ndarray
    faces: np.ndarray
    colours: np.ndarray
    materials: np.ndarray


def part(mesh: Mesh, vertices: np.ndarray, r: np.random.Generator) -> Part:
    return Part(vertices, grained(mesh.vertices, r), mesh.faces, mesh.colours, mesh.materials)


def grained(vertices: np.ndarray, r: np.random.Generator) -> np.ndarray:
    """The mesh cut from a random place of a trunk: the trunk's axis is the grain's z."""
    lie = turn("y", r.choice([0, 90]) + r.uniform(-25, 25)) @ turn("z", r.uniform(0, 360))
    return r.uniform(0.85, 1.25) * (vertices @ lie.T) + (r.uniform(0.3, 1.2), 0, r.uniform(0, 50))


def joined(parts: list[Part]) -> Part:
    starts = np.cumsum([0] + [len(p.vertices) for p in parts])
    faces = [p.faces + start for p, start in zip(parts, starts)]
    columns = ([getattr(p, name) for p in parts] for name in ("vertices", "grain", "colours", "materials"))
    vertices, grain, colours, materials = (np.concatenate(column) for column in columns)
    return Part(vertices, grain, np.concatenate(faces), colours, materials)


def _surfaces(r: np.random.Generator, things: np.ndarray) -> np.ndarray:
    """Three colours [3, 3] for the wall and the floor, as a rule unlike those of the things [N, 3]."""
    for _ in range(5):
        tint = r.uniform(-0.2, 0.2, (3, 3)) * r.uniform(0.2, 1.2)
        colours = np.clip(r.uniform(0.15, 0.95, 3)[:, None] + tint, 0.02, 1)
        if np.abs(colours[:, None] - things).sum(2).min() > 0.45:
            break
    return colours


def lit(pixels: int, things: list[Mesh], r: np.random.Generator, unseen: bool = False) -> Shot:
    """Random light and background for these things; the camera is still to be set."""
    s = Shot(width=pixels, height=pixels, seed=int(r.integers(2**32)), noise=int(r.integers(2**32)))
    name = str(r.choice(UNSEEN_BACKGROUNDS) if unseen else r.choice(list(BACKGROUNDS), p=list(BACKGROUNDS.values())))
    s.pattern = PATTERNS.index(name)
    light = np.array([r.uniform(-0.9, 0.9), r.uniform(-1.0, -0.25), r.uniform(-1.0, -0.35)])
    s.light[:] = light / np.linalg.norm(light)
    s.ambient, s.gloss = r.uniform(0.45, 0.68), r.uniform(0.1, 0.4)
    s.bands, s.phase = r.uniform(4.5, 7), r.uniform(0, 2 * np.pi)
    s.near_colour[:], s.far_colour[:], s.floor_colour[:] = _surfaces(r, np.array([mesh.colours.mean(0) for mesh in things]))
    s.scale, s.angle, s.grain = r.uniform(2, 8), r.uniform(0, np.pi), r.uniform(0, 0.06)
    s.horizon = r.uniform(0.45, 0.8) if r.random() < (0.8 if name == "plain" else 0.4) else 2
    return s


def shadow(camera: Camera, ground: np.ndarray, reach: float, strength: float) -> list[float]:
    """An ellipse for `Shot.shadows` about a point on the ground; `reach` in units of the world."""
    x, y = camera.project(ground[None])[0]
    radius = camera.focal / camera.view(ground[None])[0, 2] * reach
    return [x, y, radius, radius * max(0.16, np.sin(np.radians(camera.up))), strength]


def _muted(r) -> np.ndarray:
    """Greys and greyish browns."""
    return np.clip(r.uniform(0.2, 0.75) + r.uniform(0, 0.07) * np.array([1, 0.1, -1]), 0, 1)


def _prop(shape, view: np.ndarray, camera: Camera, r) -> Part:
    """A muted part from a shape whose vertices stand at `view` in camera axes."""
    vertices, faces = camera.at(view), shape[1]
    return Part(vertices, vertices, faces, np.broadcast_to(_muted(r), (len(faces), 3)), np.zeros(len(faces), np.uint8))


def clutter(camera: Camera, r: np.random.Generator) -> list[Part]:
    """One to three small boxes and balls behind the things, most of them near an edge."""
    props = []
    for _ in range(r.integers(1, 4)):
        x, y = r.uniform(0, 0.14) if r.random() < 0.5 else r.uniform(0.86, 1), r.uniform(0.3, 1)
        if r.random() < 0.3:
            x, y = r.uniform(0, 1), r.uniform(0.45, 1)
        depth = camera.distance + r.uniform(1.2, 2)
        size = r.uniform(0.05, 0.11) * camera.unit(depth)
        shape = ball(size, segments=10, rows=6) if r.random() < 0.4 else box(*(size * r.uniform(1, 2.2, 3)))
        standing = shape[0] @ (camera.rotation @ turn("z", r.uniform(0, 90))).T
        props.append(_prop(shape, standing + camera.behind(x, y, depth), camera, r))
    return props


def occluder(camera: Camera, low: np.ndarray, high: np.ndarray, depth: float, r: np.random.Generator) -> Part:
    """A post, a rail or a box at `depth` before the thing whose projection is the box low..high: it hides a fifth of it at most."""
    unit = camera.unit(depth) / camera.pixels
    wide, tall = high - low
    (x, y), side = low + r.uniform(0.15, 0.85, 2) * (high - low), r.uniform(0.07, 0.15)
    form, slant = r.integers(3), r.uniform(-20, 20)
    if form == 0:
        shape = box(max(2, side * wide), 3 * camera.pixels, 1)
    elif form == 1:
        shape = box(3 * camera.pixels, max(2, side * tall), 1)
    else:
        across, height, slant = r.uniform(0.35, 0.6) * wide, r.uniform(0.18, 0.28) * tall, 0
        shape = box(across, 2 * height, 1)
        x, y = r.choice([low[0] + across / 3, high[0] - across / 3]), high[1]
    standing = shape[0] @ turn("z", slant).T * unit
    return _prop(shape, standing + camera.behind(x / camera.pixels, y / camera.pixels, depth), camera, r)
