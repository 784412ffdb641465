"""Where the camera stands, and how a thing is put before it.

World axes are the viewer's: x to the right, y away, z up; the camera looks along y, a little down. Camera axes: x right, y down, z forward.
"""

from dataclasses import dataclass

import numpy as np

from world.catalogue import BY_NAME
from world.native import Shot
from world.shapes import Mesh, turn

EXTENTS = {"small": (0.42, 0.55), "medium": (0.62, 0.74), "big": (0.84, 1.0)}  # of the thing's longer side in the frame
UPRIGHT = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


@dataclass
class Camera:
    """Looks at the world's origin from `distance`, `up` degrees above the horizon, into a square of `pixels`."""

    pixels: int
    up: float
    distance: float
    focal: float = 1.0
    centre: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self):
        self.rotation = UPRIGHT @ turn("x", self.up)

    def view(self, vertices: np.ndarray) -> np.ndarray:
        """Camera coordinates [V, 3] of world points."""
        return vertices @ self.rotation.T + (0, 0, self.distance)

    def project(self, vertices: np.ndarray) -> np.ndarray:
        """Pixels [V, 2] of world points."""
        view = self.view(vertices)
        return self.centre + self.focal * view[:, :2] / view[:, 2:]

    def box(self, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(left and top, right and bottom) of the projected points."""
        points = self.project(vertices)
        return points.min(0), points.max(0)

    def unit(self, depth: float | None = None) -> float:
        """How much of the world the frame's side shows at this depth."""
        return self.pixels * (depth or self.distance) / self.focal

    def at(self, view: np.ndarray) -> np.ndarray:
        """World points of camera coordinates [..., 3]."""
        return (view - (0, 0, self.distance)) @ self.rotation

    def behind(self, x: float, y: float, depth: float) -> np.ndarray:
        """Camera coordinates [3] of what shows at (x, y) of the frame (0..1 from the left and top) at this depth."""
        return np.array([*((np.array([x, y]) * self.pixels - self.centre) / self.focal * depth), depth])

    def frame(self, vertices: np.ndarray, extent: float, r: np.random.Generator, freedom: float = 1.0):
        """Zooms and shifts until the points' longer side is `extent` of the frame's; `freedom`: how far they may stand off the middle."""
        self.focal, self.centre = 1.0, (0.0, 0.0)
        low, high = self.box(vertices)
        self.focal = extent * self.pixels / (high - low).max()
        slack = self.pixels - self.focal * (high - low)
        self.centre = self.pixels / 2 + freedom * r.uniform(-0.4, 0.4, 2) * slack - self.focal * (low + high) / 2

    def set(self, shot: Shot):
        shot.rotation[:] = self.rotation.ravel()
        shot.shift[:] = [0, 0, self.distance]
        shot.focal, (shot.centre_x, shot.centre_y) = self.focal, self.centre


def posed(mesh: Mesh, kind: str, r: np.random.Generator, lean: float = 9) -> np.ndarray:
    """The mesh's vertices [V, 3], turned to a side from which a photographer would show the kind."""
    known = BY_NAME[kind]
    around = r.uniform(-50, 50) + 180 * r.integers(2) * known.flat if known.flat or known.fronted else r.uniform(0, 360)
    return mesh.vertices @ (turn("y", r.uniform(-lean, lean)) @ turn("z", around)).T


def height_at(vertices: np.ndarray, faces: np.ndarray, x: float, y: float) -> float:
    """The height of the mesh's surface above the point (x, y); that of its highest vertex where there is none."""
    corners = vertices[faces]
    (ax, ay), (bx, by), (cx, cy) = ((corners[:, i, 0] - x, corners[:, i, 1] - y) for i in range(3))
    u, v, w = bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx
    area = u + v + w
    inside = (np.abs(area) > 1e-9) & (u * area >= 0) & (v * area >= 0) & (w * area >= 0)
    if not inside.any():
        return float(vertices[:, 2].max())
    weights = np.stack([u, v, w], 1)[inside] / area[inside, None]
    return float((weights * corners[inside, :, 2]).sum(1).max())
