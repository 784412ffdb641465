"""Meshes of things about the house. Each function fills a Builder; `r` is a Ranges.

The named colour always covers most of the surface; accents are grey, wooden or dark.
"""

from world.shapes import DARK, GLASS, LIGHT, STEEL, WOOD, arc, ball, box, cylinder, lathe, rod, slab, turn


def mug(b, r):
    radius, height = r.uniform(0.35, 0.5), r.uniform(0.8, 1.15)
    foot = radius * r.uniform(0.75, 1.0)
    wall = radius - 0.05
    b.add(lathe([(0, 0), (foot, 0), (radius, height * 0.4), (radius, height), (wall, height), (wall * 0.9, 0.1), (0, 0.1)]))
    grip = height * r.uniform(0.26, 0.36)
    b.add(arc(grip, r.uniform(0.045, 0.075), -95, 95), at=(radius * 0.93, 0, height * 0.52))


def teapot(b, r):
    wide, tall = r.uniform(0.6, 0.75), r.uniform(0.42, 0.6)
    b.add(ball(wide, wide, tall), at=(0, 0, tall))
    b.add(cylinder(wide * 0.45, 0.08, wide * 0.35), at=(0, 0, tall * 1.85))
    b.add(ball(0.1), DARK if r.random() < 0.4 else None, at=(0, 0, tall * 1.85 + 0.15))
    b.add(rod((-wide * 0.8, 0, tall * 0.7), (-wide * r.uniform(1.5, 1.75), 0, tall * r.uniform(1.6, 1.9)), 0.17, 0.075))
    b.add(arc(tall * r.uniform(0.6, 0.75), 0.065, -100, 100), at=(wide * 0.85, 0, tall))


def bottle(b, r):
    radius, height, neck = r.uniform(0.2, 0.3), r.uniform(0.8, 1.1), r.uniform(0.07, 0.1)
    shoulder = r.uniform(0.15, 0.35)
    top = height + shoulder + r.uniform(0.25, 0.45)
    b.add(lathe([(0, 0), (radius, 0), (radius, height), (neck, height + shoulder), (neck, top), (0, top)]))
    b.add(cylinder(neck * 1.25, 0.12), DARK if r.random() < 0.5 else STEEL, at=(0, 0, top - 0.02))
    if r.random() < 0.5:
        b.add(cylinder(radius * 1.01, height * 0.3), LIGHT, at=(0, 0, height * 0.3))


def chair(b, r):
    seat, legs, back = r.uniform(0.75, 0.95), r.uniform(0.65, 0.9), r.uniform(0.8, 1.1)
    b.add(box(seat, seat, 0.1), at=(0, 0, legs))
    for x in (-1, 1):
        for y in (-1, 1):
            foot = seat * r.uniform(0.43, 0.45)
            b.add(rod((x * foot, y * foot, 0), (x * seat * 0.42, y * seat * 0.42, legs), r.uniform(0.04, 0.065)))
    y = -seat / 2 + 0.05
    if r.random() < 0.5:
        b.add(box(seat, 0.08, back), at=(0, y, legs + back / 2))
    else:
        for x in (-0.42, -0.14, 0.14, 0.42):
            b.add(box(0.09, 0.07, back), at=(x * seat, y, legs + back / 2))
        b.add(box(seat, 0.09, 0.16), at=(0, y, legs + back))


def table(b, r):
    long, wide, legs = r.uniform(1.5, 2.0), r.uniform(0.9, 1.2), r.uniform(0.7, 0.95)
    top = cylinder(wide * 0.75, 0.1, segments=20) if r.random() < 0.3 else None
    if top is not None:
        b.add(top, at=(0, 0, legs))
        b.add(rod((0, 0, 0.05), (0, 0, legs), 0.1))
        b.add(cylinder(wide * 0.4, 0.07), at=(0, 0, 0))
        return
    b.add(box(long, wide, 0.11), at=(0, 0, legs))
    for x in (-1, 1):
        for y in (-1, 1):
            b.add(box(0.11, 0.11, legs), at=(x * (long / 2 - 0.1), y * (wide / 2 - 0.1), legs / 2))


def bed(b, r):
    long, wide, low = r.uniform(1.8, 2.2), r.uniform(1.0, 1.4), r.uniform(0.28, 0.4)
    b.add(box(long, wide, 0.3), at=(0, 0, low))
    b.add(box(0.1, wide, r.uniform(0.8, 1.05)), WOOD, at=(-long / 2, 0, 0.48))
    b.add(box(0.08, wide, 0.45), WOOD, at=(long / 2, 0, 0.28))
    count = 2 if wide > 1.15 else 1
    for i in range(count):
        b.add(ball(0.2, wide * 0.36 / count + 0.08, 0.09), LIGHT, at=(-long / 2 + 0.35, (i - (count - 1) / 2) * wide * 0.48, low + 0.2))


def lamp(b, r):
    stem, low, high = r.uniform(0.7, 1.1), r.uniform(0.4, 0.55), r.uniform(0.18, 0.32)
    b.add(cylinder(r.uniform(0.26, 0.36), 0.08), DARK)
    b.add(rod((0, 0, 0.05), (0, 0, stem + 0.2), 0.045), STEEL)
    shade = r.uniform(0.45, 0.6)
    b.add(lathe([(low, stem), (high, stem + shade), (high * 0.9, stem + shade), (low * 0.95, stem)]))


def clock(b, r):
    """An alarm clock: a disc with two bells and two feet, facing -y."""
    radius = r.uniform(0.55, 0.65)
    flat = turn("x", 90)
    b.add(cylinder(radius, 0.3, segments=20), at=(0, 0.15, 0), turn=flat)
    b.add(cylinder(radius * 0.82, 0.02, segments=20), LIGHT, at=(0, -0.15, 0), turn=flat)
    for i in range(12):
        tick = turn("y", 30 * i) @ (0, 0, radius * 0.7)
        b.add(box(0.04, 0.02, 0.1), DARK, at=(tick[0], -0.17, tick[2]), turn=turn("y", 30 * i))
    for length, width in ((0.35, 0.075), (0.52, 0.06)):
        angle = r.uniform(0, 360)
        b.add(box(width, 0.02, radius * length * 1.3), DARK, turn=turn("y", angle), at=tuple(turn("y", angle) @ (0, -0.19, radius * length * 0.6)))
    for x in (-1, 1):
        b.add(ball(0.2, 0.16, 0.15, 10, 6), at=(x * radius * 0.55, 0, radius * 1.05), turn=turn("y", x * 30))
        b.add(rod((x * radius * 0.5, 0, -radius * 0.7), (x * radius * 0.75, 0, -radius * 1.2), 0.06), DARK)
    b.add(arc(0.16, 0.03, 0, 180, 8), b.dark, at=(0, 0, radius * 1.08))


def umbrella(b, r):
    wide, deep, stem = r.uniform(0.85, 1.05), r.uniform(0.35, 0.5), r.uniform(1.0, 1.3)
    profile = [(0, stem + deep), (wide * 0.5, stem + deep * 0.82), (wide * 0.82, stem + deep * 0.45), (wide, stem)]
    b.add(lathe(profile, 8 if r.random() < 0.5 else 12))
    b.add(rod((0, 0, 0), (0, 0, stem + deep + 0.15), 0.035), DARK)
    b.add(arc(0.13, 0.035, 180, 360, 8), WOOD, at=(0.13, 0, 0))


def hat(b, r):
    """A top hat or a wide-brimmed hat with a dark band."""
    radius, tall, brim = r.uniform(0.4, 0.5), r.uniform(0.5, 0.8), r.uniform(0.75, 0.95)
    b.add(lathe([(0, 0.02), (brim, 0), (brim, 0.06), (radius, 0.06), (radius * r.uniform(0.85, 1.05), tall), (0, tall)], 18))
    b.add(cylinder(radius * 1.03, 0.12, segments=18), b.dark, at=(0, 0, 0.07))


def crown(b, r):
    radius, tall, points = r.uniform(0.6, 0.7), r.uniform(0.35, 0.5), int(r.integers(5, 8))
    b.add(lathe([(radius, 0), (radius * 1.05, tall), (radius, tall), (radius * 0.95, 0)], 20))
    for i in range(points):
        angle = 360 * i / points
        spot = turn("z", angle) @ (radius * 1.02, 0, tall)
        b.add(cylinder(0.24, 0.36, 0.0, 4), at=spot)
        b.add(ball(0.075, segments=6, rows=5), b.light, at=spot + (0, 0, 0.38))


def key(b, r):
    """Lies in the xz plane."""
    ring, shaft = r.uniform(0.28, 0.38), r.uniform(1.0, 1.3)
    b.add(arc(ring, r.uniform(0.08, 0.11), 0, 360, 18), at=(0, 0, 0))
    b.add(rod((0, 0, -ring), (0, 0, -ring - shaft), 0.085))
    for depth in r.choice([0.06, 0.22, 0.38], int(r.integers(2, 4)), replace=False):
        b.add(box(r.uniform(0.22, 0.32), 0.1, 0.11), at=(0.16, 0, -ring - shaft + depth + 0.05))


def hammer(b, r):
    long, head = r.uniform(1.2, 1.5), r.uniform(0.55, 0.75)
    b.add(rod((0, 0, 0), (0, 0, long), 0.075, 0.065), WOOD)
    b.add(cylinder(0.13, long * 0.42, 0.1), at=(0, 0, -0.02))
    b.add(rod((-head / 2, 0, long), (head * 0.2, 0, long), r.uniform(0.16, 0.2)))
    if r.random() < 0.5:
        b.add(rod((head * 0.2, 0, long), (head * 0.75, 0, long - 0.06), 0.13, 0.02))
    else:
        b.add(rod((head * 0.2, 0, long), (head * 0.5, 0, long), 0.18))


def ladder(b, r):
    tall, wide, steps = r.uniform(1.8, 2.2), r.uniform(0.5, 0.65), int(r.integers(5, 8))
    for x in (-1, 1):
        b.add(box(0.1, 0.12, tall), at=(x * wide / 2, 0, tall / 2))
    for i in range(steps):
        b.add(box(wide, 0.09, 0.085), at=(0, 0, tall * (i + 0.6) / steps))


def sword(b, r):
    """Lies in the xz plane, point up; blade and grip carry the colour."""
    long, wide, guard = r.uniform(1.3, 1.6), r.uniform(0.11, 0.15), r.uniform(0.32, 0.42)
    b.add(slab([(-wide, 0), (wide, 0), (wide * 0.9, long * 0.85), (0, long), (-wide * 0.9, long * 0.85)], 0.07))
    b.add(box(guard * 2, 0.13, 0.12), b.dark)
    b.add(rod((0, 0, 0), (0, 0, -0.38), 0.075))
    b.add(ball(0.12), at=(0, 0, -0.42))


def house(b, r):
    long, wide, tall, roof = r.uniform(1.1, 1.5), r.uniform(0.9, 1.1), r.uniform(0.6, 0.85), r.uniform(0.4, 0.65)
    b.add(box(long, wide, tall), at=(0, 0, tall / 2))
    edge = wide / 2 + 0.1
    tone = [DARK, STEEL, (0.36, 0.26, 0.2)][int(r.integers(3))]
    b.add(slab([(-wide / 2, 0), (wide / 2, 0), (0, roof)], long), at=(0, 0, tall), turn=turn("z", 90))
    b.add(slab([(-edge, -0.03), (0, roof + 0.09), (edge, -0.03), (0, roof)], long + 0.16), tone, at=(0, 0, tall), turn=turn("z", 90))
    side = -wide / 2 - 0.01
    b.add(box(0.22, 0.03, tall * 0.6), WOOD, at=(r.uniform(-0.15, 0.15), side, tall * 0.3))
    for x in (-0.33, 0.33):
        for y in (side, -side):
            b.add(box(0.24, 0.03, 0.24), GLASS, at=(x * long, y, tall * 0.62))
    b.add(box(0.16, 0.16, roof * 0.8), at=(long * 0.28, wide * 0.18, tall + roof * 0.7))
