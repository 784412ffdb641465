"""Meshes of furniture. Conventions as in `household`."""

from world.shapes import GLASS, LIGHT, STEEL, WOOD, ball, box, cylinder, lathe, rod, turn

COVERS = (LIGHT, STEEL, WOOD, (0.33, 0.30, 0.28), (0.72, 0.66, 0.55))


def sofa(b, r):
    """Faces -y: a long low seat between two arms, with cushions."""
    wide, deep, seat = r.uniform(1.5, 2.1), r.uniform(0.7, 0.85), r.uniform(0.3, 0.4)
    back, arm, thick = r.uniform(0.42, 0.6), r.uniform(0.2, 0.32), r.uniform(0.09, 0.14)
    b.add(box(wide, deep, seat - 0.08), at=(0, 0, seat / 2 + 0.06))
    b.add(box(wide, 0.2, back), at=(0, deep / 2 - 0.06, seat + back / 2), turn=turn("x", -10))
    for x in (-1, 1):
        side = x * (wide / 2 + thick * 0.8)
        b.add(box(thick * 2, deep + 0.06, seat + arm), at=(side, 0, (seat + arm) / 2 + 0.08))
        b.add(rod((side, -deep / 2 - 0.04, seat + arm + 0.06), (side, deep / 2, seat + arm + 0.06), thick * 1.15, segments=10))
        for y in (-0.4, 0.4):
            b.add(box(0.1, 0.1, 0.14), b.dark, at=(side, y * deep, 0.05))
    count = int(r.integers(2, 4))
    for i in range(count):
        x = (i - (count - 1) / 2) * wide / count
        b.add(box(wide / count - 0.06, deep * 0.8, 0.14), at=(x, -0.1, seat + 0.07))
        b.add(box(wide / count - 0.08, 0.16, back * 0.75), at=(x, deep / 2 - 0.24, seat + back * 0.55), turn=turn("x", -14))
    if r.random() < 0.4:
        b.add(ball(0.17, 0.1, 0.17, 8, 5), b.light, at=(r.choice([-0.36, 0.36]) * wide, -0.02, seat + 0.28), turn=turn("x", -20))


def stool(b, r):
    """A small round seat on three or four tall, splayed legs with rungs between them."""
    seat, tall, splay = r.uniform(0.32, 0.42), r.uniform(0.95, 1.35), r.uniform(0.1, 0.24)
    legs, thick = int(r.integers(3, 5)), r.uniform(0.035, 0.055)
    b.add(cylinder(seat, r.uniform(0.09, 0.16), seat * r.uniform(0.85, 1.0), 16), at=(0, 0, tall))
    start, level, foot = r.uniform(0, 90), r.uniform(0.25, 0.5), seat * 0.8 + splay
    feet = [turn("z", start + 360 * i / legs) @ (foot, 0, 0) for i in range(legs)]
    tops = [turn("z", start + 360 * i / legs) @ (seat * 0.7, 0, tall) for i in range(legs)]
    for i, (low, high) in enumerate(zip(feet, tops)):
        b.add(rod(low, high, thick * 0.85, thick, 6))
        j = (i + 1) % legs
        b.add(rod(low + (high - low) * level, feet[j] + (tops[j] - feet[j]) * level, thick * 0.65, segments=5))


def bookshelf(b, r):
    """Faces -y: boards with muted books on them."""
    wide, tall, deep, shelves = r.uniform(0.85, 1.25), r.uniform(1.5, 1.9), r.uniform(0.3, 0.42), int(r.integers(3, 5))
    board = r.uniform(0.07, 0.1)
    b.add(box(wide, 0.04, tall), at=(0, deep / 2, tall / 2))
    for x in (-1, 1):
        b.add(box(board, deep, tall), at=(x * wide / 2, 0, tall / 2))
    step = (tall - board) / shelves
    for i in range(shelves + 1):
        b.add(box(wide, deep, board), at=(0, 0, board / 2 + i * step))
    for i in range(shelves):
        x, stop = -wide / 2 + board * 0.6 + r.uniform(0, 0.12), wide * r.uniform(0.1, 0.42)
        while x < stop:
            thick, high = r.uniform(0.08, 0.15), step * r.uniform(0.5, 0.78)
            b.add(box(thick * 0.86, deep * 0.62, high), COVERS[int(r.integers(len(COVERS)))], at=(x + thick / 2, -0.06, board + i * step + high / 2))
            x += thick


def bathtub(b, r):
    """A long open tub on four feet, with a tap at one end."""
    deep, long, slope, rim = r.uniform(0.42, 0.55), r.uniform(1.65, 2.0), r.uniform(0.68, 0.82), r.uniform(0.05, 0.09)
    profile = [(0, 0.16), (slope * 0.38, 0.16), (0.5, 0.16 + deep), (0.5 + rim, 0.18 + deep), (0.5 + rim, 0.24 + deep), (0.46, 0.22 + deep)]
    vertices, faces = lathe([*profile, (slope * 0.36, 0.22), (0, 0.22)], 16)
    b.add((vertices * (long, 1, 1), faces))
    for x in (-1, 1):
        for y in (-1, 1):
            b.add(rod((x * long * 0.3, y * 0.32, 0), (x * long * 0.24, y * 0.24, 0.24), 0.09, 0.06, 6), b.dark if r.random() < 0.5 else STEEL)
    end = long * 0.5 + 0.03
    b.add(rod((end, 0, deep), (end, 0, deep + 0.48), 0.045, segments=6), STEEL)
    b.add(rod((end + 0.03, 0, deep + 0.46), (end - 0.3, 0, deep + 0.42), 0.045, segments=6), STEEL)
    if r.random() < 0.5:
        level = r.uniform(0.4, 0.75)
        vertices, faces = lathe([(slope * 0.36 * (1 - level) + 0.46 * level, 0), (0, 0)], 16)
        b.add((vertices * (long, 1, 1), faces), GLASS, at=(0, 0, 0.22 + deep * level))


def television(b, r):
    """An old set with a bulging screen and two aerials; faces -y."""
    wide, tall, deep = r.uniform(1.15, 1.45), r.uniform(0.85, 1.05), r.uniform(0.5, 0.7)
    b.add(box(wide, deep, tall), at=(0, 0, tall / 2))
    b.add(box(wide * 0.7, 0.25, tall * 0.7), at=(0, deep / 2 + 0.1, tall / 2))
    knobs = r.random() < 0.7
    screen = 0.68 if knobs else 0.84
    x = -wide * (0.86 - screen) / 2 if knobs else 0
    b.add(box(wide * screen, 0.05, tall * 0.78), b.dark, at=(x, -deep / 2, tall / 2))
    b.add(ball(wide * screen * 0.46, 0.07, tall * 0.35, 12, 5), GLASS, at=(x, -deep / 2 - 0.02, tall / 2))
    for z in (0.72, 0.5) if knobs else ():
        b.add(cylinder(0.07, 0.06, segments=8), b.light, at=(wide * 0.39, -deep / 2, tall * z), turn=turn("x", 90))
    spread, reach = r.uniform(0.25, 0.5), r.uniform(0.4, 0.65)
    for side in (-1, 1):
        tip = (side * spread, 0, tall + reach)
        b.add(rod((0, 0, tall), tip, 0.025, segments=5), b.dark)
        b.add(ball(0.05, segments=6, rows=4), b.dark, at=tip)
        if knobs:
            b.add(rod((side * wide * 0.42, 0, -0.28), (side * wide * 0.34, 0, 0.02), 0.04, 0.06, 6), WOOD)
        else:
            b.add(box(0.16, deep * 0.7, 0.08), b.dark, at=(side * wide * 0.33, 0, -0.04))
