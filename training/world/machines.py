"""Meshes of vehicles, instruments and a robot. Conventions as in `household`."""

from world.shapes import BEAK, DARK, GLASS, LIGHT, STEEL, WOOD, arc, ball, box, cylinder, lathe, rod, slab, turn


def _wheel(b, x, y, radius, width=0.16, hub=STEEL):
    b.add(cylinder(radius, width, segments=12), DARK, at=(x, y + width / 2, radius), turn=turn("x", 90))
    b.add(cylinder(radius * 0.5, width * 1.1, segments=8), hub, at=(x, y + width * 0.55, radius), turn=turn("x", 90))


def car(b, r):
    long, wide, low = r.uniform(1.7, 2.1), r.uniform(0.75, 0.9), r.uniform(0.3, 0.38)
    wheel = r.uniform(0.19, 0.25)
    b.add(box(long, wide, low), at=(0, 0, wheel + low / 2))
    cabin, roof, back = r.uniform(0.28, 0.4), long * r.uniform(0.2, 0.28), -long * r.uniform(0.05, 0.12)
    side = [(back - roof * 1.35, 0), (back + roof * 1.5, 0), (back + roof, cabin), (back - roof, cabin)]
    b.add(slab(side, wide * 0.86), GLASS, at=(0, 0, wheel + low))
    b.add(box(roof * 2.1, wide * 0.9, 0.06), at=(back, 0, wheel + low + cabin))
    for x in (-1, 1):
        for y in (-1, 1):
            _wheel(b, x * long * 0.31, y * wide * 0.47, wheel)
            if x > 0:
                b.add(ball(0.07), LIGHT, at=(long / 2, y * wide * 0.33, wheel + low * 0.6))


def train(b, r):
    """A steam locomotive with a cab and a funnel, heading +x."""
    long, radius, base = r.uniform(1.2, 1.5), r.uniform(0.3, 0.36), 0.42
    b.add(box(long + 0.75, 0.62, 0.14), at=(-0.25, 0, base - 0.08))
    b.add(rod((-0.35, 0, base + radius), (long - 0.4, 0, base + radius), radius, segments=14))
    b.add(box(0.6, 0.72, r.uniform(0.85, 1.0)), at=(-0.6, 0, base + 0.45))
    b.add(box(0.72, 0.82, 0.08), DARK, at=(-0.6, 0, base + 0.97))
    b.add(box(0.3, 0.74, 0.26), GLASS, at=(-0.6, 0, base + 0.65))
    b.add(cylinder(0.09, 0.42, r.uniform(0.12, 0.18)), DARK, at=(long - 0.65, 0, base + radius * 1.8))
    b.add(ball(0.15), BEAK, at=(long - 1.05, 0, base + radius * 2))
    for x in (-0.7, -0.25, 0.2, long - 0.55):
        for y in (-1, 1):
            _wheel(b, x, y * 0.32, 0.2 if x > 0.3 else 0.24, 0.1, None)
    b.add(slab([(0, 0), (0.35, 0), (0, 0.3)], 0.6), STEEL, at=(long - 0.4, 0, 0.1))


def airplane(b, r):
    long, radius, span = r.uniform(1.8, 2.2), r.uniform(0.16, 0.22), r.uniform(0.9, 1.2)
    b.add(rod((-long / 2, 0, 0.05), (long * 0.3, 0, 0), radius * 0.55, radius, 12))
    b.add(ball(long * 0.2, radius, radius), at=(long * 0.3, 0, 0))
    sweep, chord = r.uniform(0.1, 0.5), r.uniform(0.32, 0.45)
    for y in (-1, 1):
        wing = [(chord / 2, 0), (-chord / 2, 0), (-chord / 2 - sweep, y * span), (-sweep - chord * 0.05, y * span)]
        b.add(slab(wing, 0.05), at=(0.05, 0, -0.03), turn=turn("x", -90))
        tail = [(0.14, 0), (-0.14, 0), (-0.3, y * span * 0.38), (-0.1, y * span * 0.38)]
        b.add(slab(tail, 0.04), at=(-long * 0.44, 0, 0.08), turn=turn("x", -90))
        b.add(rod((-0.12, y * span * 0.45, -0.14), (0.3, y * span * 0.45, -0.14), 0.1), STEEL)
    b.add(slab([(0.16, 0), (-0.16, 0), (-0.28, 0.45), (-0.1, 0.45)], 0.05), at=(-long * 0.43, 0, 0.08))
    b.add(ball(0.14, 0.12, 0.09), GLASS, at=(long * 0.36, 0, radius * 0.8))


def helicopter(b, r):
    wide, blade = r.uniform(0.36, 0.44), r.uniform(0.95, 1.15)
    b.add(ball(0.58, wide, 0.42), at=(0, 0, 0))
    b.add(ball(0.32, wide * 0.8, 0.27), GLASS, at=(0.32, 0, 0.06))
    b.add(rod((-0.35, 0, 0.1), (-1.35, 0, 0.22), 0.15, 0.06))
    b.add(slab([(0, 0), (0.22, 0), (0.05, 0.38), (-0.1, 0.38)], 0.06), at=(-1.42, 0, 0.18))
    b.add(rod((0, 0, 0.35), (0, 0, 0.6), 0.05), STEEL)
    start, blades = r.uniform(0, 180), int(r.integers(2, 5))
    for i in range(blades):
        around = turn("z", start + i * 360 / blades)
        b.add(box(blade, 0.12, 0.03), DARK, at=tuple(around @ (blade / 2, 0, 0.6)), turn=around)
    for y in (-1, 1):
        b.add(rod((-0.5, y * 0.36, -0.55), (0.55, y * 0.36, -0.55), 0.04), STEEL)
        for x in (-0.25, 0.25):
            b.add(rod((x, y * 0.36, -0.55), (x, y * 0.2, -0.25), 0.03), STEEL)


def rocket(b, r):
    radius, tall, nose = r.uniform(0.24, 0.32), r.uniform(1.0, 1.3), r.uniform(0.4, 0.6)
    b.add(lathe([(0, 0), (radius * 0.8, 0), (radius, tall * 0.4), (radius, tall), (radius * 0.6, tall + nose * 0.6), (0, tall + nose)]))
    b.add(cylinder(radius * 0.6, 0.2, radius * 0.4), DARK, at=(0, 0, -0.17))
    fins, fin = int(r.integers(3, 5)), r.uniform(0.3, 0.42)
    for i in range(fins):
        around = turn("z", i * 360 / fins)
        b.add(slab([(0, 0), (fin, -0.2), (fin, 0.12), (0, 0.6)], 0.06), at=tuple(around @ (radius * 0.8, 0, 0)), turn=around)
    b.add(ball(0.12), GLASS, at=(0, -radius, tall * 0.75))
    b.add(ball(0.12), GLASS, at=(0, radius, tall * 0.75))


def sailboat(b, r):
    long, mast = r.uniform(1.3, 1.6), r.uniform(1.3, 1.6)
    hull = WOOD if r.random() < 0.5 else None
    b.add(slab([(-long * 0.4, 0), (long * 0.35, 0), (long * 0.55, 0.28), (-long * 0.5, 0.28)], r.uniform(0.36, 0.46)), hull)
    b.add(rod((0, 0, 0.25), (0, 0, 0.3 + mast), 0.035, segments=6), DARK)
    b.add(slab([(-0.05, 0), (-long * r.uniform(0.42, 0.5), 0), (-0.05, mast * 0.85)], 0.04), at=(0, 0, 0.45))
    b.add(slab([(0.05, 0), (long * r.uniform(0.38, 0.48), 0), (0.05, mast * 0.75)], 0.04), at=(0, 0, 0.42))


def guitar(b, r):
    """Lies in the xz plane, facing -y."""
    low, high, neck = r.uniform(0.42, 0.48), r.uniform(0.3, 0.36), r.uniform(0.85, 1.05)
    flat = turn("x", 90)
    for radius, z in ((low, 0), (high, 0.5)):
        b.add(cylinder(radius, 0.2, segments=18), at=(0, 0.1, z), turn=flat)
    b.add(box(high * 1.3, 0.2, 0.4), at=(0, 0, 0.27))
    b.add(cylinder(0.14, 0.02), DARK, at=(0, -0.1, 0.3), turn=flat)
    b.add(box(0.3, 0.04, 0.08), DARK, at=(0, -0.11, -0.12))
    b.add(box(0.12, 0.08, neck), WOOD, at=(0, -0.07, 0.7 + neck / 2))
    b.add(box(0.2, 0.09, 0.26), at=(0, -0.06, 0.78 + neck))


def drum(b, r):
    radius, tall = r.uniform(0.5, 0.65), r.uniform(0.5, 0.8)
    b.add(lathe([(0, 0), (radius, 0), (radius, tall)], 18))
    for z in (0, tall):
        b.add(lathe([(radius, z - 0.04), (radius * 1.06, z - 0.04), (radius * 1.06, z + 0.05), (radius * 0.97, z + 0.05)], 18), STEEL)
    b.add(lathe([(radius, tall + 0.02), (0, tall + 0.02)], 18), LIGHT)
    for i in range(8 if r.random() < 0.5 else 0):  # the cords
        spot = turn("z", 45 * i) @ (radius * 1.02, 0, tall / 2)
        b.add(box(0.05, 0.05, tall), STEEL, at=tuple(spot), turn=turn("z", 45 * i) @ turn("x", 20 if i % 2 else -20))
    for y in (-1, 1):
        b.add(rod((-0.6, y * 0.15, tall + 0.12), (0.35, -y * 0.12, tall + 0.2), 0.035), WOOD)
        b.add(ball(0.075, segments=8, rows=5), WOOD, at=(0.37, -y * 0.12, tall + 0.2))


def bell(b, r):
    wide, tall = r.uniform(0.55, 0.68), r.uniform(0.85, 1.1)
    profile = [(0, tall), (wide * 0.35, tall * 0.97), (wide * 0.5, tall * 0.75), (wide * 0.6, tall * 0.35), (wide, 0), (wide * 0.93, 0)]
    b.add(lathe([*profile, (wide * 0.5, tall * 0.4)], 18))
    b.add(ball(0.15), STEEL, at=(0, 0, -0.05))
    b.add(arc(0.13, 0.045, 0, 360, 12), DARK, at=(0, 0, tall + 0.13))


def trumpet(b, r):
    """Lies in the xz plane, the horn towards +x."""
    long, horn = r.uniform(1.3, 1.6), r.uniform(0.32, 0.42)
    b.add(lathe([(horn, long * 0.5), (horn * 0.5, long * 0.4), (0.1, long * 0.25), (0.07, -long * 0.3), (0.05, -long * 0.3)]), turn=turn("y", 90))
    b.add(rod((-long * 0.5, 0, 0), (-long * 0.3, 0, 0), 0.06))
    b.add(cylinder(0.05, 0.12, 0.11), STEEL, at=(-long * 0.5, 0, 0), turn=turn("y", -90))
    for x in (-0.14, 0, 0.14):
        b.add(rod((x, 0, -0.22), (x, 0, 0.2), 0.065), None)
        b.add(rod((x, 0, 0.2), (x, 0, 0.3), 0.035), STEEL)
    b.add(arc(0.16, 0.05, 90, 270, 8), at=(-0.3, 0, -0.16))
    b.add(arc(0.16, 0.05, -90, 90, 8), at=(0.3, 0, -0.16))
    b.add(rod((-0.3, 0, -0.32), (0.3, 0, -0.32), 0.05))


def piano(b, r):
    """An upright piano, keys towards -y."""
    wide, tall, deep = r.uniform(1.4, 1.7), r.uniform(1.1, 1.3), 0.4
    b.add(box(wide, deep, tall), at=(0, 0, tall / 2))
    b.add(box(wide, 0.4, 0.14), at=(0, -0.35, tall * 0.5))
    b.add(box(wide * 0.94, 0.28, 0.04), (0.95, 0.95, 0.93), at=(0, -0.38, tall * 0.5 + 0.085))
    for i in range(12):
        if i % 7 not in (2, 6):
            b.add(box(wide * 0.035, 0.15, 0.05), (0.05, 0.05, 0.05), at=(wide * (i - 5.5) / 13, -0.33, tall * 0.5 + 0.12))
    for x in (-1, 1):
        b.add(box(0.1, 0.1, tall * 0.45), at=(x * (wide / 2 - 0.06), -0.5, tall * 0.22))


def robot(b, r):
    tall, wide, head = r.uniform(0.75, 0.95), r.uniform(0.6, 0.75), r.uniform(0.38, 0.46)
    b.add(box(wide, 0.45, tall), at=(0, 0, 0.55 + tall / 2))
    top = 0.55 + tall
    b.add(box(head * 1.15, head, head), at=(0, 0, top + 0.1 + head / 2))
    b.add(rod((0, 0, top), (0, 0, top + 0.15), 0.08), STEEL)
    b.add(rod((0, 0, top + head), (0, 0, top + head + 0.3), 0.025), DARK)
    b.add(ball(0.06), LIGHT, at=(0, 0, top + head + 0.32))
    b.add(box(wide * 0.55, 0.03, tall * 0.35), STEEL, at=(0, -0.23, 0.55 + tall * 0.6))
    for x in (-1, 1):
        b.add(ball(0.07), BEAK, at=(x * head * 0.28, -head / 2, top + 0.15 + head * 0.55))
        b.add(rod((x * wide * 0.6, 0, top - 0.1), (x * wide * r.uniform(0.65, 0.95), r.uniform(-0.3, 0.1), 0.65), 0.085), STEEL)
        b.add(ball(0.12), DARK, at=(x * wide * 0.6, 0, top - 0.08))
        b.add(box(0.2, 0.28, 0.56), at=(x * wide * 0.27, 0, 0.28))
