"""The kinds, colours, materials, sizes and motions of the world, and which of their pairs are never trained on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from world import animals, buildings, food, furniture, household, machines, nature, things, tools, vehicles
from world.ranges import Ranges
from world.shapes import MATERIALS, Builder, Mesh

__all__ = ["BY_NAME", "COLOURS", "KINDS", "MATERIALS", "MOTIONS", "NAMES", "RELATIONS", "SIZES", "SOUNDING", "instance", "motion_split", "split"]


@dataclass(frozen=True)
class Kind:
    """One kind of object.

    `flat` kinds are unreadable edge-on and `fronted` ones from behind: cameras stay where a photographer would.
    """

    name: str
    build: Callable
    flat: bool = False
    fronted: bool = False
    sound: bool = False


KINDS = (
    Kind("mug", household.mug, flat=True),
    Kind("teapot", household.teapot, flat=True, sound=True),
    Kind("bottle", household.bottle),
    Kind("chair", household.chair),
    Kind("table", household.table),
    Kind("bed", household.bed, flat=True),
    Kind("lamp", household.lamp),
    Kind("clock", household.clock, fronted=True, sound=True),
    Kind("umbrella", household.umbrella, sound=True),
    Kind("hat", household.hat),
    Kind("crown", household.crown),
    Kind("key", household.key, flat=True),
    Kind("hammer", household.hammer, flat=True, sound=True),
    Kind("ladder", household.ladder, flat=True),
    Kind("sword", household.sword, flat=True),
    Kind("house", household.house),
    Kind("guitar", machines.guitar, fronted=True, sound=True),
    Kind("drum", machines.drum, sound=True),
    Kind("bell", machines.bell, sound=True),
    Kind("trumpet", machines.trumpet, flat=True, sound=True),
    Kind("piano", machines.piano, fronted=True, sound=True),
    Kind("car", machines.car, sound=True),
    Kind("train", machines.train, sound=True),
    Kind("airplane", machines.airplane, sound=True),
    Kind("helicopter", machines.helicopter, sound=True),
    Kind("rocket", machines.rocket, sound=True),
    Kind("sailboat", machines.sailboat, flat=True),
    Kind("robot", machines.robot, fronted=True, sound=True),
    Kind("bird", nature.bird, sound=True),
    Kind("dog", nature.dog, flat=True, sound=True),
    Kind("fish", nature.fish, flat=True),
    Kind("bee", nature.bee, sound=True),
    Kind("tree", nature.tree),
    Kind("mushroom", nature.mushroom),
    Kind("cactus", nature.cactus, flat=True),
    Kind("snowman", nature.snowman),
    Kind("sofa", furniture.sofa, fronted=True),
    Kind("stool", furniture.stool),
    Kind("bookshelf", furniture.bookshelf, fronted=True),
    Kind("bathtub", furniture.bathtub, flat=True),
    Kind("television", furniture.television, fronted=True),
    Kind("saw", tools.saw, flat=True, sound=True),
    Kind("screwdriver", tools.screwdriver),
    Kind("axe", tools.axe, flat=True),
    Kind("shovel", tools.shovel, flat=True),
    Kind("scissors", tools.scissors, flat=True),
    Kind("broom", tools.broom, flat=True),
    Kind("bucket", tools.bucket),
    Kind("apple", food.apple),
    Kind("banana", food.banana, flat=True),
    Kind("pineapple", food.pineapple),
    Kind("carrot", food.carrot),
    Kind("pumpkin", food.pumpkin),
    Kind("fork", food.fork, flat=True),
    Kind("cat", animals.cat, flat=True, sound=True),
    Kind("duck", animals.duck, flat=True, sound=True),
    Kind("frog", animals.frog, sound=True),
    Kind("cricket", animals.cricket, flat=True, sound=True),
    Kind("turtle", animals.turtle),
    Kind("snail", animals.snail, flat=True),
    Kind("elephant", animals.elephant, flat=True),
    Kind("giraffe", animals.giraffe),
    Kind("rabbit", animals.rabbit),
    Kind("spider", animals.spider),
    Kind("butterfly", animals.butterfly, flat=True),
    Kind("whale", animals.whale, flat=True),
    Kind("bus", vehicles.bus),
    Kind("truck", vehicles.truck, flat=True),
    Kind("bicycle", vehicles.bicycle, flat=True),
    Kind("submarine", vehicles.submarine, flat=True),
    Kind("ambulance", vehicles.ambulance, sound=True),
    Kind("castle", buildings.castle),
    Kind("church", buildings.church),
    Kind("tent", buildings.tent, fronted=True),
    Kind("windmill", buildings.windmill, fronted=True),
    Kind("lighthouse", buildings.lighthouse),
    Kind("bridge", buildings.bridge, flat=True),
    Kind("flute", things.flute, flat=True, sound=True),
    Kind("telephone", things.telephone, fronted=True, sound=True),
    Kind("tap", things.tap, flat=True, sound=True),
    Kind("cannon", things.cannon, flat=True, sound=True),
    Kind("glasses", things.glasses, flat=True),
    Kind("boot", things.boot, flat=True),
    Kind("flower", things.flower, flat=True),
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

MOTIONS = ("spinning", "rolling left", "rolling right", "bouncing", "rising", "falling", "swinging", "approaching")
SIZES = ("small", "medium", "big")  # how much of the frame a thing fills
RELATIONS = ("on", "under", "left of", "in front of")

NAMES = tuple(kind.name for kind in KINDS)
BY_NAME = {kind.name: kind for kind in KINDS}
SOUNDING = tuple(kind.name for kind in KINDS if kind.sound)
HELD_OUT_COLOURS, HELD_OUT_MOTIONS = 2, 1  # for each kind

Pair = tuple[str, str]
Pairs = tuple[Pair, ...]


def _hold_out(values, each: int, seed: int) -> tuple[Pairs, Pairs]:
    """(training pairs, held-out pairs) of (kind, value): `each` values a kind, every value about equally often."""
    r = np.random.default_rng(seed)
    use = dict.fromkeys(values, 0)
    held = set()
    for kind in r.permutation(NAMES):
        for value in sorted(r.permutation(values), key=use.get)[:each]:
            use[value] += 1
            held.add((str(kind), str(value)))
    every = [(kind, value) for kind in NAMES for value in values]
    return tuple(p for p in every if p not in held), tuple(p for p in every if p in held)


@cache
def split() -> tuple[Pairs, Pairs]:
    """(training pairs, held-out pairs) of (kind, colour)."""
    return _hold_out(list(COLOURS), HELD_OUT_COLOURS, 20261123)


@cache
def motion_split() -> tuple[Pairs, Pairs]:
    """(training pairs, held-out pairs) of (kind, motion)."""
    return _hold_out(list(MOTIONS), HELD_OUT_MOTIONS, 20261124)


def instance(kind: str, colour: str, r: np.random.Generator, material: str = "plastic", unseen: bool = False) -> Mesh:
    """One individual of the kind, in one shade of the colour, fitted into the unit ball; an unseen one has proportions never trained on."""
    shade = np.clip(np.asarray(COLOURS[colour]) * r.uniform(0.9, 1.08) + r.uniform(-0.035, 0.035, 3), 0.02, 1)
    builder, ranges = Builder(tuple(shade), material), Ranges(r, unseen)
    BY_NAME[kind].build(builder, ranges)
    mesh = builder.mesh()
    mesh.vertices *= ranges.uniform(0.88, 1.12, 3).astype(np.float32)
    return mesh.fitted()
