"""Meshes of vehicles other than those in `machines`. Conventions as in `household`; all of them head +x."""

import numpy as np

from world.lofts import cut, loft, smooth
from world.shapes import BEAK, DARK, GLASS, LIGHT, STEEL, WOOD, arc, ball, box, lathe, rod, slab, turn

RED, BLUE = (0.88, 0.12, 0.12), (0.15, 0.35, 0.95)


def _axle(b, x, wide, radius, tyre=0.15):
    """Two wheels, their outer faces `wide` apart."""
    profile = [(0, 0), (radius * 0.55, 0), (radius, 0.03), (radius, tyre), (radius * 0.4, tyre)]
    wheel, hub = cut(lathe(profile, 12), lambda m: m[:, 2] < 0.001)
    for y in (-1, 1):
        for shape, tone in ((wheel, DARK), (hub, STEEL)):
            b.add(shape, tone, at=(x, y * wide / 2, radius), turn=turn("x", y * 90))


def _panel(x, z):
    """A sheet in the xz plane: what is only seen from outside needs no inside to scan."""
    return slab([(-x / 2, -z / 2), (x / 2, -z / 2), (x / 2, z / 2), (-x / 2, z / 2)], 0.012)


def _headlights(b, x, wide, z, size=0.07):
    for y in (-1, 1):
        b.add(ball(size * 0.6, size, size, 6, 4), LIGHT if min(b.body) < 0.7 else BEAK, at=(x, y * wide * 0.36, z))


def bus(b, r):
    """A long box with a row of windows, or two rows."""
    long, wide, low = r.uniform(2.1, 2.7), r.uniform(0.62, 0.72), r.uniform(0.28, 0.34)
    wheel, pane = r.uniform(0.16, 0.2), r.uniform(0.24, 0.3)
    across = turn("z", 90)
    decks = 2 if r.random() < 0.3 else 1
    tall = low + decks * (pane + 0.16)
    b.add(box(long, wide, tall), at=(0, 0, wheel + tall / 2))
    count = int(r.integers(5, 8))
    step = (long - 0.26) / count
    for deck in range(decks):
        z = wheel + low + pane / 2 + deck * (pane + 0.16)
        for i in range(count):
            for y in (-1, 1):
                b.add(_panel(step * 0.78, pane), GLASS, at=(-long / 2 + 0.13 + step * (i + 0.5), y * (wide / 2 + 0.01), z))
        for x in (-1, 1):
            b.add(_panel(wide * 0.86, pane), GLASS, at=(x * (long / 2 + 0.01), 0, z), turn=across)
    b.add(box(step * 0.55, 0.04, low + pane - 0.08), DARK, at=(long / 2 - 0.13 - step * 0.5, -wide / 2, wheel + 0.06 + (low + pane - 0.08) / 2))
    if r.random() < 0.4:
        b.add(box(long * 1.004, wide * 1.015, 0.06), b.light, at=(0, 0, wheel + low * 0.72))
    if decks == 1 and r.random() < 0.5:
        b.add(box(long * r.uniform(0.25, 0.4), wide * 0.6, 0.1), STEEL, at=(-long * r.uniform(0, 0.2), 0, wheel + tall + 0.04))
    b.add(box(0.04, wide * 0.5, 0.1), b.dark, at=(long / 2, 0, wheel + tall - 0.07))
    _headlights(b, long / 2, wide, wheel + low * 0.4)
    _axle(b, long * 0.32, wide * 1.03, wheel * 1.1)
    _axle(b, -long * 0.3, wide * 1.03, wheel * 1.1)


def truck(b, r):
    """A cab and, with a gap, a big box or a tipper behind it."""
    wide, wheel, cab, load = r.uniform(0.68, 0.8), r.uniform(0.2, 0.24), r.uniform(0.48, 0.58), r.uniform(1.25, 1.6)
    base, high = wheel * 1.5, r.uniform(0.62, 0.76)
    snout = r.uniform(0.25, 0.4) if r.random() < 0.4 else 0.0
    front = 0.12 + cab
    b.add(box(load + cab + 0.1, wide * 0.6, 0.12), DARK, at=((cab - load) / 2 + 0.05, 0, base - 0.06))
    b.add(slab([(0.12, 0), (front, 0), (front, high * 0.45), (front - 0.12, high), (0.12, high)], wide * 0.94), at=(0, 0, base - 0.1))
    screen = [(front + 0.012, high * 0.5), (front - 0.09, high * 0.92), (front - 0.18, high * 0.92), (front - 0.1, high * 0.5)]
    b.add(slab(screen, wide * 0.8), GLASS, at=(0, 0, base - 0.1))
    b.add(box(cab * 0.4, wide * 0.96, high * 0.34), GLASS, at=(front - cab * 0.48, 0, base - 0.1 + high * 0.7))
    if snout:
        b.add(box(snout, wide * 0.8, high * 0.46), at=(front + snout / 2, 0, base - 0.1 + high * 0.23))
    nose = front + snout
    b.add(box(0.05, wide * 0.5, high * 0.2), b.dark, at=(nose, 0, base + high * 0.16))
    b.add(box(0.08, wide, 0.1), STEEL, at=(nose + 0.02, 0, base - 0.1))
    _headlights(b, nose + 0.02, wide, base + 0.02, 0.065)
    tall = r.uniform(0.8, 1.05)
    if r.random() < 0.7:
        b.add(box(load, wide * 1.08, tall), at=(-load / 2, 0, base + tall / 2 + 0.02))
        rib = b.dark if max(b.body) > 0.3 else STEEL
        for y in (-1, 1):
            for z in (0.05, tall):
                b.add(box(load * 1.01, 0.04, 0.06), rib, at=(-load / 2, y * wide * 0.54, base + z))
            for x in (-load, 0):
                b.add(box(0.04, 0.04, tall), rib, at=(x, y * wide * 0.54, base + tall / 2))
        b.add(box(0.02, 0.03, tall * 0.9), rib, at=(-load - 0.01, 0, base + tall / 2))
    else:
        tall *= 0.62
        side = [(-load * 0.95, 0), (-0.08, 0), (0.0, tall), (0.2, tall + 0.06), (0.2, tall + 0.12), (-load, tall)]
        b.add(slab(side, wide * 1.1), at=(0, 0, base + 0.04))
        b.add(box(load * 0.9, wide * 0.95, 0.06), (0.36, 0.30, 0.24), at=(-load * 0.5, 0, base + tall + 0.07))
        for x in np.linspace(-load * 0.85, -load * 0.15, 4):
            b.add(box(0.06, wide * 1.16, tall * 0.95), at=(x, 0, base + 0.04 + tall / 2))
    if r.random() < 0.5:
        for y in (-1, 1):
            b.add(rod((0.06, y * wide * 0.42, base), (0.06, y * wide * 0.42, base + high + 0.12), 0.035, segments=6), STEEL)
    _axle(b, front - cab * 0.35 + snout * 0.6, wide, wheel)
    _axle(b, -load * 0.85 + wheel * 0.3, wide * 1.05, wheel)
    _axle(b, -load * 0.85 + wheel * 2.5, wide * 1.05, wheel)


def bicycle(b, r):
    """Two thin wheels and a frame of tubes in the xz plane."""
    wheel, base, tube = r.uniform(0.4, 0.46), r.uniform(1.02, 1.2), r.uniform(0.038, 0.05)
    tyre = DARK if r.random() < 0.6 else None
    for x in (-base / 2, base / 2):
        tread, rim = cut(arc(wheel, 0.052, 0, 360, 16), lambda m: np.hypot(m[:, 0], m[:, 2]) < wheel + 0.02)
        b.add(tread, tyre, at=(x, 0, wheel))
        b.add(rim, at=(x, 0, wheel))
        start = r.uniform(0, 45)
        for i in range(4):
            way = turn("y", start + 45 * i)
            b.add(box(wheel * 2, 0.016, 0.016), STEEL, at=(x, 0, wheel), turn=way)
        b.add(rod((x, -0.07, wheel), (x, 0.07, wheel), 0.05, segments=7), STEEL)
    rear, fore = np.array([-base / 2, 0, wheel]), np.array([base / 2, 0, wheel])
    crank = np.array([-0.1, 0, wheel - 0.04])
    seat = np.array([-0.24, 0, wheel + r.uniform(0.42, 0.52)])
    head = np.array([base / 2 - 0.2, 0, wheel + r.uniform(0.42, 0.5)])
    low = head + (0.05, 0, -0.14)
    step = r.random() < 0.3  # a low frame to step through
    b.add(rod(crank, seat, tube, segments=6))
    b.add(rod(crank, low, tube * 1.1, segments=6))
    b.add(rod((seat + crank) / 2 if step else seat - (-0.01, 0, 0.05), low + (-0.03, 0, 0.04) if step else head, tube, segments=6))
    for y in (-0.05, 0.05):
        b.add(rod(crank + (0, y, 0), rear + (0, y, 0), tube * 0.7, segments=5))
        b.add(rod(seat + (0.02, y * 0.5, -0.06), rear + (0, y, 0), tube * 0.6, segments=5))
        b.add(rod(low + (0.02, y, 0), fore + (0, y, 0), tube * 0.75, segments=5))
    bar = head + (-0.06, 0, r.uniform(0.12, 0.22))
    b.add(rod(low, head, tube * 1.2, segments=6))
    b.add(rod(head, bar, tube * 0.8, segments=5), STEEL)
    sweep, half = r.uniform(-0.15, 0.12), r.uniform(0.24, 0.32)
    for y in (-1, 1):
        b.add(rod(bar, bar + (sweep, y * half, 0.02), 0.032, segments=5), STEEL)
        b.add(rod(bar + (sweep, y * half, 0.02), bar + (sweep - 0.12, y * half, 0.0), 0.042, segments=5), DARK)
        b.add(rod(crank + (0, y * 0.06, 0), crank + (y * 0.13, y * 0.08, -y * 0.1), 0.024, segments=5), STEEL)
        b.add(box(0.12, 0.1, 0.035), DARK, at=crank + (y * 0.13, y * 0.13, -y * 0.1))
    b.add(rod(seat, seat + (-0.03, 0, 0.12), tube * 0.8, segments=5), STEEL)
    b.add(slab([(-0.17, 0.05), (-0.15, -0.03), (0.18, 0.0), (0.19, 0.04)], 0.13), DARK, at=seat + (-0.02, 0, 0.14))
    b.add(rod(crank + (0, -0.02, 0), crank + (0, 0.02, 0), 0.11, segments=10), STEEL)
    if r.random() < 0.5:
        for x, turned in ((-base / 2, 25), (base / 2, 60)):
            b.add(arc(wheel + 0.085, 0.03, turned, turned + 120, 7, 4), at=(x, 0, wheel))
    if r.random() < 0.3:
        b.add(box(0.26, 0.3, 0.2), WOOD, at=bar + (0.22, 0, -0.1))


def submarine(b, r):
    """A cigar with a tower and periscope, round windows and a screw."""
    long, fat, tower = r.uniform(0.95, 1.2), r.uniform(0.28, 0.38), r.uniform(0.26, 0.38)
    hull = [(-1, 0.15), (-0.8, 0.5), (-0.35, 0.97), (0.5, 1), (0.85, 0.72), (1, 0.25)]
    b.add(loft(smooth([(x * long, 0, 0, girth * fat) for x, girth in hull]), 12))
    x = r.uniform(0.0, 0.25)
    vertices, faces = loft([(0, 0, fat * 0.7, 0.2), (0, 0, fat + tower * 0.8, 0.17), (0, 0, fat + tower, 0.13)], 10)
    b.add((vertices * (r.uniform(1.3, 1.7), 1, 1), faces), at=(x, 0, 0))
    up, tone = r.uniform(0.26, 0.38), b.dark
    top = np.array([x + 0.05, 0, fat + tower])
    b.add(rod(top - (0, 0, 0.1), top + (0, 0, up), 0.035, segments=6), tone)
    b.add(rod(top + (-0.02, 0, up), top + (0.15, 0, up), 0.045, segments=6), tone)
    if r.random() < 0.5:
        b.add(rod(top + (-0.16, 0, -0.05), top + (-0.16, 0, up * 0.6), 0.02, segments=5), tone)
    count, size = int(r.integers(3, 5)), r.uniform(0.09, 0.12)
    window = lathe([(size, -0.05), (size, 0.02), (size * 0.7, 0.04), (0, 0.04)], 8)
    frame, glass = cut(window, lambda m: np.hypot(m[:, 0], m[:, 1]) < size * 0.55)
    for i in range(count):
        at = long * (0.62 - 0.3 * i)
        for y in (-1, 1):
            spot, way = (at, y * fat * (0.96 if i else 0.88), 0.05), turn("x", -y * 90)
            b.add(frame, tone, at=spot, turn=way)
            b.add(glass, GLASS, at=spot, turn=way)
    fin = r.uniform(0.34, 0.46)
    for angle in (0, 90, 180, 270):
        b.add(slab([(0.16, 0), (0.02, fin), (-0.18, fin), (-0.1, 0)], 0.05), at=(-long * 0.82, 0, 0), turn=turn("x", angle))
    for y in (-1, 1):
        b.add(slab([(0.14, 0), (0.0, y * 0.28), (-0.14, y * 0.28), (-0.14, 0)], 0.05), at=(long * 0.5, y * fat * 0.85, -0.08), turn=turn("x", -90))
    b.add(rod((-long * 0.95, 0, 0), (-long - 0.16, 0, 0), 0.05, segments=6), STEEL)
    spun = r.uniform(0, 120)
    for i in range(3):
        way = turn("x", spun + 120 * i) @ turn("z", 60)
        b.add(slab([(-0.05, 0), (0.05, 0), (0.09, 0.26), (-0.09, 0.26)], 0.03), BEAK if b.body[0] < 0.9 else STEEL, at=(-long - 0.12, 0, 0), turn=way)


def ambulance(b, r):
    """A van with a light bar on its roof and a cross on its sides and back."""
    wide, wheel, tall, back = r.uniform(0.72, 0.84), r.uniform(0.18, 0.22), r.uniform(0.78, 0.95), r.uniform(1.05, 1.35)
    nose, cab = r.uniform(0.25, 0.42), r.uniform(0.5, 0.6)
    low, across = wheel * 0.9, turn("z", 90)
    step = r.choice([0.0, 0.1])  # how much lower than the box the cab is
    high = tall - step
    b.add(box(back, wide, tall), at=(-back / 2, 0, low + tall / 2))
    side = [(-0.02, 0), (cab + nose, 0), (cab + nose, tall * 0.4), (cab, tall * 0.5), (cab * 0.55, high), (-0.02, high)]
    b.add(slab(side, wide * 0.95), at=(0, 0, low))
    screen = [(cab + 0.012, tall * 0.54), (cab * 0.58 + 0.02, high * 0.95), (cab * 0.4, high * 0.9), (cab * 0.7, tall * 0.52)]
    doors = [(cab * 0.86, tall * 0.55), (cab * 0.5, high * 0.92), (0.08, high * 0.92), (0.08, tall * 0.55)]
    b.add(slab(screen, wide * 0.8), GLASS, at=(0, 0, low))
    b.add(slab(doors, wide * 0.965), GLASS, at=(0, 0, low))
    cross = (0.97, 0.97, 0.97) if min(b.body) < 0.7 else RED
    size, x, z = r.uniform(0.46, 0.56) * tall, -back * 0.5, low + tall * 0.6
    for a, c in ((size, size * 0.34), (size * 0.34, size)):
        for y in (-1, 1):
            b.add(_panel(a, c), cross, at=(x, y * (wide / 2 + 0.01), z))
        b.add(_panel(a, c), cross, at=(-back - 0.01, 0, z), turn=across)
    if r.random() < 0.5:
        for y in (-1, 1):
            b.add(_panel(back, 0.09), cross, at=(-back / 2, y * (wide / 2 + 0.01), low + tall * 0.16))
    tone = RED if b.body[2] > b.body[0] + 0.2 else BLUE if b.body[0] > b.body[2] + 0.2 else (RED, BLUE)[int(r.integers(2))]
    bar = r.choice([0.0, -0.35]) * back + 0.1
    roof = low + (high if bar > 0 else tall)
    b.add(box(0.2, wide * 0.8, 0.05), STEEL, at=(bar, 0, roof + 0.02))
    for y in (-1, 1):
        b.add(box(0.22, wide * 0.34, r.uniform(0.12, 0.17)), tone, at=(bar, y * wide * 0.24, roof + 0.1))
    b.add(box(0.05, wide * 0.5, tall * 0.14), b.dark, at=(cab + nose, 0, low + tall * 0.27))
    b.add(box(0.07, wide, 0.1), STEEL, at=(cab + nose, 0, low + 0.06))
    _headlights(b, cab + nose, wide, low + tall * 0.27)
    _axle(b, cab * 0.85, wide * 1.02, wheel)
    _axle(b, -back * 0.68, wide * 1.02, wheel)
