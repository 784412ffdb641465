"""The text tower's own lessons, before anything is seen: what means the same lies together, whatever the words.

It then stands still, and the senses are taught towards it (as in LiT, Zhai et al. 2022): what a thing is called is learnt
in minutes, and whatever is seen has the names of all other things as wrong answers from its first step.
"""

import re
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F

import words
from generate import LANGUAGES, company
from model import Space
from objectives import COLOUR_NAMES, Memory, contrast, named, numbered, spread, unmoved, unseen
from told import Told
from world import captions
from world.catalogue import MATERIALS, MOTIONS, NAMES, RELATIONS, SIZES, motion_split, split

TEXT_LANGUAGES = (0.64, 0.18, 0.18)
SCALE = 20.0
# How often a caption tells how large a thing is, what of, how it moves.
ODDS = {"size": 0.3, "material": 0.3, "motion": 0.4}
COMPOUNDS = 0.2  # how often an English name gets one more word before it
STREWN, SHUFFLED = 0.35, 0.1  # how often words that mean nothing stand around a caption's own, or these in any order
SPREAD = 0.2  # the weight of names, and of scenes, lying along one another
SAYINGS = 12  # captions of each pair that the finished tower reads once


def language(r) -> str:
    return str(r.choice(LANGUAGES, p=TEXT_LANGUAGES))


def read(space: Space, tokenizer, *groups: list[str]) -> tuple[torch.Tensor, ...]:
    """Unit vectors of the texts of each group; those of one length together: most are short, and padding costs as much
    as words."""
    vectors, places = [], []
    for numbers, ids, mask in words.batches(tokenizer, [text for group in groups for text in group]):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            vectors.append(space.text(torch.from_numpy(ids), torch.from_numpy(mask)).float())
        places += numbers
    return F.normalize(torch.cat(vectors)[torch.from_numpy(np.argsort(places))], dim=-1).split([len(group) for group in groups])


def names(r) -> tuple[list[str], ...]:
    """A text for every kind, every colour, every size and every material."""
    return (
        [captions.of_kind(k, r, sounding=r.random() < 0.3, language=language(r)) for k in NAMES],
        [captions.of_colour(c, r, language=language(r)) for c in COLOUR_NAMES],
        [f"something {word}" for word in SIZES],
        [f"something {word}" for word in MATERIALS],
    )


def moves(r) -> list[str]:
    """A text for every motion."""
    return [captions.of_motion(m, r, language=language(r)) for m in MOTIONS]


@cache
def modifiers() -> list[str]:
    """The first words of all names of more than one."""
    return sorted({name.split(" ")[0] for names in captions.KIND_NAMES.values() for name in names if " " in name})


@cache
def taken() -> set[str]:
    """Every name of every kind, those that are held out too."""
    return {name for table in (captions.KIND_NAMES, captions.MORE_KIND_NAMES) for names in table.values() for name in names}


def compounded(text: str, kind: str, r) -> str:
    """`a red key` -> `a red garden key`: the last word of a name says what it is, whatever stands before it. Never one of
    the names that are held out to measure this."""
    modifier = modifiers()[int(r.integers(len(modifiers())))]
    for name in sorted(captions.KIND_NAMES[kind], key=len, reverse=True):
        longer = f"{modifier} {name}"
        if re.search(rf"\b{re.escape(name)}\b", text):
            if any(other in longer and other not in name for other in taken()):
                return text
            text = re.sub(rf"\b(an? )?{re.escape(name)}\b", lambda m, longer=longer: ("a " if m[1] else "") + longer, text, count=1)
            return captions.article(text)
    return text


@cache
def known() -> set[str]:
    """Every word of every name and colour, those that are held out too."""
    colours = {name for table in (captions.ENGLISH_WORDS, captions.MORE_ENGLISH_WORDS) for names in table.colours.values() for name in names}
    return {word for name in taken() | colours for word in name.split(" ")}


@cache
def pieces() -> list[str]:
    """Halves of the words of names: of them a word may be made that nobody knows, and yet looks like some."""
    spoken = {word for names in captions.KIND_NAMES.values() for name in names for word in name.split(" ")}
    return sorted({half for word in spoken if len(word) > 3 for half in (word[: len(word) // 2], word[len(word) // 2 :])})


def nonsense(r) -> str:
    """A word of one to three pieces of others that is none of them."""
    while (word := "".join(pieces()[int(i)] for i in r.integers(len(pieces()), size=int(r.integers(1, 4))))) in known():
        pass
    return word


def strewn(text: str, r) -> str:
    """With up to four words before, and after, that mean nothing, and perhaps one between: what is known must be heard through them."""
    told = text.split(" ")
    if r.random() < 0.4:
        told.insert(int(r.integers(len(told) + 1)), nonsense(r))
    before, after = (int(r.integers(5)) * int(r.random() < 0.6) for _ in range(2))
    return " ".join([*(nonsense(r) for _ in range(before)), *told, *(nonsense(r) for _ in range(after))])


def shuffled(text: str, r) -> str:
    """Its words in any order: of one thing nearly every order says the same."""
    return " ".join(r.permutation(text.split(" ")))


@dataclass(frozen=True)
class Meaning:
    """What a caption tells: a kind and a colour, and perhaps size, material and motion, as numbers; -1 if it does not."""

    kind: int
    colour: int
    size: int = -1
    material: int = -1
    motion: int = -1

    def caption(self, r) -> str:
        """In English, the name may be a longer one of the same thing that nobody has said before; in any language words
        that mean nothing may stand around it, or its own in another order."""
        told = [names[n] if n >= 0 else None for names, n in ((SIZES, self.size), (MATERIALS, self.material), (MOTIONS, self.motion))]
        size, material, motion = told
        kind, spoken = NAMES[self.kind], language(r)
        text = captions.caption(kind, COLOUR_NAMES[self.colour], r, motion, size=size, material=material, language=spoken)
        if spoken == "en" and r.random() < COMPOUNDS:
            text = compounded(text, kind, r)
        if motion is None and r.random() < SHUFFLED:
            text = shuffled(text, r)
        return strewn(text, r) if r.random() < STREWN else text


class Reading:
    """One batch: things told twice in other words, scenes told twice beside what is almost so."""

    def __init__(self, space: Space, tokenizer, r):
        self.space, self.tokenizer, self.r = space, tokenizer, r
        self.pairs, self.unseen, self.unmoved = split()[0], unseen(), unmoved()

    def loss(self, pairs: int, scenes: int) -> torch.Tensor:
        return self._things(pairs) + self._scenes(scenes)

    def _read(self, *groups: list[str]) -> tuple[torch.Tensor, ...]:
        return read(self.space, self.tokenizer, *groups)

    def _meaning(self, row: int) -> Meaning:
        kind, colour = self.pairs[row]
        told = {name: self.r.random() < odds for name, odds in ODDS.items()}
        moves = [MOTIONS.index(m) for k, m in motion_split()[0] if k == kind]
        return Meaning(
            NAMES.index(kind),
            COLOUR_NAMES.index(colour),
            int(self.r.integers(len(SIZES))) if told["size"] else -1,
            int(self.r.integers(len(MATERIALS))) if told["material"] else -1,
            int(self.r.choice(moves)) if told["motion"] else -1,
        )

    def _things(self, count: int) -> torch.Tensor:
        r = self.r
        rows = r.choice(len(self.pairs), count, replace=False)
        meant = [self._meaning(row) for row in rows]
        first, second, kinds, colours, sizes, materials, motions = self._read(
            [m.caption(r) for m in meant], [m.caption(r) for m in meant], *names(r), moves(r)
        )
        numbers = {name: torch.tensor([getattr(m, name) for m in meant]) for name in ("kind", "colour", "size", "material", "motion")}
        kind, colour = numbers["kind"], numbers["colour"]
        total = contrast(first, second, SCALE, rows, (Memory(), Memory()))
        total = total + named(first, kinds, SCALE, kind, self.unseen.T[colour]) + 0.5 * named(first, colours, SCALE, colour, self.unseen[kind])
        for name, options, bias in (("size", sizes, None), ("material", materials, None), ("motion", motions, self.unmoved)):
            told = numbers[name] >= 0
            if told.any():
                total = total + 0.3 * named(first[told], options, SCALE, numbers[name][told], 0.0 if bias is None else bias[kind[told]])
        return total + SPREAD * spread(torch.cat([kinds, colours, motions]))

    def _scenes(self, count: int) -> torch.Tensor:
        r = self.r
        told = []
        for row in r.choice(len(self.pairs), count, replace=False):
            kinds, colours = numbered([self.pairs[row], *company(self.pairs, self.pairs[row][0], r)])
            told.append(Told(tuple(zip(kinds.tolist(), colours.tolist())), int(r.integers(len(RELATIONS)))))
        wrong = [w for t in told for w in t.almost(r, self.unseen)]
        first, second, other = self._read(*([t.caption(r, language(r)) for t in group] for group in (told, told, wrong)))
        target = torch.arange(count)
        told_apart = named(first, torch.cat([second, other]), SCALE, target) + named(second, first, SCALE, target)
        return told_apart + SPREAD * spread(first)


class Sayings:
    """What every training pair may be called, read once by the finished tower."""

    def __init__(self, space: Space, tokenizer):
        r, pairs = np.random.default_rng(5), split()[0]
        with torch.no_grad():
            said = [read(space, tokenizer, [captions.caption(*pair, r, language=language(r)) for pair in pairs])[0] for _ in range(SAYINGS)]
        self.vectors = torch.stack(said)

    def draw(self, r) -> Memory:
        """One caption of each pair."""
        count = self.vectors.shape[1]
        return Memory(self.vectors[torch.from_numpy(r.integers(SAYINGS, size=count)), torch.arange(count)], np.arange(count))
