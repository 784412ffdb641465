"""Meshes of things to eat, and of a fork. Conventions as in `household`."""

import numpy as np

from world.lofts import loft, smooth
from world.shapes import BEAK, DARK, STEEL, WOOD, box, lathe, rod, slab, turn

LEAF = (0.22, 0.42, 0.20)


def apple(b, r):
    """Dimpled at both ends, with a stalk and often a leaf."""
    wide, tall, waist = r.uniform(0.5, 0.6), r.uniform(0.84, 1.06), r.uniform(0.85, 1.04)
    low = [(0, 0.1), (0.2, 0.03), (0.42 * waist, 0.0), (0.68 * waist, 0.09), (0.88 * waist, 0.28)]
    profile = np.array([*low, (0.98, 0.5), (1.0, 0.7), (0.9, 0.9), (0.66, 1.0), (0.36, 0.97), (0.14, 0.85), (0, 0.78)])
    b.add(lathe(profile * (wide, tall), 16))
    lean = r.uniform(-0.12, 0.12)
    stalk = [(0, 0, tall * 0.74, 0.035), (lean * 0.4, 0, tall, 0.032), (lean, 0, tall * r.uniform(1.16, 1.3), 0.045)]
    b.add(loft(stalk, 6), WOOD if max(b.body) > 0.45 else STEEL)
    if r.random() < 0.75:
        way = turn("z", r.uniform(0, 360))
        long = r.uniform(0.32, 0.46)
        outline = [(0, 0), (long * 0.35, 0.13), (long * 0.7, 0.1), (long, 0), (long * 0.7, -0.1), (long * 0.35, -0.13)]
        b.add(slab(outline, 0.035), LEAF, at=(lean * 0.5, 0, tall * 1.07), turn=way @ turn("y", -r.uniform(10, 35)) @ turn("x", 90))


def banana(b, r):
    """One banana or a few from the same stalk, lying in the xz plane."""
    reach, bend, thick = r.uniform(0.85, 1.05), r.uniform(95, 135), r.uniform(0.15, 0.2)
    angles = np.radians(np.linspace(-90 - bend / 2, -90 + bend / 2, 11))
    girth = thick * np.array([0.42, 0.42, 0.72, 0.93, 1, 1, 1, 0.96, 0.84, 0.6, 0.34])
    rows = np.column_stack([reach * np.cos(angles), np.zeros(11), reach * np.sin(angles), girth])
    stalk, end = rows[0, :3], rows[-1, :3]
    tip = rod(end, end + 0.06 * np.array([-np.sin(angles[-1]), 0, np.cos(angles[-1])]), thick * 0.36, thick * 0.28, 6)
    count = int(r.choice([1, 1, 2, 3]))
    for i in range(count):
        way = turn("x", (i - (count - 1) / 2) * 26) @ turn("y", (i - (count - 1) / 2) * 5)
        b.add(loft(rows, 6), at=stalk - way @ stalk, turn=way)
        b.add(tip, DARK, at=stalk - way @ stalk, turn=way)
    back = np.array([np.sin(angles[0]), 0, -np.cos(angles[0])])
    b.add(rod(stalk - back * 0.02, stalk + back * r.uniform(0.12, 0.24), thick * 0.4, thick * 0.5, 6), (0.42, 0.36, 0.16))


def pineapple(b, r):
    """A knobbly oval under a tuft of stiff leaves."""
    wide, tall, tuft = r.uniform(0.4, 0.48), r.uniform(0.95, 1.2), r.uniform(0.42, 0.62)
    rows, sides = 11, 14
    t = np.linspace(0, 1, rows)
    girth = wide * (1 - np.abs(2 * t - 1) ** 2.6 * 0.55)
    girth[[0, -1]] *= 0.6
    vertices, faces = loft(np.column_stack([np.zeros((rows, 2)), t * tall, girth]), sides)
    # every quad is split along its low corners, so that the high ones stand as separate knobs
    quad = faces[: 2 * sides * (rows - 1)].reshape(rows - 1, sides, 2, 3).copy()
    low = (np.arange(rows - 1)[:, None] + np.arange(sides)) % 2 == 1
    a, j, c, d = quad[low][:, 0, 0], quad[low][:, 0, 1], quad[low][:, 0, 2], quad[low][:, 1, 2]
    quad[low] = np.stack([np.stack([a, j, d], 1), np.stack([j, c, d], 1)], 1)
    faces = np.concatenate([quad.reshape(-1, 3), faces[2 * sides * (rows - 1) :]])
    knob = (np.arange(rows)[:, None] + np.arange(sides)) % 2 * r.uniform(0.1, 0.16)
    vertices[: rows * sides] *= np.where(np.arange(3) < 2, 1 + knob.reshape(-1, 1), 1)
    b.add((vertices, faces))
    for tier, (count, out, up) in enumerate(((5, 0.5, 0.55), (4, 0.28, 0.85), (3, 0.08, 1.0))):
        start = r.uniform(0, 60)
        for i in range(count):
            way = turn("z", start + 360 * i / count)
            root = np.array([0.1, 0, tall - 0.05])
            tip = np.array([0.08 + out * 0.9, 0, tall + tuft * up * r.uniform(0.88, 1.1)])
            middle = (root + tip) / 2 + (-0.02 * tier, 0, 0.1)
            b.add(loft([(*root, 0.05), (*middle, 0.05), (*tip, 0.004)], 4, 1.6), LEAF, turn=way)


def carrot(b, r):
    """A long taper, the point down, with rings and feathery green on top."""
    long, wide, bend = r.uniform(1.25, 1.6), r.uniform(0.22, 0.3), r.uniform(-0.14, 0.14)
    t = np.linspace(0, 1, 8)
    girth = wide * np.array([0.55, 0.95, 1.0, 0.86, 0.68, 0.5, 0.3, 0.02])
    path = np.column_stack([bend * t**2, np.zeros(8), -long * t, girth])
    b.add(loft(path, 10))
    line = b.dark if max(b.body) < 0.5 else tuple(0.6 * np.asarray(b.body))
    for _ in range(int(r.integers(4, 8))):
        at, angle = r.uniform(0.1, 0.85), r.uniform(0, 360)
        radius = np.interp(at, t, girth)
        mark = box(0.03, radius * 1.1, 0.03)
        way = turn("z", angle)
        b.add(mark, line, at=np.array([bend * at**2, 0, -long * at]) + way @ (radius * 0.92, 0, 0), turn=way)
    green, count = r.uniform(0.38, 0.58), int(r.integers(5, 9))
    for i in range(count):
        way = turn("z", 360 * i / count + r.uniform(-15, 15))
        out, up = r.uniform(0.1, 0.38), green * r.uniform(0.75, 1.1)
        leaf = [(0, 0, -0.04, 0.04), (out * 0.35, 0, up * 0.5, 0.035), (out * 0.7, 0, up * 0.72, 0.09), (out, 0, up, 0.01)]
        b.add(loft(leaf, 4, 0.5), LEAF, turn=way)


def pumpkin(b, r):
    """Ribbed and squat with a bent stalk; some have a face towards -y."""
    wide, tall, ribs = r.uniform(0.68, 0.8), r.uniform(0.72, 1.05), int(r.integers(8, 11))
    up = np.linspace(-1, 1, 8)
    girth = np.sqrt(1 - np.abs(up) ** 2.4) * wide + 0.12
    girth[0], girth[-1] = 0.3, 0.22
    sides = ribs * 3
    dimpled = up - 0.18 * (up > 0.95) + 0.12 * (up < -0.95)
    vertices, faces = loft(np.column_stack([np.zeros((8, 2)), dimpled * tall / 2, girth]), sides)
    groove = np.where(np.arange(sides) % 3 == 0, 1 - r.uniform(0.14, 0.2), 1.0)
    vertices[:-2, :2] *= np.tile(groove, 8)[:, None]
    b.add((vertices, faces))
    lean, long = r.uniform(0.05, 0.28), r.uniform(0.3, 0.45)
    way = turn("z", r.uniform(0, 360))
    stalk = [(0, 0, -tall * 0.02, 0.13), (0.02, 0, tall * 0.1, 0.08), (lean * 0.5, 0, long * 0.75, 0.07), (lean, 0, long, 0.09)]
    b.add(loft(smooth(stalk, 2), 6), (0.34, 0.36, 0.18), at=(0, 0, tall * 0.4), turn=way)
    if r.random() < 0.3:
        out = wide + 0.1
        tone = DARK if max(b.body) > 0.3 else BEAK
        for x in (-0.27, 0.27):
            b.add(slab([(-0.13, 0), (0.13, 0), (0, 0.2)], 0.14), tone, at=(x, -out * 0.87, 0.0), turn=turn("z", x * 75))
        mouth = [(-0.34, -0.08), (-0.12, -0.22), (0.12, -0.22), (0.34, -0.08), (0.1, -0.12), (-0.1, -0.12)]
        b.add(slab(mouth, 0.22), tone, at=(0, -out * 0.92, -0.02))


def fork(b, r):
    """Lies in the xz plane, the tines up."""
    tines, wide, long = int(r.choice([3, 4])), r.uniform(0.23, 0.31), r.uniform(1.05, 1.4)
    prong, depth = r.uniform(0.42, 0.6), 0.07
    b.add(slab([(-0.07, 0), (0.07, 0), (wide * 0.75, 0.2), (wide, 0.42), (-wide, 0.42), (-wide * 0.75, 0.2)], depth))
    gap = 2 * wide / (tines - 0.45)
    for i in range(tines):
        x = -wide + gap * (i + 0.275)
        half = gap * 0.275
        b.add(slab([(x - half, 0.4), (x + half, 0.4), (x + half, 0.4 + prong * 0.8), (x, 0.4 + prong), (x - half, 0.4 + prong * 0.8)], depth))
    end = r.uniform(0.1, 0.17)
    half = [(0.06, 0.06), (0.065, -long * 0.5), (end, -long * 0.85), (end * 0.7, -long)]
    b.add(slab([*half, *((-x, z) for x, z in reversed(half))], 0.09))
    if r.random() < 0.35:
        b.add(box(end * 1.9, 0.12, long * 0.4), WOOD if r.random() < 0.5 else b.dark, at=(0, 0, -long * 0.78))
