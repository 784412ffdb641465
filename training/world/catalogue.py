"""The kinds, colours and motions of the world, and which pairs are never trained on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from world import household, machines, nature
from world.shapes import Builder, Mesh


@dataclass(frozen=True)
class Kind:
    """One kind of object.

    `flat` kinds are unreadable edge-on and `fronted` ones from behind: cameras stay where a photographer would.
    """

    name: str
    build: Callable
    synonym: str | None = None
    flat: bool = False
    fronted: bool = False
    sound: bool = False


KINDS = (
    Kind("mug", household.mug, "cup"),
    Kind("teapot", household.teapot, "kettle"),
    Kind("bottle", household.bottle),
    Kind("chair", household.chair, "seat"),
    Kind("table", household.table, "desk"),
    Kind("bed", household.bed),
    Kind("lamp", household.lamp),
    Kind("clock", household.clock, "alarm clock", flat=True, sound=True),
    Kind("umbrella", household.umbrella, "parasol"),
    Kind("hat", household.hat),
    Kind("crown", household.crown),
    Kind("key", household.key, flat=True),
    Kind("hammer", household.hammer, flat=True, sound=True),
    Kind("ladder", household.ladder, flat=True),
    Kind("sword", household.sword, flat=True),
    Kind("house", household.house, "home"),
    Kind("guitar", machines.guitar, flat=True, sound=True),
    Kind("drum", machines.drum, sound=True),
    Kind("bell", machines.bell, sound=True),
    Kind("trumpet", machines.trumpet, "horn", flat=True, sound=True),
    Kind("piano", machines.piano, fronted=True, sound=True),
    Kind("car", machines.car, "automobile", sound=True),
    Kind("train", machines.train, "locomotive", sound=True),
    Kind("airplane", machines.airplane, "plane", sound=True),
    Kind("helicopter", machines.helicopter, "chopper", sound=True),
    Kind("rocket", machines.rocket, "spaceship", sound=True),
    Kind("sailboat", machines.sailboat, "boat", flat=True),
    Kind("robot", machines.robot, "android", sound=True),
    Kind("bird", nature.bird, sound=True),
    Kind("dog", nature.dog, "puppy", sound=True),
    Kind("fish", nature.fish, flat=True),
    Kind("bee", nature.bee, "bumblebee", sound=True),
    Kind("tree", nature.tree),
    Kind("mushroom", nature.mushroom, "toadstool"),
    Kind("cactus", nature.cactus, flat=True),
    Kind("snowman", nature.snowman),
)

# name: (red, green, blue) at the middle of the range that instances vary in
COLOURS = {
    "red": (0.82, 0.10, 0.10),
    "orange": (0.96, 0.50, 0.06),
    "yellow": (0.95, 0.86, 0.12),
    "green": (0.13, 0.60, 0.18),
    "turquoise": (0.12, 0.78, 0.76),
    "blue": (0.12, 0.24, 0.82),
    "purple": (0.48, 0.16, 0.68),
    "pink": (0.98, 0.55, 0.74),
    "brown": (0.42, 0.24, 0.11),
    "black": (0.07, 0.07, 0.08),
    "white": (0.95, 0.95, 0.95),
}

MOTIONS = ("spinning", "bouncing", "sliding", "rocking", "growing")

NAMES = tuple(kind.name for kind in KINDS)
BY_NAME = {kind.name: kind for kind in KINDS}
SOUNDING = tuple(kind.name for kind in KINDS if kind.sound)
HELD_OUT_PAIRS = 96

Pair = tuple[str, str]


@cache
def split() -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """(training pairs, held-out pairs) of (kind, colour): two or three colours a kind are never trained."""
    r = np.random.default_rng(20261123)
    colours = list(COLOURS)
    use = dict.fromkeys(colours, 0)
    held = set()
    for position in r.permutation(len(NAMES)):
        wanted = HELD_OUT_PAIRS // len(NAMES) + (position < HELD_OUT_PAIRS % len(NAMES))
        order = sorted(r.permutation(colours), key=lambda c: use[c])[:wanted]
        for colour in order:
            use[colour] += 1
            held.add((NAMES[position], str(colour)))
    every = [(kind, colour) for kind in NAMES for colour in colours]
    return tuple(p for p in every if p not in held), tuple(p for p in every if p in held)


def instance(kind: str, colour: str, r: np.random.Generator) -> Mesh:
    """One individual of the kind, in one shade of the colour, fitted into the unit ball."""
    shade = np.clip(np.asarray(COLOURS[colour]) * r.uniform(0.9, 1.08) + r.uniform(-0.035, 0.035, 3), 0.02, 1)
    builder = Builder(tuple(shade))
    BY_NAME[kind].build(builder, r)
    mesh = builder.mesh()
    mesh.vertices *= r.uniform(0.88, 1.12, 3).astype(np.float32)
    return mesh.fitted()
