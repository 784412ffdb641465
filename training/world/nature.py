"""Meshes of animals and plants. Conventions as in `household`."""

import numpy as np

from world.shapes import BEAK, DARK, LIGHT, STEEL, WOOD, ball, cylinder, lathe, rod, slab, turn


def bird(b, r):
    """Wings spread half open, heading +x."""
    b.add(ball(0.5, 0.27, 0.27))
    head = r.uniform(0.19, 0.24)
    b.add(ball(head), at=(0.5, 0, 0.24))
    b.add(rod((0.5 + head * 0.8, 0, 0.24), (0.5 + head + r.uniform(0.18, 0.3), 0, 0.2), 0.08, 0.005), BEAK)
    lift, span = r.uniform(10, 45), r.uniform(0.75, 0.95)
    for y in (-1, 1):
        b.add(ball(0.05), DARK if max(b.body) > 0.3 else LIGHT, at=(0.58, y * head * 0.85, 0.3))
        wing = slab([(0.25, 0), (-0.3, 0), (-0.38, y * span * 0.7), (-0.12, y * span)], 0.05)
        b.add(wing, at=(0, y * 0.18, 0.12), turn=turn("x", y * lift) @ turn("x", -90))
        b.add(rod((0.05, y * 0.1, -0.2), (0.05, y * 0.12, -0.48), 0.03), BEAK)
    b.add(slab([(0, 0.07), (-0.5, 0.24), (-0.5, -0.24), (0, -0.07)], 0.05), at=(-0.42, 0, 0.05), turn=turn("x", 90))


def dog(b, r):
    long, legs = r.uniform(0.45, 0.6), r.uniform(0.42, 0.6)
    b.add(ball(long, 0.24, 0.25, 10), at=(0, 0, legs + 0.15))
    b.add(ball(0.26, 0.23, 0.23, 10), at=(long + 0.12, 0, legs + 0.45))
    b.add(rod((long + 0.25, 0, legs + 0.4), (long + r.uniform(0.5, 0.62), 0, legs + 0.34), 0.14, 0.11))
    b.add(ball(0.075, segments=8, rows=5), (0.04, 0.04, 0.04) if max(b.body) > 0.3 else STEEL, at=(long + 0.58, 0, legs + 0.41))
    b.add(rod((long - 0.15, 0, legs + 0.2), (long + 0.08, 0, legs + 0.42), 0.18, 0.15))
    b.add(rod((-long * 0.9, 0, legs + 0.2), (-long - r.uniform(0.2, 0.35), 0, legs + r.uniform(0.5, 0.75)), 0.065, 0.03))
    for y in (-1, 1):
        ear = r.uniform(0.17, 0.27)  # they hang
        b.add(ball(0.1, 0.045, ear, 8, 6), at=(long + 0.06, y * 0.24, legs + 0.63 - ear), turn=turn("x", y * 12))
        b.add(ball(0.04, segments=6, rows=5), DARK if max(b.body) > 0.3 else LIGHT, at=(long + 0.32, y * 0.12, legs + 0.55))
        for x in (-0.65, 0.65):
            b.add(rod((x * long, y * 0.15, 0), (x * long, y * 0.14, legs + 0.1), 0.07, 0.09))


def fish(b, r):
    """Lies in the xz plane."""
    long, tall = r.uniform(0.65, 0.8), r.uniform(0.34, 0.46)
    b.add(ball(long, 0.18, tall))
    fan = r.uniform(0.32, 0.45)
    b.add(slab([(0.1, 0), (-0.4, fan), (-0.28, 0), (-0.4, -fan)], 0.06), at=(-long, 0, 0))
    b.add(slab([(0.25, 0), (-0.3, 0), (-0.3, 0.26)], 0.05), at=(0, 0, tall * 0.85))
    b.add(slab([(0.15, 0), (-0.2, 0), (-0.2, -0.2)], 0.05), at=(0, 0, -tall * 0.9))
    for y in (-1, 1):
        b.add(ball(0.08, 0.05, 0.08), LIGHT if max(b.body) < 0.8 else STEEL, at=(long * 0.62, y * 0.12, tall * 0.25))
        b.add(ball(0.04), DARK, at=(long * 0.65, y * 0.16, tall * 0.25))


def bee(b, r):
    """A fat striped body with pale wings."""
    long, fat = r.uniform(0.6, 0.72), r.uniform(0.36, 0.44)
    stripe = DARK if max(b.body) > 0.3 else LIGHT
    edges = np.linspace(-1, 1, 10)
    for i, (low, high) in enumerate(zip(edges, edges[1:])):
        ring = [(fat * np.sqrt(max(0.0, 1 - z * z)), z * long) for z in (low, (low + high) / 2, high)]
        b.add(lathe(ring, 12), stripe if i in (2, 5) else None, turn=turn("y", 90))
    b.add(ball(fat * 0.72), at=(long * 0.98, 0, 0.05))
    lift = r.uniform(25, 55)
    for y in (-1, 1):
        wing = ball(0.24, 0.42, 0.025, 10, 5)
        b.add(wing, (0.82, 0.88, 0.92), at=(0.05, y * 0.42, fat + 0.12), turn=turn("x", y * lift))
        b.add(rod((long * 1.2, y * 0.1, 0.25), (long * 1.45, y * 0.2, 0.5), 0.025), DARK)
        b.add(ball(0.08), stripe, at=(long * 1.3, y * 0.16, 0.12))
    b.add(rod((-long * 0.95, 0, 0), (-long * 1.2, 0, 0), 0.06, 0.005), DARK)


def tree(b, r):
    trunk, tone = r.uniform(0.4, 0.65), (0.33, 0.25, 0.18)
    b.add(rod((0, 0, 0), (0, 0, trunk + 0.2), 0.11, 0.09), tone)
    if r.random() < 0.5:
        tiers = int(r.integers(2, 5))
        for i in range(tiers):
            b.add(cylinder(0.62 - 0.13 * i, 0.6, 0.02, 10), at=(0, 0, trunk + 0.36 * i))
        return
    b.add(ball(0.5, 0.5, r.uniform(0.45, 0.6)), at=(0, 0, trunk + 0.5))
    for _ in range(4):
        angle = r.uniform(0, 360)
        b.add(ball(r.uniform(0.25, 0.36)), at=tuple(turn("z", angle) @ (0.34, 0, trunk + r.uniform(0.3, 0.75))))


def mushroom(b, r):
    stem, wide, tall = r.uniform(0.45, 0.7), r.uniform(0.6, 0.8), r.uniform(0.36, 0.55)
    b.add(rod((0, 0, 0), (0, 0, stem + 0.1), 0.2, 0.15, 12), b.light)
    cap = [(0.1, stem), (wide, stem), (wide * 0.9, stem + tall * 0.45), (wide * 0.55, stem + tall * 0.85), (0, stem + tall)]
    b.add(lathe(cap, 16))
    for _ in range(int(r.integers(5, 9))):
        angle, out = r.uniform(0, 360), r.uniform(0.2, 0.75)
        height = stem + tall * np.sqrt(1 - out * out * 0.8)
        b.add(ball(0.085, 0.085, 0.045, 8, 4), b.light, at=tuple(turn("z", angle) @ (out * wide, 0, height * 0.99)))


def cactus(b, r):
    radius, tall = r.uniform(0.17, 0.23), r.uniform(1.2, 1.5)
    b.add(cylinder(0.26, 0.35, 0.36), STEEL, at=(0, 0, -0.3))
    b.add(lathe([(radius, 0), (radius, tall), (radius * 0.7, tall + 0.14), (0, tall + 0.2)], 10))
    for side in (-1, 1):
        z, out, up = r.uniform(0.35, 0.8), r.uniform(0.38, 0.5), r.uniform(0.35, 0.55)
        b.add(rod((0, 0, z), (side * out, 0, z), radius * 0.6))
        b.add(rod((side * out, 0, z - radius * 0.5), (side * out, 0, z + up), radius * 0.62))
        b.add(ball(radius * 0.62), at=(side * out, 0, z + up))


def snowman(b, r):
    low, mid, top = r.uniform(0.48, 0.55), r.uniform(0.34, 0.4), r.uniform(0.23, 0.28)
    z = low * 0.9
    b.add(ball(low), at=(0, 0, z))
    z += low * 0.75 + mid * 0.75
    b.add(ball(mid), at=(0, 0, z))
    for dz in (-0.12, 0.08):
        b.add(ball(0.045), DARK if max(b.body) > 0.3 else LIGHT, at=(0, -mid * 0.97, z + dz))
    for x in (-1, 1):
        b.add(rod((x * mid * 0.8, 0, z + 0.05), (x * (mid + 0.45), 0, z + r.uniform(0.1, 0.45)), 0.03), WOOD)
    z += mid * 0.75 + top * 0.75
    b.add(ball(top), at=(0, 0, z))
    b.add(rod((0, -top * 0.9, z), (0, -top - 0.22, z - 0.02), 0.06, 0.005), BEAK)
    for x in (-1, 1):
        b.add(ball(0.035), DARK if max(b.body) > 0.3 else LIGHT, at=(x * 0.09, -top * 0.9, z + 0.09))
    b.add(cylinder(top * 1.25, 0.05), b.dark, at=(0, 0, z + top * 0.65))
    b.add(cylinder(top * 0.8, r.uniform(0.25, 0.35)), b.dark, at=(0, 0, z + top * 0.65))
