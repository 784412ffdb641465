"""Meshes of animals other than those in `nature`. Conventions as in `household`; nearly all of them head +x."""

import numpy as np

from world.lofts import cut, loft, patches, smooth
from world.shapes import BEAK, DARK, LIGHT, STEEL, ball, box, cylinder, rod, slab, turn

SAND = (0.70, 0.63, 0.48)  # skin beside a shell
YELLOW = (0.95, 0.85, 0.30)  # the bill of an orange duck
ROSE = (0.90, 0.62, 0.62)  # the inside of an ear


def _knob(radius, y=None, z=None):
    """A small rough ball."""
    return ball(radius, y, z, 6, 4)


def _eyes(b, x, y, z, radius):
    """A pair of eyes: pale with dark pupils, to be seen on any body."""
    for side in (-1, 1):
        b.add(_knob(radius), b.light, at=(x, side * y, z))
        b.add(_knob(radius * 0.6), DARK, at=(x + radius * 0.55, side * (y + radius * 0.35), z))


def cat(b, r):
    """Sits, or stands with the tail up; pointed ears on a round head that may look aside."""
    head, slim, tail = r.uniform(0.27, 0.34), r.uniform(0.19, 0.26), r.uniform(0.055, 0.08)
    paws = b.light if r.random() < 0.4 else None
    if r.random() < 0.4:
        tall = r.uniform(0.7, 0.9)
        full = slim * 1.5
        b.add(loft(smooth([(-0.14, 0, 0, full * 0.8), (-0.13, 0, 0.22, full), (0.0, 0, tall * 0.65, full * 0.72), (0.12, 0, tall, 0.16)]), 9))
        for y in (-1, 1):
            b.add(ball(0.26, 0.1, 0.22, 8, 5), at=(-0.05, y * 0.28, 0.2))
            b.add(rod((0.32, y * 0.12, 0.04), (0.14, y * 0.11, tall * 0.7), 0.075, 0.085, 6))
            b.add(_knob(0.13, 0.09, 0.07), paws, at=(0.36, y * 0.13, 0.06))
        back, aside = r.uniform(0.55, 0.75), r.uniform(-0.3, 0.3)
        path = [(-0.4, 0, 0.08), (-back, aside, 0.12), (-back - 0.12, aside * 1.4, 0.4), (-back, aside, 0.72), (-back - 0.12, aside, 0.92)]
        middle = np.array([0.2, 0, tall + head * 0.6])
    else:
        long, legs = r.uniform(0.5, 0.62), r.uniform(0.42, 0.56)
        z = legs + slim * 0.6
        rows = [(-long - 0.08, 0, z, 0.07), (-long * 0.8, 0, z, slim), (0, 0, z - 0.02, slim * 0.95), (long * 0.75, 0, z + 0.05, slim * 1.05)]
        b.add(loft(smooth([*rows, (long + 0.08, 0, z + 0.22, 0.15)]), 8))
        for x in (-0.78, 0.78):
            step = r.uniform(-0.1, 0.1)
            for y in (-1, 1):
                foot = x * long + y * step
                b.add(rod((foot, y * 0.12, 0.03), (x * long, y * 0.12, z), 0.06, 0.09, 6))
                b.add(_knob(0.1, 0.07, 0.05), paws, at=(foot + 0.03, y * 0.12, 0.05))
        up, hook = r.uniform(0.55, 0.8), r.uniform(-0.3, 0.25)
        path = [(-long, 0, z + 0.04), (-long - 0.22, 0, z + 0.15), (-long - 0.3, 0, z + up * 0.6), (-long - 0.28 + hook, 0, z + up)]
        middle = np.array([long + 0.2, 0, z + 0.28])
    end = b.light if r.random() < 0.25 else None
    rows = smooth(np.column_stack([path, np.linspace(tail * 1.15, tail * 0.85, len(path))]))
    b.add(loft(rows[:-3], 6))
    b.add(loft(rows[-4:], 6), end)
    around = turn("z", r.uniform(-45, 45))
    b.add(ball(head * 0.95, head * 1.06, head * 0.9, 10, 6), at=middle)
    ear = r.uniform(0.25, 0.33)
    for y in (-1, 1):
        lean = around @ turn("x", -y * 16) @ turn("z", 45)
        b.add(cylinder(head * 0.46, ear, 0, 4), at=middle + around @ (0, y * head * 0.6, head * 0.5), turn=lean)
        b.add(cylinder(head * 0.26, ear * 0.62, 0, 4), ROSE, at=middle + around @ (head * 0.16, y * head * 0.6, head * 0.58), turn=lean)
        b.add(_knob(0.06), LIGHT if max(b.body) < 0.3 else DARK, at=middle + around @ (head * 0.82, y * head * 0.42, head * 0.18))
    b.add(_knob(head * 0.3, head * 0.42, head * 0.26), b.light, at=middle + around @ (head * 0.78, 0, -head * 0.32))
    b.add(_knob(0.04), DARK, at=middle + around @ (head * 1.07, 0, -head * 0.2))


def duck(b, r):
    """Swims, or stands on webbed feet; a boat of a body and a broad flat bill."""
    long, fat, neck = r.uniform(0.58, 0.72), r.uniform(0.3, 0.36), r.uniform(0.26, 0.5)
    head = r.uniform(0.2, 0.26)
    z = 0.3
    rows = [(-long - 0.22, 0, z + 0.3, 0.03), (-long * 0.8, 0, z + 0.1, fat * 0.62), (-long * 0.2, 0, z, fat), (long * 0.45, 0, z, fat * 0.95)]
    b.add(loft(smooth([*rows, (long * 0.85, 0, z + 0.08, fat * 0.55)]), 9, r.uniform(1.0, 1.2)))
    top = z + 0.3 + neck
    x = long * 0.72
    stem = smooth([(x - 0.08, 0, z + 0.1, 0.2), (x + 0.04, 0, z + 0.3, 0.14), (x - 0.02, 0, top - 0.12, 0.11), (x + 0.04, 0, top, 0.11)])
    b.add(loft(stem, 8))
    if r.random() < 0.35:
        b.add(cylinder(0.155, 0.06, segments=9), b.light, at=(x, 0, top - 0.25))
    b.add(ball(head * 1.08, head * 0.92, head, 10, 6), at=(x + 0.06, 0, top + 0.03))
    bill = r.uniform(0.28, 0.4)
    beak = smooth([(x + head * 0.7, 0, top + 0.02, 0.08), (x + head + bill * 0.4, 0, top - 0.06, 0.045), (x + head + bill, 0, top - 0.05, 0.04)], 2)
    orange = b.body[0] > 0.75 and 0.3 < b.body[1] < 0.7 and b.body[2] < 0.3
    b.add(loft(beak, 6, r.uniform(2.3, 3.0)), YELLOW if orange else BEAK)
    for y in (-1, 1):
        b.add(_knob(0.045), b.dark, at=(x + 0.06 + head * 0.55, y * head * 0.72, top + 0.1))
        wing = slab([(0.32, 0.08), (0.12, -0.16), (-0.35, -0.1), (-0.62, 0.2), (-0.3, 0.22), (0.1, 0.2)], 0.09)
        b.add(wing, at=(-0.02, y * fat * 0.98, z + 0.12), turn=turn("z", y * r.uniform(0, 14)) @ turn("x", y * 14))
    if r.random() < 0.5:
        for y in (-1, 1):
            b.add(rod((0, y * 0.15, 0.1), (0.02, y * 0.17, -0.25), 0.05, segments=6), BEAK)
            b.add(slab([(-0.06, 0), (0.26, 0.15), (0.3, 0), (0.26, -0.15)], 0.05), BEAK, at=(0.02, y * 0.17, -0.26), turn=turn("x", 90))


def frog(b, r):
    """Squats: eyes on top of a wide head, folded hind legs, long toes."""
    wide, tilt = r.uniform(0.36, 0.46), r.uniform(0.08, 0.24)
    rows = [(-0.6, 0, 0.16, 0.06), (-0.45, 0, 0.24, 0.22), (-0.1, 0, 0.34, 0.3), (0.25, 0, 0.34 + tilt, 0.25), (0.5, 0, 0.33 + tilt, 0.17)]
    body = loft(smooth([*rows, (0.6, 0, 0.32 + tilt, 0.07)]), 10, wide / 0.3)
    skin, belly = cut(body, lambda m: m[:, 2] < 0.2 + np.clip(m[:, 0] + 0.1, 0, 1) * (tilt + 0.05) / 0.7)
    b.add(skin)
    b.add(belly, b.light)
    for y in (-1, 1):
        eye = r.uniform(0.125, 0.16)
        at = np.array([0.27, y * wide * 0.6, 0.58 + tilt])
        b.add(ball(eye, eye, eye, 8, 5), at=at)
        b.add(_knob(eye * 0.78), LIGHT, at=at + (0.05, y * 0.06, 0.02))
        b.add(_knob(eye * 0.5), DARK, at=at + (0.1, y * 0.1, 0.02))
        knee = np.array([r.uniform(0.0, 0.12), y * (wide + 0.3), r.uniform(0.34, 0.46)])
        hip, heel, toe = (-0.45, y * wide * 0.6, 0.2), (-0.42, y * (wide + 0.2), 0.06), np.array([0.12, y * (wide + 0.36), 0.03])
        b.add(loft(np.array([(*hip, 0.12), (*((hip + knee) / 2), 0.17), (*knee, 0.1)]), 7))
        b.add(rod(knee, heel, 0.1, 0.07, 6))
        b.add(rod(heel, toe, 0.06, 0.05, 6))
        hand = np.array([r.uniform(0.5, 0.62), y * (wide + 0.1), 0.03])
        b.add(rod((0.28, y * wide * 0.7, 0.34), (0.34, y * (wide + 0.12), 0.2), 0.085, 0.075, 6))
        b.add(rod((0.34, y * (wide + 0.12), 0.2), hand, 0.075, 0.05, 6))
        for foot, size in ((toe, 0.3), (hand, 0.2)):
            toes = np.array([(-0.25, 0), (0.7, 0.55), (0.8, 0.2), (1, 0), (0.8, -0.2), (0.7, -0.55)])
            b.add(slab(toes * size, 0.05), at=foot, turn=turn("z", y * 20) @ turn("x", 90))


def cricket(b, r):
    """Hind knees high above a long body; feelers longer than the head."""
    long, fat = r.uniform(0.62, 0.8), r.uniform(0.15, 0.2)
    z = 0.42
    b.add(loft(smooth([(-long, 0, z, 0.05), (-long * 0.6, 0, z, fat * 0.85), (0, 0, z + 0.02, fat), (long * 0.45, 0, z + 0.05, fat * 1.1)]), 8))
    b.add(ball(0.2, fat * 1.2, fat * 1.25, 8, 5), at=(long * 0.45, 0, z + 0.07))
    b.add(ball(0.2, fat * 1.05, fat * 1.15, 8, 5), at=(long * 0.45 + 0.24, 0, z + 0.05))
    wings = [(long * 0.35, 0.02), (-long * 0.7, 0.06), (-long * r.uniform(1.1, 1.35), -0.03), (-long * 0.7, -0.1), (long * 0.3, -0.1)]
    b.add(slab(wings, fat * 1.7), at=(0, 0, z + fat * 0.85))
    knee, lift = r.uniform(0.5, 0.75), r.uniform(0.62, 0.85)
    reach = r.uniform(0.9, 1.2)
    for y in (-1, 1):
        b.add(_knob(0.085), b.dark, at=(long * 0.45 + 0.34, y * fat * 0.8, z + 0.13))
        top = np.array([-knee, y * (fat + 0.14), z + lift])
        b.add(loft([(0.12, y * fat, z, 0.09), (-knee * 0.3, y * (fat + 0.09), z + lift * 0.4, 0.13), (*top, 0.05)], 7))
        foot = (-knee - reach * 0.4, y * (fat + 0.22), 0.03)
        b.add(rod(top, foot, 0.045, 0.035, 5))
        b.add(rod(foot, (foot[0] - 0.2, foot[1], 0.0), 0.045, 0.03, 5))
        for x, out in ((0.12, -0.12), (long * 0.5, 0.3)):
            elbow = np.array([x + out * 0.7, y * (fat + 0.28), z + 0.02])
            b.add(rod((x, y * fat * 0.8, z - 0.05), elbow, 0.045, 0.035, 5))
            b.add(rod(elbow, (x + out * 1.5, y * (fat + 0.36), 0.0), 0.035, 0.025, 5))
        tip = np.array([long * 0.45 + r.uniform(0.7, 1.1), y * r.uniform(0.2, 0.4), z + r.uniform(0.55, 0.85)])
        start = np.array([long * 0.45 + 0.36, y * 0.08, z + 0.16])
        bow = (start + tip) / 2 + (0, 0, 0.16)
        b.add(loft(np.column_stack([smooth([start, bow, tip], 2), [0.035, 0.033, 0.03, 0.026, 0.02]]), 4), b.dark if r.random() < 0.5 else None)


def turtle(b, r):
    """A plated dome on four stumps, or on flippers."""
    long, tall, sides = r.uniform(0.62, 0.75), r.uniform(0.36, 0.52), 10
    wide = r.uniform(0.78, 0.92)
    angles = np.array([0, 0.3, 0.62, 0.95, 1.25])
    rows = np.column_stack([np.zeros((6, 2)), [0.0, *(0.02 + tall * np.sin(angles))], [1.0, *np.cos(angles)]])
    rows[0, 3] = 0.9
    vertices, faces = loft(rows, sides)
    dome = vertices * (long, long * wide, 1) + (0, 0, 0.2)
    b.add((dome, faces))
    # dark seams between the plates, raised above the dome
    ring = dome.reshape(-1, 3)[: 6 * sides].reshape(6, sides, 3)
    seam = b.dark
    for i in range(0, sides, 2):
        line = ring[1:5, i] * (1.015, 1.015, 1) + (0, 0, 0.012)
        b.add(loft(np.column_stack([line, np.full(len(line), 0.022)]), 4), seam)
    loop = np.concatenate([ring[3], ring[3, :1]]) * (1.015, 1.015, 1) + (0, 0, 0.012)
    b.add(loft(np.column_stack([loop, np.full(len(loop), 0.022)]), 4), seam)
    skin = SAND if r.random() < 0.35 else None
    rim = loft(np.array([(0, 0, 0.14, 0.9), (0, 0, 0.16, 1.06), (0, 0, 0.23, 1.06), (0, 0, 0.25, 0.95)]), 12)
    b.add((rim[0] * (long, long * wide, 1), rim[1]))
    out, lift = r.uniform(0.25, 0.42), r.uniform(0.0, 0.25)
    b.add(loft(smooth([(long * 0.7, 0, 0.16, 0.12), (long + out * 0.5, 0, 0.2 + lift * 0.5, 0.11), (long + out, 0, 0.24 + lift, 0.12)], 2), 7), skin)
    b.add(ball(0.21, 0.16, 0.15, 8, 5), skin, at=(long + out + 0.05, 0, 0.25 + lift))
    _eyes(b, long + out + 0.14, 0.11, 0.31 + lift, 0.045)
    b.add(cylinder(0.08, 0.25, 0, 5), skin, at=(-long * 0.95, 0, 0.12), turn=turn("y", -95))
    swims, spread = r.random() < 0.4, r.uniform(20, 50)
    for y in (-1, 1):
        for x in (-1, 1):
            at = (x * long * 0.62, y * long * wide * 0.66, 0.14)
            if swims:
                size = 0.75 if x > 0 else 0.42
                fin = slab([(0.12, 0), (0.04, y * size * 0.5), (-size * 0.4, y * size), (-0.2, y * size * 0.5), (-0.14, 0)], 0.07)
                b.add(fin, skin, at=at, turn=turn("z", -x * y * (spread - 30)) @ turn("x", -90 - y * 12))
            else:
                b.add(rod((at[0] + x * 0.14, at[1] * 1.25, -0.16), at, 0.13, 0.12, 7), skin)


def snail(b, r):
    """A coiled shell in the xz plane on a long foot with two stalks."""
    turns, size, thick = r.uniform(2.2, 2.8), r.uniform(0.48, 0.58), r.uniform(0.16, 0.2)
    steps = 21
    angle = np.linspace(0, turns * 2 * np.pi, steps)
    grow = (angle / angle[-1]) ** 1.15
    out = 0.02 + size * grow * 0.72
    girth = 0.04 + thick * 1.35 * grow
    bulge = r.uniform(1.0, 1.25)
    z = 0.24 + size
    a = angle - angle[-1] - 0.5 * np.pi + 0.5
    path = np.column_stack([-out * np.cos(a) - 0.08, np.zeros(steps), out * np.sin(a) + z, girth])
    b.add(loft(path, 8, bulge))
    inner = (out - girth * 0.55)[5:]
    for y in (-1, 1):
        line = np.column_stack([-inner * np.cos(a[5:]) - 0.08, y * girth[5:] * bulge * 0.93, inner * np.sin(a[5:]) + z, np.full(steps - 5, 0.028)])
        b.add(loft(line, 4), b.dark)
    skin = SAND if r.random() < 0.5 else None
    long, up = r.uniform(0.75, 0.95), r.uniform(0.34, 0.5)
    rows = [(-long - 0.1, 0, 0.04, 0.03), (-long * 0.5, 0, 0.1, 0.11), (0.1, 0, 0.13, 0.16), (0.55, 0, 0.16, 0.14), (0.78, 0, up, 0.13)]
    b.add(loft(smooth([*rows, (0.92, 0, up + 0.14, 0.11)]), 7, 1.3), skin)
    spread, tall = r.uniform(0.08, 0.18), r.uniform(0.28, 0.42)
    for y in (-1, 1):
        tip = (1.0 + r.uniform(0, 0.2), y * (0.06 + spread), up + 0.2 + tall)
        b.add(rod((0.9, y * 0.06, up + 0.16), tip, 0.04, 0.03, 5), skin)
        b.add(_knob(0.065), b.dark, at=tip)
        b.add(rod((1.0, y * 0.05, up + 0.06), (1.14, y * 0.1, up), 0.03, 0.02, 5), skin)


def elephant(b, r):
    """Pillar legs, ears like sails, tusks and a trunk that hangs or is raised."""
    long, fat, legs = r.uniform(0.55, 0.66), r.uniform(0.38, 0.46), r.uniform(0.42, 0.58)
    z = legs + fat * 0.72
    b.add(ball(long, fat * 0.9, fat, 12, 7), at=(0, 0, z))
    for x in (-0.62, 0.62):
        for y in (-1, 1):
            b.add(rod((x * long, y * fat * 0.52, 0), (x * long, y * fat * 0.5, z), 0.15, 0.165, 8))
            if r.random() < 0.8:
                b.add(box(0.06, 0.2, 0.07), b.light, at=(x * long + 0.13, y * fat * 0.52, 0.04))
    hx, hz, head = long + 0.18, z + r.uniform(0.14, 0.26), r.uniform(0.27, 0.32)
    b.add(ball(head, head * 0.92, head * 1.08, 10, 6), at=(hx, 0, hz))
    nose = hx + head * 0.75
    if r.random() < 0.35:
        path = [(0, 0, -0.05, 0.14), (0.28, 0, -0.15, 0.12), (0.5, 0, 0.15, 0.09), (0.42, 0, r.uniform(0.4, 0.6), 0.06)]
    else:
        path = [(-0.05, 0, -0.02, 0.15), (0.17, 0, -0.3, 0.12), (0.14, 0, -hz * 0.65, 0.09), (r.uniform(0.16, 0.4), 0, 0.1 - hz, 0.065)]
    b.add(loft(smooth(path, 4), 7), at=(nose, 0, hz))
    ear, flare = r.uniform(0.42, 0.56), r.uniform(38, 72)
    outline = ear * np.array([(0.08, 0.3), (-0.35, 0.42), (-0.8, 0.3), (-0.95, -0.1), (-0.7, -0.6), (-0.35, -0.85), (-0.05, -0.5)])
    middle = outline.mean(0)
    lining = ROSE if min(b.body) < 0.45 and r.random() < 0.5 else tuple(0.65 * np.asarray(b.body)) if max(b.body) > 0.3 else STEEL
    for y in (-1, 1):
        way, root = turn("z", -y * flare), np.array([hx - 0.02, y * head * 0.8, hz + 0.1])
        b.add(slab(outline, 0.05), at=root, turn=way)
        b.add(slab(middle + (outline - middle) * 0.72, 0.012), lining, at=root + way @ (0, y * 0.03, 0), turn=way)
        b.add(_knob(0.045), b.dark if max(b.body) > 0.3 else LIGHT, at=(hx + head * 0.72, y * head * 0.6, hz + 0.1))
        tusk = r.uniform(0.22, 0.36)
        path = [(-0.08, y * 0.15, -0.18, 0.05), (tusk * 0.6, y * 0.2, -0.32, 0.045), (tusk, y * 0.2, -0.26, 0.015)]
        b.add(loft(path, 6), b.light, at=(nose, 0, hz))
    b.add(rod((-long * 0.95, 0, z + 0.1), (-long - 0.14, 0, z - 0.35), 0.045, 0.025, 5))
    b.add(_knob(0.06, 0.06, 0.1), b.dark, at=(-long - 0.15, 0, z - 0.4))


def giraffe(b, r):
    """Dark patches, a neck as long as the legs, two horns."""
    legs, long, neck = r.uniform(0.75, 0.95), r.uniform(0.38, 0.46), r.uniform(1.05, 1.4)
    mark = b.dark if max(b.body) > 0.5 else b.light
    share = r.uniform(0.2, 0.32)
    z, fat = legs + 0.12, 0.23
    top = np.array([long + neck * r.uniform(0.2, 0.36), 0, z + neck])
    rows = [(-long - 0.06, 0, z - 0.02, 0.08), (-long * 0.8, 0, z, fat), (long * 0.5, 0, z + 0.1, fat * 1.1), (long + 0.05, 0, z + 0.16, 0.17)]
    trunk = loft(smooth(rows), 8, 0.85)
    root = np.array([long - 0.05, 0, z + 0.12])
    stem = loft([(*(root + (top - root) * t), 0.19 - 0.11 * t**0.7) for t in np.linspace(0, 1, 10)], 6)
    for shape in (trunk, stem):
        plain, spots = patches(shape, share, r)
        b.add(plain)
        b.add(spots, mark)
    for x in (-0.8, 0.85):
        step = r.uniform(-0.08, 0.08)
        for y in (-1, 1):
            b.add(rod((x * long + y * step, y * 0.12, 0), (x * long, y * 0.1, z), 0.055, 0.09, 6))
            b.add(cylinder(0.07, 0.08, 0.06, 6), mark, at=(x * long + y * step, y * 0.12, -0.02))
    muzzle = top + (r.uniform(0.3, 0.4), 0, -r.uniform(0.06, 0.16))
    rows = [(*(top - (0.1, 0, 0)), 0.09), (*(top + (0.05, 0, 0.02)), 0.13), (*((top + muzzle) / 2 + (0.02, 0, 0.01)), 0.095), (*muzzle, 0.08)]
    b.add(loft(smooth(rows, 2), 7))
    horn = r.uniform(0.12, 0.2)
    for y in (-1, 1):
        b.add(rod(top + (0, y * 0.06, 0.08), top + (-0.03, y * 0.07, 0.1 + horn), 0.028, segments=5))
        b.add(_knob(0.05), mark, at=top + (-0.03, y * 0.07, 0.12 + horn))
        b.add(_knob(0.05, 0.12, 0.045), at=top + (-0.06, y * 0.17, 0.05))
        b.add(_knob(0.035), DARK if max(b.body) > 0.3 else LIGHT, at=top + (0.1, y * 0.1, 0.06))
    b.add(rod((-long - 0.03, 0, z + 0.02), (-long - 0.16, 0, z - 0.4), 0.03, 0.02, 5))
    b.add(_knob(0.045, 0.045, 0.1), mark, at=(-long - 0.17, 0, z - 0.45))


def rabbit(b, r):
    """Crouches or sits up; very long ears, a white tail."""
    fat, head, ear = r.uniform(0.32, 0.4), r.uniform(0.22, 0.27), r.uniform(0.5, 0.72)
    upright = r.random() < 0.45
    if upright:
        b.add(loft(smooth([(-0.12, 0, 0, fat * 0.8), (-0.1, 0, 0.25, fat), (0, 0, 0.55, fat * 0.75), (0.06, 0, 0.82, 0.17)]), 9))
        middle, tail = np.array([0.12, 0, 0.95]), np.array([-0.14 - fat, 0, 0.16])
    else:
        rows = [(-0.55, 0, 0.25, 0.1), (-0.42, 0, 0.3, fat * 0.85), (-0.1, 0, 0.34, fat), (0.28, 0, 0.34, fat * 0.7), (0.45, 0, 0.42, 0.16)]
        b.add(loft(smooth(rows), 9))
        middle, tail = np.array([0.52, 0, 0.58]), np.array([-0.58, 0, 0.34])
    b.add(ball(head * 1.15, head * 0.95, head, 10, 6), at=middle)
    b.add(_knob(0.15), LIGHT if min(b.body) < 0.8 else ROSE, at=tail)
    tilt, spread = r.uniform(-30, 5), r.uniform(8, 24)
    for y in (-1, 1):
        way = turn("x", -y * spread) @ turn("y", tilt)
        root = middle + (-0.04, y * head * 0.42, head * 0.75)
        b.add(ball(0.06, 0.11, ear / 2, 8, 6), at=root + way @ (0, 0, ear * 0.44), turn=way)
        b.add(ball(0.03, 0.065, ear * 0.38, 6, 5), ROSE, at=root + way @ (0.045, 0, ear * 0.44), turn=way)
        b.add(_knob(0.05), DARK if max(b.body) > 0.3 else LIGHT, at=middle + (head * 0.72, y * head * 0.68, head * 0.22))
        x = -0.06 if upright else -0.3
        b.add(ball(0.26, 0.12, 0.22, 8, 5), at=(x, y * fat * 0.85, 0.2))
        b.add(ball(0.26, 0.09, 0.07, 8, 5), at=(x + 0.22, y * fat * 0.85, 0.05))
        if upright:
            b.add(rod((0.1, y * 0.17, 0.66), (0.36, y * 0.1, 0.52), 0.08, 0.07, 6))
        else:
            b.add(rod((0.3, y * 0.13, 0.36), (0.42, y * 0.13, 0.02), 0.09, 0.075, 6))
    b.add(_knob(head * 0.3, head * 0.42, head * 0.3), b.light, at=middle + (head * 0.92, 0, -head * 0.28))
    b.add(_knob(0.04), ROSE if max(b.body) < 0.3 else DARK, at=middle + (head * 1.18, 0, -head * 0.08))


def spider(b, r):
    """Eight bent legs about a big and a small ball."""
    big, small = r.uniform(0.34, 0.46), r.uniform(0.2, 0.26)
    z = r.uniform(0.32, 0.5)
    b.add(ball(big * 1.15, big, big * 0.85, 10, 6), at=(-big - 0.05, 0, z + 0.1))
    b.add(ball(small * 1.1, small, small * 0.8, 8, 5), at=(small * 0.6, 0, z))
    if r.random() < 0.5:
        b.add(_knob(big * 0.4, big * 0.18, 0.05), b.light, at=(-big - 0.05, 0, z + 0.1 + big * 0.82))
        b.add(_knob(big * 0.14, big * 0.45, 0.05), b.light, at=(-big - 0.02, 0, z + 0.1 + big * 0.82))
    for y, size in ((0.07, 0.06), (-0.07, 0.06), (0.15, 0.045), (-0.15, 0.045)):
        b.add(_knob(size), LIGHT if max(b.body) < 0.6 else DARK, at=(small * 1.5 - abs(y) * 0.3, y, z + small * 0.5))
    reach, lift, thick = r.uniform(0.5, 0.68), r.uniform(0.26, 0.5), r.uniform(0.05, 0.065)
    for i, angle in enumerate((28, 66, 108, 146)):
        angle = angle + r.uniform(-7, 7)
        for y in (-1, 1):
            way = turn("z", y * angle)
            root = np.array([small * 0.6, 0, z])
            stretch = 1.2 if i in (0, 3) else 1.0
            knee, foot = root + way @ (reach * stretch, 0, lift), root + way @ (reach * stretch * 2.0, 0, -z)
            ankle = (knee * 0.35 + foot * 0.65) + way @ (0.05, 0, 0.08)
            b.add(loft([(*root, thick * 1.2), (*knee, thick * 1.2), (*ankle, thick * 0.8), (*foot, thick * 0.4)], 5))
    for y in (-1, 1):
        b.add(rod((small * 1.4, y * 0.07, z), (small * 1.4 + 0.16, y * 0.05, z - 0.14), 0.05, 0.01, 5), b.dark)


def butterfly(b, r):
    """Wings open in the xz plane, head up."""
    upper, lower, fold = r.uniform(0.8, 1.0), r.uniform(0.7, 0.95), r.uniform(0, 24)
    rim = b.dark if r.random() < 0.7 else None
    point, thick = r.uniform(-0.06, 0.14), r.uniform(0.024, 0.042)
    high = np.array([(0, -0.04), (0.1, 0.32), (0.42, 0.68), (0.78, 0.8 + point), (0.92, 0.62), (0.82, 0.3), (0.55, 0.05), (0.2, -0.06)]) * upper
    tail = (0.4, -0.72 - max(point, 0) * 1.4)
    low = np.array([(0, 0.04), (0.3, 0.04), (0.66, -0.06), (0.76, -0.32), (0.6, -0.62), tail, (0.22, -0.5), (0.04, -0.2)]) * lower
    spots = [(high, (0.68, 0.55), r.uniform(0.08, 0.13)), (low, (0.46, -0.36), r.uniform(0.08, 0.13))]
    spotted = r.random() < 0.7
    for x in (-1, 1):
        hinge = turn("z", -x * fold)
        for outline, spot, size in spots:
            side = outline * (x, 1)
            middle = side.mean(0)
            b.add(slab(side, 0.045), turn=hinge)
            edge = middle + (side - middle) * 0.98
            edge = np.column_stack([edge[:, 0], np.zeros(len(edge)), edge[:, 1], np.full(len(edge), thick)])
            b.add(loft(np.concatenate([edge, edge[:2]]), 4), rim, turn=hinge)
            if spotted:
                scale = upper if outline is high else lower
                disc = [(size * np.cos(t), size * np.sin(t)) for t in np.linspace(0, 2 * np.pi, 8)[:-1]]
                b.add(slab(disc, 0.065), b.light, at=hinge @ (x * spot[0] * scale, 0, spot[1] * scale), turn=hinge)
        b.add(loft([(0.02 * x, 0, 0.38, 0.022), (0.1 * x, -0.02, 0.62, 0.02), (x * r.uniform(0.18, 0.32), -0.03, 0.8, 0.02)], 4), DARK)
        b.add(_knob(0.04), DARK, at=(x * 0.25, -0.03, 0.8))
    b.add(loft(smooth([(0, 0, -0.45, 0.02), (0, 0, -0.2, 0.065), (0, 0, 0.1, 0.06), (0, 0, 0.22, 0.08), (0, 0, 0.36, 0.05)], 2), 7), DARK)
    b.add(_knob(0.085), DARK, at=(0, 0, 0.36))


def whale(b, r):
    """A huge blunt head, level flukes, a pale belly, often a spout."""
    long, fat, curl = r.uniform(0.78, 0.95), r.uniform(0.38, 0.48), r.uniform(0.3, 0.6)
    rows = [(-long - 0.12, 0, curl, 0.06), (-long * 0.65, 0, curl * 0.35, fat * 0.38), (-long * 0.1, 0, 0, fat * 0.85), (long * 0.4, 0, 0, fat)]
    body = loft(smooth([*rows, (long * 0.8, 0, 0, fat * 0.82), (long * 0.98, 0, 0, fat * 0.4)]), 10, r.uniform(0.95, 1.15))
    skin, belly = cut(body, lambda m: m[:, 2] < -fat * 0.42 + np.clip(-m[:, 0] - 0.2, 0, 1) * curl * 0.7)
    b.add(skin)
    b.add(belly, b.light)
    size = r.uniform(0.48, 0.64)
    tilt = r.uniform(25, 55)
    for y in (-1, 1):
        fluke = slab([(0.12, 0), (0.02, y * size * 0.5), (-0.22, y * size), (-0.34, y * size * 0.95), (-0.24, y * size * 0.4), (-0.16, 0)], 0.07)
        b.add(fluke, at=(-long - 0.12, 0, curl), turn=turn("y", tilt) @ turn("x", -90))
        fin = slab([(0.14, 0), (-0.04, y * 0.3), (-0.26, y * 0.5), (-0.22, y * 0.25), (-0.14, 0)], 0.06)
        b.add(fin, at=(long * 0.35, y * fat * 0.85, -fat * 0.4), turn=turn("x", -90 - y * r.uniform(10, 40)))
        b.add(_knob(0.055), LIGHT if max(b.body) < 0.6 else DARK, at=(long * 0.72, y * fat * 0.86, -fat * 0.08))
        b.add(box(0.4, 0.03, 0.03), b.dark, at=(long * 0.72, y * fat * 0.84, -fat * 0.34), turn=turn("z", -y * 20))
    if r.random() < 0.8:
        tall, x = r.uniform(0.3, 0.45), long * 0.5
        for y in (-1, 1):
            jet = [(0, 0, -0.05, 0.04), (0, y * 0.05, tall * 0.7, 0.04), (0, y * 0.2, tall, 0.05), (0, y * 0.34, tall * 0.7, 0.06)]
            b.add(loft(smooth(jet, 2), 5), (0.70, 0.86, 0.94), at=(x, 0, fat))
