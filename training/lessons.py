"""The lessons: what is shown together in one step and what must be near what."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
import torch.nn.functional as F

import words
from data import Shards, prepare
from generate import LANGUAGES
from model import Space
from preprocessing import DIMENSION, MATRYOSHKA
from world import captions
from world.catalogue import COLOURS, MATERIALS, MOTIONS, NAMES, RELATIONS, SIZES, SOUNDING, motion_split, split

BATCH, SCENES, SPOKEN_SCENES, FILMS = 72, 24, 16, 48
REMEMBERED = 1024  # vectors of each sense that stay as wrong answers for later batches
BETWEEN, MOVING = 0.7, 2.0  # the weights of sense against sense, and of motions
NEVER = -1e4  # added to the score of what must not count as a wrong answer
COLOUR_NAMES = tuple(COLOURS)
# Prefixes of the vector that are taught beside the whole, and their weight.
PREFIXES = ((DIMENSION, 1.0), *((d, 0.4) for d in MATRYOSHKA))
# Pictures learn slowest, points by far the fastest: a cycle of four steps.
SENSES_BY_STEP = (("image", "speech"), ("image", "speech"), ("image", "points", "speech"), ("image", "speech"))
TEXT_LANGUAGES = (0.64, 0.18, 0.18)


def _prefixes(*vectors: torch.Tensor):
    """The vectors cut to every taught dimension, unit again, with the weight of it."""
    for size, weight in PREFIXES:
        yield weight, *(v if size == v.shape[1] else F.normalize(v[:, :size], dim=-1) for v in vectors)


class Memory:
    """The last vectors of one sense with the rows of their pairs: wrong answers beyond the batch (Wang et al. 2020)."""

    def __init__(self):
        self.vectors, self.rows = torch.empty(0, DIMENSION), np.empty(0, int)

    def add(self, vectors: torch.Tensor, rows: np.ndarray):
        self.vectors = torch.cat([vectors.detach(), self.vectors])[:REMEMBERED]
        self.rows = np.concatenate([rows, self.rows])[:REMEMBERED]

    def beside(self, rows: np.ndarray) -> torch.Tensor:
        """[rows, remembered] to add to scores: what shows the same pair is no wrong answer."""
        return torch.from_numpy(np.where(rows[:, None] == self.rows[None], NEVER, 0.0).astype(np.float32))


def contrast(a: torch.Tensor, b: torch.Tensor, scale, rows: np.ndarray | None = None, memories: tuple[Memory, Memory] | None = None) -> torch.Tensor:
    """Symmetric InfoNCE: row i of one belongs to row i of the other; with the memories of both, against these too."""
    if memories is None:
        wrong = [(a[:0], torch.zeros(len(a), 0)), (b[:0], torch.zeros(len(a), 0))]
    else:
        wrong = [(memory.vectors, memory.beside(rows)) for memory in memories]
    (more_a, beside_a), (more_b, beside_b) = wrong
    target, total = torch.arange(len(a)), 0.0
    for weight, x, y, more_x, more_y in _prefixes(a, b, more_a, more_b):
        scores = scale * x @ y.T
        there = F.cross_entropy(torch.cat([scores, scale * x @ more_y.T + beside_b], 1), target)
        back = F.cross_entropy(torch.cat([scores.T, scale * y @ more_x.T + beside_a], 1), target)
        total = total + weight * (there + back) / 2
    return total


def named(v: torch.Tensor, names: torch.Tensor, scale, target: torch.Tensor, bias=0.0) -> torch.Tensor:
    """Cross-entropy of choosing the right one of `names` [N, D] for every row of `v`; `bias` is added to the scores."""
    return sum(weight * F.cross_entropy(scale * x @ y.T + bias, target) for weight, x, y in _prefixes(v, names))


class Lesson:
    """One batch: which pairs, what they are called, and the loss of everything seen."""

    def __init__(self, space: Space, tokenizer, shards: Shards, memories: dict[str, Memory] | None, size: int, r):
        """`memories` of every sense and of text live on from lesson to lesson; pictures are shown `size` wide."""
        self.space, self.tokenizer, self.shards, self.memories, self.size, self.r = space, tokenizer, shards, memories, size, r
        self.pairs = split()[0]
        # Added to scores [kinds, colours]: a pair that is held out must not serve as a wrong answer either, or
        # the towers learn that a pink thing is never a mug.
        self.unseen = torch.full((len(NAMES), len(COLOUR_NAMES)), NEVER)
        for kind, colour in self.pairs:
            self.unseen[NAMES.index(kind), COLOUR_NAMES.index(colour)] = 0
        self.unmoved = torch.full((len(NAMES), len(MOTIONS)), NEVER)  # the same of motions
        for kind, motion in motion_split()[0]:
            self.unmoved[NAMES.index(kind), MOTIONS.index(motion)] = 0

    def read(self, texts: list[str]) -> torch.Tensor:
        """Texts of one length together: most are short, and padding costs as much as words."""
        vectors, places = [], []
        for numbers, ids, mask in words.batches(self.tokenizer, texts):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                vectors.append(self.space.text(torch.from_numpy(ids), torch.from_numpy(mask)).float())
            places += numbers
        return F.normalize(torch.cat(vectors)[torch.from_numpy(np.argsort(places))], dim=-1)

    def see(self, sense: str, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            native = self.space.towers[sense](x)
        return self.space.place(sense, native)

    def watch(self, x: torch.Tensor) -> torch.Tensor:
        """Films [B, frames, 3, H, W]; the image tower only serves here and is not taught."""
        tower, image = self.space.towers["video"], self.space.towers["image"]
        image.eval()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            with torch.no_grad():
                flat = x.flatten(0, 1).contiguous(memory_format=torch.channels_last)
                frames = image(flat).unflatten(0, x.shape[:2])
            native = tower.mix(frames, x)
        image.train()
        return self.space.place("video", native)

    def language(self) -> str:
        return str(self.r.choice(LANGUAGES, p=TEXT_LANGUAGES))

    def loss(self, step: int, films: bool) -> torch.Tensor:
        """Everything of one step; `films` once the image tower has something to say."""
        senses = SENSES_BY_STEP[step % len(SENSES_BY_STEP)]
        rows = self.r.choice(len(self.pairs), BATCH, replace=False)
        pairs = [self.pairs[row] for row in rows]
        drawn = {sense: self._items(sense, rows) for sense in senses[1:]}
        drawn["image"], looks = self._pictures(rows)
        first, second, kinds, colours, sizes, materials = self._names(pairs, looks)
        truth = Truth(
            torch.tensor([NAMES.index(k) for k, _ in pairs]), torch.tensor([COLOUR_NAMES.index(c) for _, c in pairs]), kinds, colours
        )
        total, seen = contrast(first, second, 16.0), {}
        for sense in senses:
            seen[sense] = self.see(sense, drawn[sense])
            total = total + self._called(sense, seen[sense], first if sense == "image" else second, rows, truth)
        total = total + 0.1 * self._look(seen["image"], looks, sizes, materials)
        if films:
            seen["video"], loss = self._films(rows, second, truth)
            total = total + loss
        for (one, v), (other, w) in combinations(seen.items(), 2):
            least = min(len(v), len(w))
            total = total + BETWEEN * contrast(v[:least], w[:least], 16.0, rows[:least], self._remembered(one, other))
        if self.memories is not None:
            for name, v in (*seen.items(), ("text", first)):
                self.memories[name].add(v, rows[: len(v)])
        total = total + self._scenes("scene", SCENES, "image")
        if "speech" in senses:
            total = total + 0.5 * self._signatures(kinds) + 0.5 * self._scenes("spoken_scene", SPOKEN_SCENES, "speech")
        return total

    def _names(self, pairs, looks) -> tuple[torch.Tensor, ...]:
        """Vectors of a caption for each pair, of another, of all kinds, colours, sizes and materials."""
        r = self.r
        texts = [self._caption(pair, look) for pair, look in zip(pairs, looks)]
        texts += [captions.caption(*pair, r, language=self.language()) for pair in pairs]
        texts += [captions.of_kind(k, r, sounding=r.random() < 0.3, language=self.language()) for k in NAMES]
        texts += [captions.of_colour(c, r, language=self.language()) for c in COLOUR_NAMES]
        texts += [f"something {word}" for word in (*SIZES, *MATERIALS)]
        return self.read(texts).split([len(pairs), len(pairs), len(NAMES), len(COLOUR_NAMES), len(SIZES), len(MATERIALS)])

    def _caption(self, pair, look) -> str:
        """What the picture shows; now and then with its size and material."""
        size = SIZES[look[0]] if look is not None and self.r.random() < 0.2 else None
        material = MATERIALS[look[1]] if look is not None and self.r.random() < 0.2 else None
        return captions.caption(*pair, self.r, size=size, material=material, language=self.language())

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

    def _remembered(self, one: str, other: str) -> tuple[Memory, Memory] | None:
        return None if self.memories is None else (self.memories[one], self.memories[other])

    def _called(self, sense: str, v: torch.Tensor, captions_of_v: torch.Tensor, rows, truth: "Truth") -> torch.Tensor:
        """`v` belongs to its caption, to its kind's name and to its colour's."""
        scale, kind, colour = self.space.scale(sense), truth.kind[: len(v)], truth.colour[: len(v)]
        loss = contrast(v, captions_of_v[: len(v)], scale, rows[: len(v)], self._remembered(sense, "text"))
        loss = loss + 0.5 * named(v, truth.kinds, scale, kind, self.unseen.T[colour])
        return loss + 0.3 * named(v, truth.colours, scale, colour, self.unseen[kind])

    def _look(self, v: torch.Tensor, looks: list, sizes: torch.Tensor, materials: torch.Tensor) -> torch.Tensor:
        rows = [i for i, look in enumerate(looks) if look is not None]
        facts, v, scale = torch.tensor(np.array([looks[i] for i in rows])), v[rows], self.space.scale("image")
        return named(v, sizes, scale, facts[:, 0]) + named(v, materials, scale, facts[:, 1])

    def _films(self, rows, plain: torch.Tensor, truth: "Truth") -> tuple[torch.Tensor, torch.Tensor]:
        """(vectors, loss) of a film for the first pairs; half the captions say how the thing moves."""
        drawn, spots = self.shards.draw("video", rows[:FILMS], self.r)
        motions = self.shards.facts("motion", spots)
        moving = np.flatnonzero(self.r.random(FILMS) < 0.5)
        texts = [captions.caption(*self.pairs[rows[i]], self.r, MOTIONS[motions[i]], language=self.language()) for i in moving]
        texts += [captions.of_motion(m, self.r, language=self.language()) for m in MOTIONS]
        told, moves = self.read(texts).split([len(moving), len(MOTIONS)])
        wanted = plain[:FILMS].clone()
        wanted[torch.from_numpy(moving)] = told
        v = self.watch(prepare("video", drawn, self.r, self.size))
        loss = self._called("video", v, wanted, rows, truth)
        return v, loss + MOVING * named(v, moves, self.space.scale("video"), torch.from_numpy(motions), self.unmoved[truth.kind[:FILMS]])

    def _scenes(self, name: str, count: int, sense: str) -> torch.Tensor:
        """Scenes, seen or told, belong to what is said of them and not to what is almost so."""
        rows = self.r.choice(len(self.pairs), count, replace=False)
        drawn, spots = self.shards.draw(name, rows, self.r)
        told = [Told.of(row) for row in self.shards.facts(f"{name}_things", spots)]
        texts = [t.caption(self.r, self.language()) for t in told]
        texts += [wrong.caption(self.r, self.language()) for t in told for wrong in t.almost(self.r, self.unseen)]
        said = self.read(texts)
        v, scale, target = self.see(sense, prepare(name, drawn, self.r, self.size)), self.space.scale(sense), torch.arange(count)
        return named(v, said, scale, target) + named(said[:count], v, scale, target)

    def _signatures(self, kinds: torch.Tensor) -> torch.Tensor:
        """What a sounding kind sounds like belongs to its name, whatever its colour."""
        v = self.see("speech", self._items("signature", np.arange(len(SOUNDING))))
        return named(v, kinds, self.space.scale("speech"), torch.tensor([NAMES.index(k) for k in SOUNDING]))


@dataclass
class Truth:
    """Of each pair of the batch its kind and colour as numbers; the vectors of all kinds' and colours' names."""

    kind: torch.Tensor
    colour: torch.Tensor
    kinds: torch.Tensor
    colours: torch.Tensor


@dataclass(frozen=True)
class Told:
    """A scene in numbers: things are (kind, colour), the relation holds between the first two."""

    things: tuple[tuple[int, int], ...]
    relation: int

    @staticmethod
    def of(numbers: np.ndarray) -> "Told":
        flat = [int(n) for n in numbers]
        return Told(tuple((flat[i], flat[i + 1]) for i in (1, 3, 5) if i + 1 < len(flat) and flat[i] >= 0), flat[0])

    def caption(self, r, language: str) -> str:
        named_things = [(NAMES[k], COLOUR_NAMES[c]) for k, c in self.things]
        return captions.scene_caption(named_things, RELATIONS[self.relation], r, language=language)

    def almost(self, r, unseen: torch.Tensor) -> list["Told"]:
        """Wrong in one respect: who is where, the relation, whose colour is whose (never with a held-out pair)."""
        (k1, c1), (k2, c2), *rest = self.things
        other = int(r.choice([i for i in range(len(RELATIONS)) if i != self.relation]))
        wrong = [Told((self.things[1], self.things[0], *rest), self.relation), Told(self.things, other)]
        if c1 != c2 and unseen[k1, c2] == 0 and unseen[k2, c1] == 0:
            wrong.append(Told(((k1, c2), (k2, c1), *rest), self.relation))
        return wrong
