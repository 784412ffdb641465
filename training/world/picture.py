"""Photographs and short films of a mesh: camera, light, background, motion."""

import numpy as np

from world.catalogue import BY_NAME
from world.native import Scene, render
from world.shapes import Mesh, turn


def _scene(kind: str, size: int, r: np.random.Generator, roomy: float = 1.0) -> tuple[Scene, np.ndarray]:
    """A camera looking at the origin with random light and background; also the world -> camera rotation."""
    known = BY_NAME[kind]
    around = r.uniform(-50, 50) + 180 * r.integers(2) * known.flat if known.flat or known.fronted else r.uniform(0, 360)
    up = r.uniform(-5, 42)
    look = turn("x", up) @ turn("z", around)  # the camera sits on -y
    rotation = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]) @ look
    fov = np.radians(r.uniform(28, 50))
    distance = roomy * r.uniform(0.98, 1.4) / np.sin(fov / 2)
    s = Scene(width=size, height=size, pattern=int(r.choice(5, p=[0.2, 0.35, 0.1, 0.1, 0.25])), seed=int(r.integers(2**32)))
    s.rotation[:] = rotation.ravel()
    s.shift[:] = [*(r.uniform(-0.12, 0.12, 2)), distance]
    s.focal = size / 2 / np.tan(fov / 2)
    s.centre_x = s.centre_y = size / 2
    light = np.array([r.uniform(-0.9, 0.9), r.uniform(-1.0, -0.25), r.uniform(-1.0, -0.35)])
    s.light[:] = light / np.linalg.norm(light)
    s.ambient, s.gloss = r.uniform(0.45, 0.68), r.uniform(0, 0.28)
    grey = r.uniform(0.15, 0.95, 2)
    tint = r.uniform(-0.2, 0.2, (2, 3)) * r.uniform(0.2, 1.2)
    s.near_colour[:], s.far_colour[:] = np.clip(grey[:, None] + tint, 0.02, 1)
    s.scale, s.angle, s.horizon, s.grain = r.uniform(2, 8), r.uniform(0, np.pi), r.uniform(0.45, 0.8), r.uniform(0, 0.06)
    reach = s.focal / distance
    s.shadow[:] = [size / 2 + s.shift[0] * reach, size / 2 + reach * r.uniform(0.75, 0.95), reach * 0.8, reach * r.uniform(0.12, 0.3), r.uniform(0, 0.55)]
    return s, rotation


def photo(mesh: Mesh, kind: str, size: int, r: np.random.Generator) -> np.ndarray:
    """One picture of the mesh, uint8 [size, size, 3]."""
    scene, _ = _scene(kind, size, r)
    lean = turn("y", r.uniform(-9, 9))
    return render(scene, mesh.vertices @ lean.T, mesh.faces, mesh.colours)


class Motion:
    """A rigid motion over the time 0..1; knows nothing of pixels."""

    def __init__(self, name: str, r: np.random.Generator):
        self.name, self.phase = name, r.uniform(0, 1)
        self.sign = r.choice([-1, 1])
        self.amount, self.cycles = r.uniform(0.7, 1.0), r.uniform(1.0, 2.0)

    def at(self, t: float) -> tuple[np.ndarray, np.ndarray, float]:
        """(rotation, shift in camera axes, scale) at time t."""
        still, none = np.eye(3), np.zeros(3)
        wave = np.sin(2 * np.pi * (self.cycles * t + self.phase))
        if self.name == "spinning":
            return turn("z", self.sign * 360 * t * (0.5 + 0.5 * self.cycles)), none, 0.95
        if self.name == "bouncing":
            return still, np.array([0, 0.45 - 0.95 * self.amount * abs(np.sin(np.pi * (1.2 * self.cycles * t + self.phase))), 0]), 0.8
        if self.name == "sliding":
            return still, np.array([self.sign * 0.8 * self.amount * (2 * t - 1), 0, 0]), 0.8
        if self.name == "rocking":
            return turn("y", 32 * self.amount * wave), none, 0.92
        return still, none, 0.35 + 0.7 * self.amount * t  # growing


class Film:
    """A short film of one mesh: ask for the frame at any time 0..1."""

    def __init__(self, mesh: Mesh, kind: str, motion: str, size: int, r: np.random.Generator):
        self.mesh, self.motion = mesh, Motion(motion, r)
        self.scene, self.rotation = _scene(kind, size, r, roomy=1.12)
        self.scene.shadow[4] *= motion in ("spinning", "rocking")
        self.shift = np.array(self.scene.shift[:])

    def frame(self, t: float) -> np.ndarray:
        """uint8 [size, size, 3]."""
        rotation, shift, scale = self.motion.at(t)
        self.scene.shift[:] = self.shift + shift
        return render(self.scene, self.mesh.vertices @ (rotation.T * scale), self.mesh.faces, self.mesh.colours)


def scan(mesh: Mesh, count: int, r: np.random.Generator) -> np.ndarray:
    """`count` points on the surface, uniform by area: float32 [count, 6] of x, y, z, r, g, b (0..1)."""
    corners = mesh.vertices[mesh.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    total = np.cumsum(area)
    face = np.searchsorted(total, r.uniform(0, total[-1], count)).clip(0, len(area) - 1)
    u, v = r.random((2, count, 1)).astype(np.float32)
    fold = u + v > 1
    u, v = np.where(fold, 1 - u, u), np.where(fold, 1 - v, v)
    a, b, c = (corners[face, i] for i in range(3))
    return np.concatenate([a + u * (b - a) + v * (c - a), mesh.colours[face]], 1).astype(np.float32)
