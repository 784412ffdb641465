"""Pictures of two or three things, of which the first two stand in a relation."""

import numpy as np

from world import studio
from world.camera import Camera, height_at, posed
from world.native import render
from world.shapes import Mesh

# the largest width and height of a thing, by relation; those of the third thing come last
CELLS = {
    "on": ((1.5, 1.0), (1.5, 1.0), (1.0, 1.2)),
    "under": ((1.5, 1.0), (1.5, 1.0), (1.0, 1.2)),
    "left of": ((1.0, 1.3), (1.0, 1.3), (1.3, 1.15)),
    "in front of": ((0.95, 0.8), (1.25, 1.25), (0.8, 1.0)),
}
ELEVATIONS = {"on": (0, 18), "under": (0, 18), "left of": (5, 30), "in front of": (16, 32)}


def _sized(vertices: np.ndarray, cell: tuple[float, float], r) -> np.ndarray:
    """Scaled into the cell, its foot in the origin."""
    low, high = vertices.min(0), vertices.max(0)
    scale = r.uniform(0.88, 1.0) * min(cell[0] / (high[0] - low[0]), cell[1] / (high[2] - low[2]))
    return (vertices - ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2])) * scale


def arrange(things: list[tuple[Mesh, str]], relation: str, r: np.random.Generator) -> tuple[list[np.ndarray], float]:
    """(vertices [V, 3] of each thing, the camera's elevation): the viewer looks along y, the ground is z = 0."""
    up = r.uniform(*ELEVATIONS[relation])
    first, second, *rest = (_sized(posed(mesh, kind, r, lean=4), cell, r) for (mesh, kind), cell in zip(things, CELLS[relation]))
    side = r.choice([-1, 1])
    (w1, d1, h1), (w2, d2, h2) = np.ptp(first, 0), np.ptp(second, 0)
    if relation == "on":
        x = r.uniform(-0.12, 0.12) * w2
        first += (x, 0, np.clip(height_at(second, things[1][0].faces, x, 0), 0.75 * h2, h2) - 0.01)
    elif relation == "under":
        second += (r.uniform(-0.12, 0.12) * w1, 0, h1 + r.uniform(0.08, 0.25))
    elif relation == "left of":
        gap = r.uniform(0.04, 0.16)
        first += (-w1 / 2 - gap / 2, r.uniform(-0.25, 0.25), 0)
        second += (w2 / 2 + gap / 2, r.uniform(-0.25, 0.25), 0)
    else:
        first += (side * r.uniform(0.2, 0.4) * (w1 + w2) / 2, -(d1 + d2) / 2 - r.uniform(0.05, 0.3), 0)
    if rest:
        third = rest[0]
        w3 = np.ptp(third[:, 0])
        if relation == "left of":  # behind the two, seen above them
            up = r.uniform(28, 38)
            third += (r.uniform(-0.3, 0.3), 1.3 * max(h1, h2) / np.tan(np.radians(up)) + 0.2, 0)
        else:  # beside them, away from what stands in front
            edge = max(w1, w2) / 2 if relation != "in front of" else w2 / 2
            third += (-side * (edge + w3 / 2 + r.uniform(0.08, 0.2)), r.uniform(-0.1, 0.3), 0)
    return [first, second, *rest], up


def aimed(placed: list[np.ndarray], up: float, pixels: int, r: np.random.Generator) -> Camera:
    """A camera whose frame the things fill."""
    everything = np.concatenate(placed)
    middle = (everything.min(0) + everything.max(0)) / 2
    for vertices in placed:
        vertices -= middle
    camera = Camera(pixels, up, distance=r.uniform(4.5, 9))
    camera.frame(everything - middle, r.uniform(0.9, 0.99), r, freedom=0.6)
    return camera


def scene(things: list[tuple[Mesh, str]], relation: str, pixels: int, r: np.random.Generator, unseen: bool = False) -> np.ndarray:
    """A picture of two or three (mesh, kind), uint8 [pixels, pixels, 3]: the first is `relation` the second, as the viewer sees it."""
    placed, up = arrange(things, relation, r)
    camera = aimed(placed, up, pixels, r)
    shot = studio.lit(pixels, [mesh for mesh, _ in things], r, unseen)
    camera.set(shot)
    parts = [studio.part(mesh, vertices, r) for (mesh, _), vertices in zip(things, placed)]
    if r.random() < studio.CLUTTER / 2:
        parts += studio.clutter(camera, r)
    ground, strength = min(vertices[:, 2].min() for vertices in placed), r.uniform(0.1, 0.55)
    standing = [v for v in placed if v[:, 2].min() < ground + 0.02]
    for ellipse, v in zip(shot.shadows, standing):
        foot = np.array([*((v[:, :2].min(0) + v[:, :2].max(0)) / 2), ground])
        ellipse[:] = studio.shadow(camera, foot, 0.65 * np.ptp(v[:, 0]), strength)
    whole = studio.joined(parts)
    return render(shot, whole.vertices, whole.faces, whole.colours, whole.materials, whole.grain)
