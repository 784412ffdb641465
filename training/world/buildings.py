"""Meshes of buildings. Conventions as in `household`; fronts look towards -y."""

import numpy as np

from world.shapes import GLASS, STEEL, WOOD, box, cylinder, lathe, rod, slab, turn

STONE = (0.47, 0.46, 0.44)
LANTERN = (0.98, 0.90, 0.55)
ROOFS = (STEEL, (0.36, 0.26, 0.2), (0.3, 0.32, 0.36))


def _roof(b, r):
    return b.dark if r.random() < 0.4 else ROOFS[int(r.integers(len(ROOFS)))]


def castle(b, r):
    """Four towers with battlements or pointed roofs, walls between them, a gate."""
    half, wall, radius = r.uniform(0.6, 0.75), r.uniform(0.5, 0.68), r.uniform(0.22, 0.28)
    tower = wall + r.uniform(0.22, 0.5)
    pointed, roof = r.random() < 0.45, _roof(b, r)
    for x in (-1, 1):
        b.add(box(0.18, half * 2, wall), at=(x * half, 0, wall / 2))
        b.add(box(half * 2, 0.18, wall), at=(0, x * half, wall / 2))
        for i in (-0.5, 0, 0.5):
            b.add(box(0.17, 0.18, 0.14), at=(i * half, x * half, wall + 0.07))
        for y in (-1, 1):
            profile = [(radius, 0), (radius, tower), (radius * 1.2, tower + 0.06), (radius * 1.2, tower + 0.2), (0, tower + 0.2)]
            b.add(lathe(profile, 8), at=(x * half, y * half, 0))
            if pointed:
                b.add(cylinder(radius * 1.35, r.uniform(0.4, 0.6), 0.0, 8), roof, at=(x * half, y * half, tower + 0.18))
            for i in range(0 if pointed else 4):
                around = turn("z", 90 * i)
                b.add(box(0.13, 0.17, 0.15), at=tuple(np.array([x * half, y * half, tower + 0.26]) + around @ (radius, 0, 0)), turn=around)
    if r.random() < 0.5:
        keep = tower + r.uniform(0.05, 0.3)
        b.add(box(half * 0.75, half * 0.75, keep), at=(0, 0.1, keep / 2))
    b.add(slab([(-0.17, 0), (0.17, 0), (0.17, 0.26), (0.1, 0.38), (0, 0.42), (-0.1, 0.38), (-0.17, 0.26)], 0.06), b.dark, at=(0, -half - 0.09, 0))


def church(b, r):
    """A nave with a pitched roof and a tall pointed tower with a cross at the -x end."""
    long, wide, wall, rise = r.uniform(1.1, 1.45), r.uniform(0.6, 0.75), r.uniform(0.5, 0.65), r.uniform(0.36, 0.5)
    tower, square, spire = wall + r.uniform(0.55, 0.8), r.uniform(0.42, 0.52), r.uniform(0.6, 0.9)
    roof = _roof(b, r)
    b.add(box(long, wide, wall), at=(long / 2, 0, wall / 2))
    gable = [(-wide / 2 - 0.02, 0), (wide / 2 + 0.02, 0), (0, rise)]
    b.add(slab(gable, long), at=(long / 2, 0, wall), turn=turn("z", 90))
    slopes = [(-wide / 2 - 0.1, -0.02), (0, rise + 0.07), (wide / 2 + 0.1, -0.02), (0, rise)]
    b.add(slab(slopes, long * 0.94), roof, at=(long * 0.5, 0, wall + 0.01), turn=turn("z", 90))
    b.add(box(square, square, tower), at=(-square * 0.3, 0, tower / 2))
    b.add(cylinder(square * 0.8, spire, 0.0, 4), roof if r.random() < 0.6 else None, at=(-square * 0.3, 0, tower), turn=turn("z", 45))
    top = tower + spire
    for size, z in (((0.06, 0.06, 0.36), 0.1), ((0.24, 0.06, 0.06), 0.16)):
        b.add(box(*size), b.dark, at=(-square * 0.3, 0, top + z))
    glass = GLASS if r.random() < 0.6 else b.dark
    arch = [(-0.07, 0), (0.07, 0), (0.07, 0.2), (0, 0.29), (-0.07, 0.2)]
    for y in (-1, 1):
        for x in (0.35, 0.6, 0.85):
            b.add(slab(arch, 0.03), glass, at=(long * x, y * wide / 2, wall * 0.32))
        b.add(slab(arch, 0.03), b.dark, at=(-square * 0.3, y * square / 2, tower - 0.38))
    b.add(slab([(-0.1, 0), (0.1, 0), (0.1, 0.26), (0, 0.38), (-0.1, 0.26)], 0.03), WOOD, at=(-square * 0.8, 0, 0), turn=turn("z", 90))


def tent(b, r):
    """Two slopes on a ridge; the front, towards -y, stands open."""
    half, tall, long = r.uniform(0.62, 0.8), r.uniform(0.8, 1.0), r.uniform(1.2, 1.6)
    b.add(slab([(-half, 0), (half, 0), (0, tall)], long))
    gap = half * r.uniform(0.4, 0.6)
    b.add(slab([(-gap, 0), (gap, 0), (0, tall * 0.8)], 0.03), b.dark, at=(0, -long / 2 - 0.01, 0))
    for x in (-1, 1):  # the flaps, folded aside
        swing = r.uniform(0.15, 0.3)
        foot = [[x * gap, -long / 2 - 0.03, 0], [x * (gap + 0.25), -long / 2 - swing, 0]]
        corners = np.array([[0, -long / 2, tall * 0.86], *foot, [x * 0.12, -long / 2 - 0.05, tall * 0.7]])
        b.add((corners, np.array([[0, 1, 2], [0, 2, 3]])))
    for y in (-1, 1):
        end = y * (long / 2 + 0.02)
        b.add(rod((0, end, tall * 0.95), (0, end, tall + 0.16), 0.03, segments=5), WOOD)
        if r.random() < 0.7:
            b.add(rod((0, end, tall + 0.06), (0, y * (long / 2 + 0.5), 0), 0.016, segments=4), b.light)


def windmill(b, r):
    """A tapering tower with a cap; four big sails towards -y."""
    foot, head, tall = r.uniform(0.42, 0.5), r.uniform(0.25, 0.31), r.uniform(1.3, 1.6)
    b.add(lathe([(0, 0), (foot, 0), (head, tall), (0, tall)], 8))
    b.add(cylinder(head * 1.2, r.uniform(0.28, 0.42), 0.04, 8), _roof(b, r) if r.random() < 0.4 else None, at=(0, 0, tall))
    hub = np.array([0, -foot * 0.5 - 0.12, tall * 0.98])
    b.add(rod((0, 0, tall * 0.98), hub - (0, 0.04, 0), 0.07, segments=6), b.dark)
    start, long, wide = r.uniform(0, 90), r.uniform(0.85, 1.05), r.uniform(0.24, 0.32)
    cloth = None if r.random() < 0.4 else b.light
    for i in range(4):
        around = turn("y", start + 90 * i)
        b.add(box(0.06, 0.05, long), b.dark if cloth is None else WOOD, at=tuple(hub + around @ (0, 0, long / 2)), turn=around)
        for k in range(3):
            z = long * (0.36 + 0.25 * k)
            b.add(box(wide, 0.03, long * 0.22), cloth, at=tuple(hub + around @ (wide / 2, 0, z)), turn=around)
    b.add(box(0.2, 0.06, 0.34), WOOD, at=(0, -foot * 0.95, 0.17))
    b.add(box(0.14, 0.06, 0.16), b.dark, at=(0, -foot * 0.76, tall * 0.5))


def lighthouse(b, r):
    """A slim striped tower with a gallery, a glass lantern and a cap."""
    foot, head, tall = r.uniform(0.32, 0.42), r.uniform(0.18, 0.23), r.uniform(1.4, 1.8)
    bands = int(r.choice([5, 7]))
    heights = np.cumsum([0, *(0.8 if i % 2 else 1.3 for i in range(bands))])
    for i, (low, high) in enumerate(zip(heights, heights[1:])):
        ring = [(foot + (head - foot) * t, t * tall) for t in (low / heights[-1], high / heights[-1])]
        b.add(lathe(ring, 12), b.light if i % 2 else None)
    b.add(cylinder(head * 1.5, 0.08, segments=12), at=(0, 0, tall))
    b.add(cylinder(head * 0.75, 0.28, segments=8), LANTERN, at=(0, 0, tall + 0.08))
    for i in range(4):
        post = turn("z", 45 + 90 * i) @ (head * 0.8, 0, 0)
        b.add(rod(post + (0, 0, tall + 0.08), post + (0, 0, tall + 0.38), 0.025, segments=4), b.dark)
    b.add(cylinder(head * 1.15, r.uniform(0.2, 0.34), 0.02, 12), at=(0, 0, tall + 0.36))
    b.add(box(0.16, 0.06, 0.28), b.dark, at=(0, -foot, 0.14))
    if r.random() < 0.5:
        b.add(lathe([(foot * 1.35, -0.12), (foot * 1.25, 0.04), (foot * 0.9, 0.1)], 8), STONE)


def _vault(span, rise, foot, top, depth, segments=8):
    """The wall above a round arch between x = 0 and `span`: from the arch, which springs at `foot`, up to `top`."""
    angles = np.linspace(np.pi, 0, segments + 1)
    x = span / 2 * (1 + np.cos(angles))
    z = foot + rise * np.sin(angles)
    n = segments + 1
    rings = [np.stack([x, np.full(n, y), height], 1) for y in (-depth / 2, depth / 2) for height in (z, np.full(n, top))]
    i = np.arange(segments)
    quads = ((0, 1), (2, 3), (0, 2), (1, 3))
    faces = []
    for a, c in quads:
        low, high = a * n + i, c * n + i
        faces += [np.stack([low, low + 1, high], 1), np.stack([low + 1, high + 1, high], 1)]
    return np.concatenate(rings), np.concatenate(faces)


def bridge(b, r):
    """Runs along x on two to four arches, with parapets."""
    arches, tall, depth = int(r.integers(2, 5)), r.uniform(0.6, 0.85), r.uniform(0.4, 0.55)
    pier, long = r.uniform(0.12, 0.2), r.uniform(2.2, 2.6)
    span = (long - pier * (arches + 1)) / arches
    rise = min(span / 2 * r.uniform(0.8, 1.1), tall * 0.75)
    foot = tall * 0.85 - rise
    for i in range(arches + 1):
        x = i * (span + pier) - long / 2
        b.add(box(pier, depth * 1.15, tall), at=(x + pier / 2, 0, tall / 2))
        if i < arches:
            b.add(_vault(span, rise, foot, tall, depth), at=(x + pier, 0, 0))
    ramp = r.uniform(0.15, 0.35)
    b.add(box(long + ramp * 2, depth * 1.1, 0.08), STONE if r.random() < 0.5 else None, at=(0, 0, tall + 0.04))
    solid = r.random() < 0.5
    for y in (-1, 1):
        side = y * depth * 0.52
        if solid:
            b.add(box(long + ramp * 2, 0.06, 0.2), at=(0, side, tall + 0.16))
            continue
        b.add(box(long + ramp * 2, 0.05, 0.06), at=(0, side, tall + 0.3))
        for x in np.linspace(-0.5, 0.5, 8):
            b.add(box(0.07, 0.06, 0.28), at=(x * (long + ramp * 1.9), side, tall + 0.18))
    for x in (-1, 1):
        b.add(box(ramp, depth, tall), at=(x * (long + ramp) / 2, 0, tall / 2))
