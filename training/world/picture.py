"""Photographs and scans of one mesh; pictures of several and films come from their own modules."""

import numpy as np

from world import studio
from world.camera import EXTENTS, Camera, posed
from world.film import Film
from world.native import render, tones
from world.scene import scene
from world.shapes import Mesh

__all__ = ["Film", "photo", "scan", "scene"]


def photo(mesh: Mesh, kind: str, pixels: int, r: np.random.Generator, size: str | None = None, unseen: bool = False) -> np.ndarray:
    """One picture of the mesh, uint8 [pixels, pixels, 3]; `size` as in the catalogue, any if None; unseen: before an unseen background."""
    low, high = EXTENTS[size or str(r.choice(list(EXTENTS)))]
    vertices = posed(mesh, kind, r)
    camera = Camera(pixels, up=r.uniform(-5, 42), distance=r.uniform(2.4, 5.5))
    camera.frame(vertices, r.uniform(low, high), r)
    shot = studio.lit(pixels, [mesh], r, unseen)
    camera.set(shot)
    parts = [studio.part(mesh, vertices, r)]
    if r.random() < studio.CLUTTER:
        parts += studio.clutter(camera, r)
    if r.random() < studio.OCCLUSION:
        parts.append(studio.occluder(camera, *camera.box(vertices), camera.distance - 1.2, r))
    ground = np.array([0, 0, vertices[:, 2].min() - r.uniform(0, 0.1)])
    shot.shadows[0][:] = studio.shadow(camera, ground, 0.65 * np.ptp(vertices[:, 0]), r.uniform(0, 0.55))
    whole = studio.joined(parts)
    return render(shot, whole.vertices, whole.faces, whole.colours, whole.materials, whole.grain)


def scan(mesh: Mesh, count: int, r: np.random.Generator) -> np.ndarray:
    """`count` points on the surface, uniform by area: float32 [count, 6] of x, y, z, r, g, b (0..1).

    Wood shows its grain in the colours; metal shows what it reflects to a scanner that stands somewhere.
    """
    corners = mesh.vertices[mesh.faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normal, axis=1)
    total = np.cumsum(area)
    face = np.searchsorted(total, r.uniform(0, total[-1], count)).clip(0, len(area) - 1)
    u, v = r.random((2, count, 1)).astype(np.float32)
    fold = u + v > 1
    u, v = np.where(fold, 1 - u, u), np.where(fold, 1 - v, v)
    a, b, c = (corners[face, i] for i in range(3))
    points, colours = a + u * (b - a) + v * (c - a), mesh.colours[face]
    if mesh.materials.any():
        around, up = r.uniform(0, 2 * np.pi), r.uniform(-0.2, 0.9)
        eye = np.array([np.cos(around), np.sin(around), up]) / np.hypot(1, up)
        normal = normal[face] / np.maximum(area[face], 1e-12)[:, None]
        heights = 2 * (normal @ eye) * normal[:, 2] - eye[2]
        factors = tones(studio.grained(points, r), mesh.materials[face], heights, r.uniform(4.5, 7), r.uniform(0, 2 * np.pi))
        colours = np.clip(colours * factors[:, None], 0, 1)
    return np.concatenate([points, colours], 1).astype(np.float32)
