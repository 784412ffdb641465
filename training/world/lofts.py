"""Rounded bodies: tubes of changing thickness along a curve, and the cutting of a shape into two colours."""

from functools import cache

import numpy as np


def smooth(rows, steps=3):
    """More points on a soft curve through `rows` [n, any]; `steps` for each stretch between two of them."""
    rows = np.asarray(rows, float)
    before = np.concatenate([2 * rows[:1] - rows[1:2], rows, 2 * rows[-1:] - rows[-2:-1]])
    a, b, c, d = before[:-3, None], before[1:-2, None], before[2:-1, None], before[3:, None]
    t = (np.arange(steps) / steps)[None, :, None]
    curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return np.concatenate([curve.reshape(-1, rows.shape[1]), rows[-1:]])


@cache
def _tube(n, sides):
    """The faces of `loft`, and the points around the unit circle as two columns [sides, 1]."""
    i = np.arange(sides)
    j = (i + 1) % sides
    a = (np.arange(n - 1) * sides)[:, None]
    b = a + sides
    quads = np.stack([a + i, a + j, b + j, a + i, b + j, b + i], -1).reshape(-1, 3)
    last = (n - 1) * sides
    caps = [np.stack([np.full(sides, n * sides), j, i], 1), np.stack([np.full(sides, n * sides + 1), last + i, last + j], 1)]
    angles = i[:, None] * 2 * np.pi / sides
    return np.concatenate([quads, *caps]), np.cos(angles), np.sin(angles)


def loft(rows, sides=8, wide=1.0):
    """A closed tube through `rows` of (x, y, z, radius), `wide` times as thick along y as across.

    The first 2 * sides * (rows - 1) faces are its quads, two triangles each, row by row.
    """
    rows = np.asarray(rows, float)
    points, radii = rows[:, :3], np.abs(rows[:, 3])
    along = np.concatenate([points[1:2], points[2:], points[-1:]]) - np.concatenate([points[:1], points[:-2], points[-2:-1]])
    along /= np.sqrt((along * along).sum(1, keepdims=True)) + 1e-9
    helper = np.where(np.abs(along[:, 1:2]) < 0.95, [0.0, 1.0, 0.0], [1.0, 0.0, 0.0])
    side = helper - along * (helper * along).sum(1, keepdims=True)
    side /= np.sqrt((side * side).sum(1, keepdims=True))
    (sx, sy, sz), (ax, ay, az) = side.T, along.T
    up = np.stack([sy * az - sz * ay, sz * ax - sx * az, sx * ay - sy * ax], 1)
    faces, cosine, sine = _tube(len(rows), sides)
    ring = cosine * up[:, None] + wide * sine * side[:, None]
    vertices = (points[:, None] + radii[:, None, None] * ring).reshape(-1, 3)
    return np.concatenate([vertices, points[:1], points[-1:]]), faces


def cut(shape, where):
    """(the rest, the chosen part) of a shape; `where`: function from the faces' middles [F, 3] to booleans [F]."""
    vertices, faces = shape
    chosen = where(vertices[faces].mean(1))
    return (vertices, faces[~chosen]), (vertices, faces[chosen])


def patches(shape, share, r):
    """(the rest, a random `share` of the quads) of a shape whose faces come in pairs."""
    vertices, faces = shape
    chosen = np.repeat(r.random(len(faces) // 2) < share, 2)
    return (vertices, faces[~chosen]), (vertices, faces[chosen])
