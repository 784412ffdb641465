"""Meshes of tools. Conventions as in `household`."""

import numpy as np

from world.shapes import STEEL, WOOD, arc, box, cylinder, lathe, rod, slab, turn


def saw(b, r):
    """Lies in the xz plane, the teeth down, the handle at -x."""
    long, wide, tip = r.uniform(1.4, 1.8), r.uniform(0.34, 0.46), r.uniform(0.35, 0.7)
    b.add(slab([(0, 0), (long, 0), (long, wide * tip), (0, wide)], 0.06))
    teeth = int(r.integers(8, 12))
    for i in range(teeth):
        b.add(slab([(0, 0.02), (long / teeth, 0.02), (long / teeth * r.uniform(0.2, 0.25), -0.15)], 0.06), at=(long * i / teeth, 0, 0))
    grip = WOOD if r.random() < 0.6 else b.dark
    vertices, faces = arc(r.uniform(0.2, 0.25), 0.075, 0, 360, 12)
    b.add((vertices * (0.9, 1, 1.25), faces), grip, at=(-0.16, 0, wide * 0.5))
    b.add(box(0.16, 0.11, wide * 0.9), grip, at=(0.05, 0, wide * 0.5))


def screwdriver(b, r):
    """A fat ridged handle above, a thin shaft with a flat tip below."""
    grip, thick, shaft = r.uniform(0.7, 0.9), r.uniform(0.2, 0.27), r.uniform(0.6, 0.85)
    waist = thick * r.uniform(0.55, 0.8)
    profile = [(0, 0), (thick * 0.6, 0), (waist, grip * 0.14), (thick, grip * 0.3), (thick, grip * 0.8), (thick * 0.75, grip * 0.97), (0, grip)]
    b.add(lathe(profile, int(r.choice([6, 8, 14]))))
    for i in range(6):
        around = turn("z", 60 * i)
        b.add(box(0.06, 0.07, grip * 0.46), at=tuple(around @ (thick, 0, grip * 0.55)), turn=around)
    b.add(rod((0, 0, 0.05), (0, 0, -shaft), 0.065), STEEL)
    b.add(slab([(-0.06, 0.12), (0.06, 0.12), (0.11, 0), (0.08, -0.12), (-0.08, -0.12), (-0.11, 0)], 0.06), STEEL, at=(0, 0, -shaft - 0.08))


def axe(b, r):
    """Lies in the xz plane; one flared blade, or two."""
    long, edge, reach = r.uniform(1.25, 1.6), r.uniform(0.34, 0.48), r.uniform(0.42, 0.58)
    b.add(rod((0, 0, 0), (0, 0, long + 0.14), 0.075, 0.06), WOOD)
    b.add(cylinder(0.09, long * 0.36, 0.085), at=(0, 0, -0.02))
    b.add(box(0.24, 0.2, 0.28), at=(0, 0, long - 0.05))
    sides = (-1, 1) if r.random() < 0.35 else (1,)
    for x in sides:
        curve = [(x * (reach + 0.12 * np.cos(a)), edge * np.sin(a)) for a in np.linspace(-1.35, 1.35, 6)]
        b.add(slab([(x * 0.05, 0.12), (x * 0.05, -0.12), *curve], 0.11), at=(0, 0, long - 0.05))
    if len(sides) == 1:
        b.add(box(0.2, 0.2, 0.24), at=(-0.16, 0, long - 0.05))


def shovel(b, r):
    """Lies in the xz plane, the blade down, with a grip like a D."""
    wide, tall, shaft = r.uniform(0.28, 0.36), r.uniform(0.62, 0.8), r.uniform(0.8, 1.1)
    foot = [(wide, -tall * 0.55), (wide * 0.55, -tall * 0.88), (0, -tall), (-wide * 0.55, -tall * 0.88), (-wide, -tall * 0.55)]
    if r.random() < 0.4:
        foot = [(wide * 0.95, -tall * 0.95), (-wide * 0.95, -tall * 0.95)]
    b.add(slab([(-wide, 0), (wide, 0), *foot], 0.07))
    for x in (-1, 1):
        b.add(box(0.07, 0.2, tall * 0.55), at=(x * (wide - 0.02), -0.05, -tall * 0.27))
    b.add(rod((0, 0, -tall * 0.3), (0, 0, 0.25), 0.1, 0.075, 6))
    b.add(rod((0, 0, 0.2), (0, 0, shaft), 0.06, segments=6), WOOD if r.random() < 0.6 else STEEL)
    half = r.uniform(0.17, 0.23)
    for x in (-1, 1):
        b.add(rod((0, 0, shaft - 0.06), (x * half, 0, shaft + 0.2), 0.055, segments=6))
    b.add(rod((-half - 0.05, 0, shaft + 0.2), (half + 0.05, 0, shaft + 0.2), 0.07, segments=6))


def scissors(b, r):
    """Lie in the xz plane, half open, the points up."""
    ring, blade, thick = r.uniform(0.24, 0.31), r.uniform(0.75, 1.0), r.uniform(0.07, 0.095)
    half = r.uniform(13, 26)
    for x in (-1, 1):
        lean = turn("y", -x * half)
        y = x * 0.035
        outline = [(-0.1, 0.12), (-0.1, -0.15), (0.1, -0.15), (0.1, 0.1), (0.09, blade * 0.7), (-x * 0.09, blade)]
        b.add(slab(outline, 0.05), STEEL, at=(0, y, 0), turn=lean)
        b.add(rod(lean @ (0, y, -0.05), lean @ (x * 0.02, y, -0.42), 0.08, segments=6))
        vertices, faces = arc(ring, thick, 0, 360, 14)
        b.add((vertices * (0.8, 1, 1.05), faces), at=tuple(lean @ (x * -0.06, y, -0.36 - ring)), turn=lean)
    b.add(cylinder(0.07, 0.16, segments=8), b.dark, at=(0, 0.08, 0), turn=turn("x", 90))


def broom(b, r):
    """Bristles that fan out below a wooden stick."""
    long, wide, stick = r.uniform(0.55, 0.75), r.uniform(0.4, 0.55), r.uniform(1.05, 1.35)
    b.add(rod((0, 0, 0), (0, 0, stick), 0.05, segments=6), WOOD if r.random() < 0.6 else b.dark)
    top = wide * r.uniform(0.45, 0.75)
    b.add(slab([(-0.08, 0.16), (0.08, 0.16), (top, 0), (top, -0.1), (-top, -0.1), (-top, 0)], 0.24))
    strands = 9
    for i in range(strands):
        x = 2 * i / (strands - 1) - 1
        end = -long - r.uniform(0, 0.1)
        near, far = top * 0.24, wide * 0.2
        side = [(x * top * 0.9 - near / 2, 0), (x * top * 0.9 + near / 2, 0), (x * wide + far / 2 * 0.8, end), (x * wide - far / 2 * 0.8, end)]
        b.add(slab(side, 0.2 + 0.06 * (i % 2)), at=(0, 0, -0.08))
    b.add(box(top * 2.1, 0.28, 0.06), b.light if r.random() < 0.5 else b.dark, at=(0, 0, -0.15))


def bucket(b, r):
    """Open at the top; the handle stands up or leans over."""
    foot, wide, tall = r.uniform(0.36, 0.44), r.uniform(0.56, 0.68), r.uniform(0.8, 1.0)
    wall = wide - 0.05
    rim = [(wide, tall), (wide + 0.06, tall), (wide + 0.06, tall + 0.07), (wall, tall + 0.07)]
    b.add(lathe([(0, 0), (foot, 0), *rim, (foot * 0.92, 0.08), (0, 0.08)], 16))
    if r.random() < 0.6:
        b.add(cylinder(foot * 1.06 + 0.02, 0.1, segments=16), b.dark if r.random() < 0.5 else None)
    vertices, faces = arc(wide + 0.02, r.uniform(0.03, 0.045), 0, 180, 12)
    lean = turn("x", r.uniform(-35, 35))
    b.add((vertices * (1, 1, r.uniform(0.8, 1.05)), faces), b.dark, at=(0, 0, tall), turn=lean)
    if r.random() < 0.6:
        b.add(rod(lean @ (-0.17, 0, wide * 0.93), lean @ (0.17, 0, wide * 0.93), 0.075), WOOD, at=(0, 0, tall))
