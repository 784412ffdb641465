"""The lessons: what is shown together in one step and what must be near what."""

from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
import torch
import torch.nn.functional as F

from data import Shards, prepare
from model import STANDINGS, Space
from objectives import COLOUR_NAMES, Memory, contrast, named, numbered, unmoved, unseen
from reading import language, moves, names, read
from told import Told
from world import captions
from world.catalogue import MATERIALS, MOTIONS, NAMES, SIZES, SOUNDING, split

BATCH, SCENES, SPOKEN_SCENES, FILMS = 72, 32, 16, 48
LOOKED_AT, RECOLOURED = 72, 24
BETWEEN, MOVING = 0.7, 2.0  # the weights of sense against sense, and of motions
KEPT = {"image": 10.0, "speech": 60.0}  # the weight of what stays where it is while scenes, and sounds, are placed
GUIDED = 1.0  # of the plain classes of kinds and colours, from which shapes are learnt long before words help
# What the steps show, a cycle of four: pictures learn slowest, points by far the fastest.
SENSES_BY_STEP = (("image", "speech"), ("image", "points", "speech"), ("image", "speech"), ("image", "points"))


def guided(space: Space, sense: str, native: torch.Tensor, kind: torch.Tensor, colour: torch.Tensor, masks=(0.0, 0.0)) -> torch.Tensor:
    """Cross-entropy of the plain classes of kinds and colours; `masks` are added to their scores."""
    kinds, colours = space.guides[sense](native).split([len(NAMES), len(COLOUR_NAMES)], 1)
    return F.cross_entropy(kinds + masks[0], kind) + 0.5 * F.cross_entropy(colours + masks[1], colour)


def shaped(space: Space, sense: str, shards: Shards, size: int, r) -> tuple[torch.Tensor, torch.Tensor]:
    """(native vectors, kinds) of things in strange colours, of which the kinds alone are asked: shape then has nothing to
    do with colour, or a kind is known only in the colours that it was seen in."""
    pairs = split()[0]
    rows = r.choice(len(pairs), RECOLOURED, replace=False)
    kind, _ = numbered([pairs[row] for row in rows])
    return see(space, sense, prepare(sense, shards.draw(sense, rows, r)[0], r, size, recolour=True)), kind


def shape_loss(space: Space, sense: str, native: torch.Tensor, kind: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(space.guides[sense](native)[:, : len(NAMES)], kind)


def stood(space: Space, native: torch.Tensor, told: list[Told]) -> torch.Tensor:
    """Cross-entropy of plain classes: what stands above, left or in front, what else, and in which of these ways."""
    first, second, way = zip(*(t.standing() for t in told))
    apart, loss = unseen(), torch.zeros(())
    kinds, colours = len(NAMES), len(COLOUR_NAMES)
    *things, ways = space.standing(native).split([kinds, colours, kinds, colours, len(STANDINGS)], 1)
    for (of_kind, of_colour), thing in zip((things[:2], things[2:]), (first, second)):
        kind, colour = torch.tensor(thing).unbind(1)
        loss = loss + F.cross_entropy(of_kind + apart.T[colour], kind) + 0.5 * F.cross_entropy(of_colour + apart[kind], colour)
    return loss / 2 + F.cross_entropy(ways, torch.tensor(way))


def scenes(shards: Shards, name: str, count: int, r) -> tuple[np.ndarray, list[Told]]:
    """Scenes of the array `name`, with what is told of them."""
    drawn, spots = shards.draw(name, r.choice(len(split()[0]), count, replace=False), r)
    return drawn, [Told.of(row) for row in shards.facts(f"{name}_things", spots)]


def said_of(told: list[Told], r) -> list[str]:
    """A caption of each scene, then of everything that is almost so."""
    wrong = [w for t in told for w in t.almost(r, unseen())]
    return [t.caption(r, language(r)) for t in (*told, *wrong)]


def meant(v: torch.Tensor, said: torch.Tensor, scale) -> torch.Tensor:
    """Scenes belong to their captions, the first of `said`, and these to them."""
    target = torch.arange(len(v))
    return named(v, said, scale, target) + named(said[: len(v)], v, scale, target)


def see(space: Space, sense: str, x: torch.Tensor) -> torch.Tensor:
    """Native vectors."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return space.towers[sense](x).float()


def watch(space: Space, x: torch.Tensor) -> torch.Tensor:
    """Native vectors of films [B, frames, 3, H, W]; the image tower only serves here and is not taught."""
    tower, image = space.towers["video"], space.towers["image"]
    image.eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with torch.no_grad():
            views = x[:, tower.VIEWS]
            flat = views.flatten(0, 1).contiguous(memory_format=torch.channels_last)
            frames = image(flat).unflatten(0, views.shape[:2])
        native = tower.mix(frames, x)
    image.train()
    return native.float()


def looking(space: Space, shards: Shards, sense: str, size: int, r) -> torch.Tensor:
    """One sense alone, in plain classes: what things look or sound like, before it is said what they are called."""
    pairs, apart = split()[0], unseen()
    rows = r.choice(len(pairs), FILMS if sense == "video" else LOOKED_AT, replace=False)
    kind, colour = numbered([pairs[row] for row in rows])
    drawn, spots = shards.draw(sense, rows, r)
    x = prepare(sense, drawn, r, size)
    native = watch(space, x) if sense == "video" else see(space, sense, x)
    loss = guided(space, sense, native, kind, colour, (apart.T[colour], apart[kind]))
    if sense == "video":
        return loss + F.cross_entropy(space.moves(native) + unmoved()[kind], torch.from_numpy(shards.facts("motion", spots)))
    if sense != "speech":
        loss = loss + 0.5 * shape_loss(space, sense, *shaped(space, sense, shards, size, r))
    if sense == "image":
        drawn, spots = shards.draw("scene", r.choice(len(pairs), LOOKED_AT, replace=False), r)
        told = [Told.of(row) for row in shards.facts("scene_things", spots)]
        loss = loss + stood(space, see(space, "image", prepare("scene", drawn, r, size)), told)
    return loss


class Lesson:
    """One batch: which pairs, what the finished text tower calls them, and the loss of everything seen."""

    def __init__(self, space: Space, tokenizer, shards: Shards, memories: dict[str, Memory], remember: bool, size: int, r):
        """`memories` of the senses live on from lesson to lesson, that of text holds every pair; `remember` adds what is
        seen. Pictures are shown `size` wide."""
        self.space, self.tokenizer, self.shards, self.memories, self.remember = space, tokenizer, shards, memories, remember
        self.size, self.r = size, r
        self.pairs, self.unseen, self.unmoved = split()[0], unseen(), unmoved()

    @torch.no_grad()
    def read(self, *groups: list[str]) -> tuple[torch.Tensor, ...]:
        return read(self.space, self.tokenizer, *groups)

    def loss(self, step: int, films: bool) -> torch.Tensor:
        """Everything of one step."""
        senses = SENSES_BY_STEP[step % len(SENSES_BY_STEP)]
        rows = self.r.choice(len(self.pairs), BATCH, replace=False)
        pairs = [self.pairs[row] for row in rows]
        drawn = {sense: self._items(sense, rows) for sense in senses[1:]}
        drawn["image"], looks = self._pictures(rows)
        first, second, kinds, colours, sizes, materials = self._names(pairs, looks)
        truth = Truth(*numbered(pairs), kinds, colours)
        total, seen = torch.zeros(()), {}
        for sense in senses:
            seen[sense], loss = self._called(sense, see(self.space, sense, drawn[sense]), first if sense == "image" else second, rows, truth)
            total = total + loss
            if sense != "speech":
                total = total + self._shapes(sense, kinds)
        total = total + 0.1 * self._look(seen["image"], looks, sizes, materials)
        if films:
            seen["video"], loss = self._films(rows, second, truth)
            total = total + loss
        for (one, v), (other, w) in combinations(seen.items(), 2):
            least = min(len(v), len(w))
            total = total + BETWEEN * contrast(v[:least], w[:least], 16.0, rows[:least], self._remembered(one, other))
        if self.remember:
            for name, v in seen.items():
                self.memories[name].add(v, rows[: len(v)])
        total = total + self._scenes("scene", SCENES, "image")
        if "speech" in senses:
            total = total + 0.5 * self._signatures(kinds) + 0.5 * self._scenes("spoken_scene", SPOKEN_SCENES, "speech")
        return total

    def _names(self, pairs, looks) -> tuple[torch.Tensor, ...]:
        """Vectors of a caption for each pair, of another, of all kinds, colours, sizes and materials."""
        told = [self._caption(pair, look) for pair, look in zip(pairs, looks)]
        return self.read(told, [captions.caption(*pair, self.r, language=language(self.r)) for pair in pairs], *names(self.r))

    def _caption(self, pair, look) -> str:
        """What the picture shows; now and then with its size and material."""
        size = SIZES[look[0]] if look is not None and self.r.random() < 0.2 else None
        material = MATERIALS[look[1]] if look is not None and self.r.random() < 0.2 else None
        return captions.caption(*pair, self.r, size=size, material=material, language=language(self.r))

    def _pictures(self, rows) -> tuple[torch.Tensor, list]:
        """A photograph, or one frame of a film, of each pair; with (size, material) of the photographs, else None."""
        drawn, spots = self.shards.draw("image", rows, self.r)
        looks: list = list(self.shards.facts("look", spots))
        for i in np.flatnonzero(self.r.random(len(rows)) < 0.3):
            film = self.shards.draw("video", rows[i : i + 1], self.r)[0][0]
            drawn[i], looks[i] = film[int(self.r.integers(len(film)))], None
        return prepare("image", drawn, self.r, self.size), looks

    def _items(self, sense: str, rows) -> torch.Tensor:
        return prepare(sense, self.shards.draw(sense, rows, self.r)[0], self.r)

    def _remembered(self, one: str, other: str) -> tuple[Memory, Memory]:
        return self.memories[one], self.memories[other]

    def _called(self, sense: str, native: torch.Tensor, captions_of_it: torch.Tensor, rows, truth: "Truth") -> tuple[torch.Tensor, torch.Tensor]:
        """(vectors, loss): they belong to their captions, to their kinds' names and to their colours'."""
        v, count, scale = self.space.place(sense, native), len(native), self.space.scale(sense)
        kind, colour = truth.kind[:count], truth.colour[:count]
        no_kind, no_colour = self.unseen.T[colour], self.unseen[kind]
        loss = contrast(v, captions_of_it[:count], scale, rows[:count], self._remembered(sense, "text"))
        loss = loss + 0.5 * named(v, truth.kinds, scale, kind, no_kind) + 0.3 * named(v, truth.colours, scale, colour, no_colour)
        return v, loss + GUIDED * guided(self.space, sense, native, kind, colour, (no_kind, no_colour))

    def _shapes(self, sense: str, kinds: torch.Tensor) -> torch.Tensor:
        """Things in strange colours belong to their kinds' names."""
        native, kind = shaped(self.space, sense, self.shards, self.size, self.r)
        near = named(self.space.place(sense, native), kinds, self.space.scale(sense), kind)
        return 0.3 * near + 0.3 * GUIDED * shape_loss(self.space, sense, native, kind)

    def _look(self, v: torch.Tensor, looks: list, sizes: torch.Tensor, materials: torch.Tensor) -> torch.Tensor:
        rows = [i for i, look in enumerate(looks) if look is not None]
        facts, v, scale = torch.tensor(np.array([looks[i] for i in rows])), v[rows], self.space.scale("image")
        return named(v, sizes, scale, facts[:, 0]) + named(v, materials, scale, facts[:, 1])

    def _films(self, rows, plain: torch.Tensor, truth: "Truth") -> tuple[torch.Tensor, torch.Tensor]:
        """(vectors, loss) of a film for the first pairs; half the captions say how the thing moves."""
        drawn, spots = self.shards.draw("video", rows[:FILMS], self.r)
        motions = self.shards.facts("motion", spots)
        moving = np.flatnonzero(self.r.random(FILMS) < 0.5)
        texts = [captions.caption(*self.pairs[rows[i]], self.r, MOTIONS[motions[i]], language=language(self.r)) for i in moving]
        told, motions_told = self.read(texts, moves(self.r))
        wanted = plain[:FILMS].clone()
        wanted[torch.from_numpy(moving)] = told
        v, loss = self._called("video", watch(self.space, prepare("video", drawn, self.r, self.size)), wanted, rows, truth)
        return v, loss + MOVING * named(v, motions_told, self.space.scale("video"), torch.from_numpy(motions), self.unmoved[truth.kind[:FILMS]])

    def _scenes(self, name: str, count: int, sense: str) -> torch.Tensor:
        """Scenes, seen or told, belong to what is said of them and not to what is almost so."""
        drawn, told = scenes(self.shards, name, count, self.r)
        (said,) = self.read(said_of(told, self.r))
        native = see(self.space, sense, prepare(name, drawn, self.r, self.size))
        loss = meant(self.space.place(sense, native), said, self.space.scale(sense))
        return loss + 0.5 * GUIDED * stood(self.space, native, told) if sense == "image" else loss

    def _signatures(self, kinds: torch.Tensor) -> torch.Tensor:
        """What a sounding kind sounds like belongs to its name, whatever its colour."""
        v = self.space.place("speech", see(self.space, "speech", self._items("signature", np.arange(len(SOUNDING)))))
        return named(v, kinds, self.space.scale("speech"), torch.tensor([NAMES.index(k) for k in SOUNDING]))


class Placing:
    """Of one alignment alone, at the end, when a step costs little: many of what a lesson shows too few of, while the sense's
    other media stay where they were when this began."""

    def __init__(self, space: Space, tokenizer, shards: Shards, sense: str, count: int, kept: int):
        self.space, self.tokenizer, self.shards = space.eval(), tokenizer, shards
        self.sense, self.count, self.kept = sense, count, kept
        self.before = deepcopy(space.align[sense])

    def loss(self, r) -> torch.Tensor:
        alone = self._seen(self.sense, self._pictured(self.sense, r.choice(len(split()[0]), self.kept, replace=False), r))
        there = F.normalize(self.before(alone), dim=-1)
        stays = (1 - (self.space.place(self.sense, alone) * there).sum(1)).mean()
        return (self._scenes(r) if self.sense == "image" else self._signatures(r)) + KEPT[self.sense] * stays

    @torch.no_grad()
    def _seen(self, sense: str, x: torch.Tensor) -> torch.Tensor:
        return see(self.space, sense, x)

    @torch.no_grad()
    def _read(self, texts: list[str]) -> torch.Tensor:
        return read(self.space, self.tokenizer, texts)[0]

    def _pictured(self, name: str, rows, r) -> torch.Tensor:
        return prepare(name, self.shards.draw(name, rows, r)[0], r)

    def _scenes(self, r) -> torch.Tensor:
        drawn, told = scenes(self.shards, "scene", self.count, r)
        native = self._seen("image", prepare("scene", drawn, r))
        return meant(self.space.place("image", native), self._read(said_of(told, r)), self.space.scale("image"))

    def _signatures(self, r) -> torch.Tensor:
        """What a kind sounds like belongs to its name, and to one picture and one scan of it in any colour."""
        rows = r.integers(len(SOUNDING), size=self.count)
        v = self.space.place("speech", self._seen("speech", self._pictured("signature", rows, r)))
        target, scale = torch.tensor([NAMES.index(SOUNDING[row]) for row in rows]), self.space.scale("speech").detach()
        one = [int(r.choice(mine)) for mine in pairs_of_kinds()]
        things = [self._read(names(r)[0])]
        things += [self.space.place(sense, self._seen(sense, self._pictured(sense, one, r))) for sense in ("image", "points")]
        return sum(named(v, w, scale, target) for w in things)


@cache
def pairs_of_kinds() -> list[list[int]]:
    """The rows of every kind's training pairs."""
    pairs = split()[0]
    return [[row for row, (kind, _) in enumerate(pairs) if kind == name] for name in NAMES]


@dataclass
class Truth:
    """Of each pair of the batch its kind and colour as numbers; the vectors of all kinds' and colours' names."""

    kind: torch.Tensor
    colour: torch.Tensor
    kinds: torch.Tensor
    colours: torch.Tensor
