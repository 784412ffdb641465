"""Meshes of things of every sort. Conventions as in `household`."""

import numpy as np

from world.shapes import BEAK, GLASS, LIGHT, STEEL, WOOD, arc, ball, box, cylinder, lathe, rod, slab, turn

LEAF = (0.24, 0.36, 0.20)


def flute(b, r):
    """A recorder along x with a beak at -x and dark finger holes towards both sides."""
    long, thick, flare = r.uniform(1.5, 1.8), r.uniform(0.1, 0.125), r.uniform(1.15, 1.5)
    lie = turn("y", 90)
    joint = thick * 1.35
    beak = [(0, -0.46), (thick * 0.45, -0.46), (thick * 1.1, -0.1), (joint, 0), (joint, 0.09)]
    b.add(lathe([*beak, (thick, 0.1), (thick * 0.85, long * 0.78)], 10), turn=lie)
    b.add(lathe([(joint, long * 0.76), (joint, long * 0.83), (thick * 0.9, long * 0.86), (thick * flare, long), (0, long)], 10), turn=lie)
    for x in (0.09, long * 0.8):
        b.add(cylinder(joint * 1.04, 0.04, segments=10), b.light, at=(x, 0, 0), turn=lie)
    holes = int(r.integers(6, 8))
    for y in (-1, 1):
        b.add(box(0.12, 0.05, 0.09), b.dark, at=(-0.12, y * thick, 0))
        for i in range(holes):
            b.add(box(0.09, 0.04, 0.09), b.dark, at=(0.26 + (long * 0.72 - 0.26) * i / holes, y * thick * 0.95, 0), turn=turn("y", 45))


def telephone(b, r):
    """A desk telephone with a dial on its slope, the receiver on top; faces -y."""
    wide, deep, tall = r.uniform(0.85, 1.05), r.uniform(0.75, 0.9), r.uniform(0.5, 0.62)
    front, neck = -deep / 2, r.uniform(0.0, 0.12)
    side = [(front, 0), (deep / 2, 0), (deep * 0.38, tall), (neck - 0.12, tall), (front, 0.14)]
    b.add(slab(side, wide), turn=turn("z", 90) @ np.diag([1, -1, 1]))
    slope = np.degrees(np.arctan2(tall - 0.14, neck - 0.12 - front))
    middle = np.array([0, (front + neck - 0.12) / 2, (tall + 0.14) / 2])
    lean = turn("x", slope)
    dial = r.uniform(0.25, 0.31)
    b.add(cylinder(dial, 0.05, segments=16), b.light, at=tuple(middle), turn=lean)
    b.add(cylinder(dial * 0.4, 0.07, segments=10), at=tuple(middle), turn=lean)
    for i in range(8):
        spot = lean @ (dial * 0.72 * np.cos(i * 0.7), dial * 0.72 * np.sin(i * 0.7), 0.04)
        b.add(box(0.07, 0.07, 0.03), b.dark, at=tuple(middle + spot), turn=lean)
    reach, high, back = wide * r.uniform(0.58, 0.7), tall + r.uniform(0.2, 0.28), deep * 0.12
    b.add(rod((-reach, back, high), (reach, back, high), 0.09))
    for x in (-1, 1):
        b.add(box(0.12, 0.3, 0.2), at=(x * wide * 0.3, back, tall + 0.06))
        b.add(cylinder(0.19, 0.24, 0.11, 10), at=(x * reach, back, high - 0.22))
    if r.random() < 0.4:
        b.add(arc(0.2, 0.035, 180, 360, 10, 5), b.dark, at=(-reach - 0.18, back, high - 0.2))


def tap(b, r):
    """A water tap: a column, a spout that bends over towards +x, a cross of a handle."""
    column, bend, thick = r.uniform(0.5, 0.75), r.uniform(0.26, 0.36), r.uniform(0.11, 0.14)
    level = r.uniform(0.25, 0.45)
    b.add(cylinder(0.32, 0.1, 0.28), at=(0, 0, 0))
    b.add(cylinder(thick * 1.25, column, thick * 1.1), at=(0, 0, 0.08))
    b.add(rod((0, 0, column), (level, 0, column), thick))
    b.add(arc(bend, thick, 0, 90, 6, 8), at=(level, 0, column - bend))
    b.add(rod((level + bend, 0, column - bend + 0.02), (level + bend, 0, column - bend - r.uniform(0.1, 0.2)), thick, thick * 1.15))
    b.add(cylinder(thick * 0.6, 0.26), STEEL, at=(0, 0, column + 0.08))
    top = column + r.uniform(0.28, 0.36)
    if r.random() < 0.65:
        start = r.uniform(0, 90)
        for i in range(4):
            arm = turn("z", start + 90 * i) @ (0.3, 0, top)
            b.add(rod((0, 0, top), arm, 0.06, 0.08, 6))
    else:
        b.add(rod((0.08, 0, top - 0.02), (-0.45, 0, top + 0.16), 0.09, 0.06))
    b.add(ball(0.12, 0.12, 0.08, 8, 5), at=(0, 0, top))
    if r.random() < 0.5:
        b.add(ball(0.06, 0.06, 0.1, 6, 5), GLASS, at=(level + bend, 0, column - bend - 0.4))


def cannon(b, r):
    """A barrel pointing up towards +x between two spoked wheels."""
    long, thick, lift = r.uniform(1.4, 1.75), r.uniform(0.27, 0.33), r.uniform(8, 25)
    mouth, wheel = thick * r.uniform(0.62, 0.75), r.uniform(0.36, 0.44)
    back = long * 0.38
    aim = turn("y", 90 - lift)
    muzzle = long - back
    breech = [(0, -back - 0.12), (thick * 0.5, -back - 0.08), (thick, -back + 0.05), (thick, -back * 0.35)]
    lip = [(mouth, muzzle - 0.14), (mouth * 1.35, muzzle - 0.08), (mouth * 1.35, muzzle), (mouth * 0.75, muzzle)]
    axle = np.array([0, 0, wheel + 0.12])
    b.add(lathe([*breech, *lip], 12), at=axle, turn=aim)
    b.add(cylinder(mouth * 0.75, 0.02, segments=10), b.dark, at=axle + aim @ (0, 0, muzzle - 0.03), turn=aim)
    b.add(ball(thick * 0.4, segments=8, rows=5), at=axle + aim @ (0, 0, -back - 0.2))
    tone = WOOD if r.random() < 0.5 else b.dark
    spokes, start = int(r.integers(4, 6)), r.uniform(0, 90)
    for y in (-1, 1):
        side = y * (thick + 0.1)
        b.add(arc(wheel, 0.038, 0, 360, 14, 4), tone, at=(0, side, wheel))
        b.add(cylinder(0.08, 0.1, segments=6), tone, at=(0, side + 0.06, wheel), turn=turn("x", 90))
        for i in range(spokes):
            around = turn("y", start + 180 * i / spokes)
            b.add(box(0.045, 0.04, wheel * 2), tone, at=(0, side, wheel), turn=around)
    b.add(box(long * r.uniform(0.6, 0.75), thick * 1.5, 0.14), at=(-long * 0.3, 0, wheel * 0.58), turn=turn("y", -20))


def glasses(b, r):
    """Spectacles facing -y: round or square rims, pale lenses, arms to the back."""
    wide, thick, gap = r.uniform(0.36, 0.44), r.uniform(0.06, 0.08), r.uniform(0.1, 0.16)
    tall, long = wide * r.uniform(0.72, 1.0), r.uniform(0.8, 1.1)
    sides = int(r.choice([4, 16]))
    lens = r.random() < 0.6
    for x in (-1, 1):
        at = (x * (wide + gap), 0, 0)
        vertices, faces = arc(1, thick / wide, 0, 360, sides)
        if sides == 4:
            vertices = vertices @ turn("y", 45).T * (1.2, 1, 1.2)
        b.add((vertices * (wide, wide, tall), faces), at=at)
        if lens:
            pane, faces = cylinder(1, 0.02, segments=12) if sides > 4 else (cylinder(1.2, 0.02, segments=4))
            b.add((pane @ turn("z", 45).T * (wide, tall, 1), faces), GLASS, at=at, turn=turn("x", 90))
        hinge = np.array([x * (2 * wide + gap), 0, tall * 0.35])
        back = hinge + (x * 0.05, long, 0.02)
        b.add(rod(hinge, back, thick * 0.9, segments=6))
        b.add(rod(back, back + (0, 0.16, -0.22), thick * 0.9, thick * 0.7, 6))
    b.add(arc(gap * 1.25, thick * 0.8, 20, 160, 6, 5), at=(0, 0, tall * 0.1))


def boot(b, r):
    """Stands on its sole, the toe towards +x."""
    shaft, wide, toe = r.uniform(0.7, 1.1), r.uniform(0.27, 0.33), r.uniform(0.62, 0.78)
    top = wide * r.uniform(1.0, 1.2)
    vertices, faces = lathe([(wide, 0.1), (wide * 0.92, 0.4), (top, 0.3 + shaft), (top - 0.05, 0.3 + shaft), (wide * 0.8, 0.5), (0, 0.45)], 12)
    b.add((vertices * (1, 0.85, 1), faces))
    b.add(ball(toe * 0.62, wide * 0.82, r.uniform(0.25, 0.3), 12, 7), at=(toe * 0.5, 0, 0.22))
    b.add(box(toe * 0.55, wide * 1.5, 0.28), at=(toe * 0.22, 0, 0.2))
    outline = [(-wide * 1.05, 0), (toe * 0.95, 0), (toe * 1.15, 0.1), (-wide * 1.05, 0.1)]
    b.add(slab(outline, wide * 1.75), b.dark, at=(0, 0, -0.02))
    b.add(box(wide * 1.1, wide * 1.6, 0.16), b.dark, at=(-wide * 0.5, 0, -0.09))
    if r.random() < 0.5:
        vertices, faces = cylinder(top * 1.1, r.uniform(0.1, 0.2), top * 1.12, 12)
        b.add((vertices * (1, 0.85, 1), faces), b.light, at=(0, 0, 0.2 + shaft))
    if r.random() < 0.5:
        for i in range(3):
            b.add(box(0.1, wide * 0.9, 0.05), b.light, at=(wide * 0.86, 0, 0.5 + 0.16 * i))


def flower(b, r):
    """A stem with two leaves and one big blossom that looks towards -y and a little up."""
    stem, petal, wide, count = r.uniform(0.9, 1.25), r.uniform(0.3, 0.4), r.uniform(0.16, 0.22), int(r.integers(5, 9))
    b.add(rod((0, 0.05, 0), (0, 0.05, stem), 0.04, segments=6), LEAF)
    for x in (-1, 1):
        leaf = ball(0.28, 0.1, 0.03, 8, 4)
        b.add(leaf, LEAF, at=(x * 0.24, 0.05, stem * r.uniform(0.2, 0.45)), turn=turn("y", -x * r.uniform(25, 50)))
    lean = turn("x", -r.uniform(5, 30))
    centre = r.uniform(0.15, 0.2)
    for i in range(count):
        around = lean @ turn("y", 360 * i / count)
        b.add(ball(wide * (1 if count < 7 else 0.85), 0.06, petal, 6, 5), at=tuple((0, 0, stem) + around @ (0, 0, centre + petal * 0.7)), turn=around)
    heart = WOOD if r.random() < 0.5 else BEAK
    b.add(ball(centre, 0.1, centre, 10, 5), heart, at=tuple((0, 0, stem) + lean @ (0, -0.05, 0)), turn=lean)
    if r.random() < 0.3:
        b.add(cylinder(0.22, 0.34, 0.32, 10), STEEL if r.random() < 0.5 else LIGHT, at=(0, 0.05, -0.25))
