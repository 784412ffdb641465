"""What is asked of vectors: that what belongs together lies together, and what must not count as a wrong answer."""

from functools import cache

import numpy as np
import torch
import torch.nn.functional as F

from preprocessing import DIMENSION, MATRYOSHKA
from world.catalogue import COLOURS, MOTIONS, NAMES, motion_split, split

COLOUR_NAMES = tuple(COLOURS)
REMEMBERED = 1024  # vectors of each sense that stay as wrong answers for later batches
NEVER = -1e4  # added to the score of what must not count as a wrong answer
# Prefixes of the vector that are taught beside the whole, and their weight.
PREFIXES = ((DIMENSION, 1.0), *((d, 0.4) for d in MATRYOSHKA))


def numbered(pairs) -> tuple[torch.Tensor, torch.Tensor]:
    """Kinds and colours of pairs by their numbers in the catalogue."""
    return torch.tensor([NAMES.index(kind) for kind, _ in pairs]), torch.tensor([COLOUR_NAMES.index(colour) for _, colour in pairs])


@cache
def unseen() -> torch.Tensor:
    """[kinds, colours] to add to scores: a pair that is held out must not serve as a wrong answer either, or the
    towers learn that a pink thing is never a mug."""
    out = torch.full((len(NAMES), len(COLOUR_NAMES)), NEVER)
    for kind, colour in split()[0]:
        out[NAMES.index(kind), COLOUR_NAMES.index(colour)] = 0
    return out


@cache
def unmoved() -> torch.Tensor:
    """[kinds, motions], the same of how things move."""
    out = torch.full((len(NAMES), len(MOTIONS)), NEVER)
    for kind, motion in motion_split()[0]:
        out[NAMES.index(kind), MOTIONS.index(motion)] = 0
    return out


def _prefixes(*vectors: torch.Tensor):
    """The vectors cut to every taught dimension, unit again, with the weight of it."""
    for size, weight in PREFIXES:
        yield weight, *(v if size == v.shape[1] else F.normalize(v[:, :size], dim=-1) for v in vectors)


class Memory:
    """Vectors of one sense with the rows of their pairs: wrong answers beyond the batch (Wang et al. 2020)."""

    def __init__(self, vectors: torch.Tensor | None = None, rows: np.ndarray | None = None):
        self.vectors = torch.empty(0, DIMENSION) if vectors is None else vectors
        self.rows = np.empty(0, int) if rows is None else rows

    def add(self, vectors: torch.Tensor, rows: np.ndarray):
        self.vectors = torch.cat([vectors.detach(), self.vectors])[:REMEMBERED]
        self.rows = np.concatenate([rows, self.rows])[:REMEMBERED]

    def beside(self, rows: np.ndarray) -> torch.Tensor:
        """[rows, remembered] to add to scores: what shows the same pair is no wrong answer."""
        return torch.from_numpy(np.where(rows[:, None] == self.rows[None], NEVER, 0.0).astype(np.float32))


def contrast(a: torch.Tensor, b: torch.Tensor, scale, rows: np.ndarray, memories: tuple[Memory, Memory]) -> torch.Tensor:
    """Symmetric InfoNCE: row i of one belongs to row i of the other and to nothing in the memory of the other."""
    (more_a, beside_a), (more_b, beside_b) = ((memory.vectors, memory.beside(rows)) for memory in memories)
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


def spread(v: torch.Tensor) -> torch.Tensor:
    """The frame potential (Benedetto & Fickus 2003): how much the rows, which mean different things, lie along one another.

    Cross-entropy is content with names that lie in a dozen dimensions, as long as a text is told from a text; whatever is
    seen must then hit them too exactly. Rows at right angles leave it the most room.
    """
    return sum(weight * ((x @ x.T) ** 2).sum(1).sub(1).mean() for weight, x in _prefixes(v))
