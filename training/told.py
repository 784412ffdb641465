"""What is told of a scene, in numbers that index the catalogue, and what is almost so."""

from dataclasses import dataclass

import numpy as np
import torch

from model import STANDINGS
from objectives import COLOUR_NAMES
from world import captions
from world.catalogue import NAMES, RELATIONS


@dataclass(frozen=True)
class Told:
    """A scene in numbers: things are (kind, colour), the relation holds between the first two."""

    things: tuple[tuple[int, int], ...]
    relation: int

    @staticmethod
    def of(numbers: np.ndarray) -> "Told":
        flat = [int(n) for n in numbers]
        return Told(tuple((flat[i], flat[i + 1]) for i in (1, 3, 5) if i + 1 < len(flat) and flat[i] >= 0), flat[0])

    def standing(self) -> tuple[tuple[int, int], tuple[int, int], int]:
        """Who is where, whatever is said of it: the thing above, left or in front, the other one, and which of STANDINGS."""
        first, second, *_ = self.things
        if RELATIONS[self.relation] == "under":
            return second, first, STANDINGS.index("on")
        return first, second, STANDINGS.index(RELATIONS[self.relation])

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
