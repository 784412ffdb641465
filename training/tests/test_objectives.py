"""The losses: what counts as a wrong answer, and what must not."""

import numpy as np
import torch
import torch.nn.functional as F

from objectives import COLOUR_NAMES, NEVER, Memory, contrast, named, spread, unmoved, unseen
from preprocessing import DIMENSION
from told import Told
from world.catalogue import MOTIONS, NAMES, motion_split, split


def vectors(count: int, seed: int) -> torch.Tensor:
    return F.normalize(torch.randn(count, DIMENSION, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_what_is_held_out_is_masked_and_nothing_else():
    for mask, of, values in ((unseen(), split, COLOUR_NAMES), (unmoved(), motion_split, MOTIONS)):
        train, held = of()
        assert all(mask[NAMES.index(kind), values.index(value)] == NEVER for kind, value in held)
        assert all(mask[NAMES.index(kind), values.index(value)] == 0 for kind, value in train)


def test_a_masked_answer_does_not_change_the_loss():
    v, names, target = vectors(4, 1), vectors(6, 2), torch.arange(4)
    bias = torch.zeros(4, 6)
    bias[:, 5] = NEVER
    assert torch.allclose(named(v, names, 20.0, target, bias), named(v, names[:5], 20.0, target))
    assert named(v, names, 20.0, target) > named(v, names[:5], 20.0, target)


def test_memories_are_wrong_answers_unless_they_show_the_same_pair():
    a, b, rows, none = vectors(4, 1), vectors(4, 2), np.arange(4), (Memory(), Memory())
    plain = contrast(a, b, 20.0, rows, none)
    same, other = Memory(vectors(1, 3), np.array([2])), Memory(a[:1], np.array([9]))
    # Row 2 is shown by the memory and loses nothing; the three others gain a wrong answer.
    assert contrast(a[2:3], b[2:3], 20.0, rows[2:3], (Memory(), same)) == contrast(a[2:3], b[2:3], 20.0, rows[2:3], none)
    assert contrast(a, b, 20.0, rows, (Memory(), other)) > plain


def test_a_memory_keeps_the_newest():
    memory = Memory()
    for batch in range(20):
        memory.add(vectors(72, batch), np.full(72, batch))
    assert len(memory.vectors) == len(memory.rows) == 1024
    assert set(memory.rows[:72]) == {19} and 0 not in memory.rows


def test_what_is_almost_so_differs_and_shows_nothing_held_out():
    r, mask, train = np.random.default_rng(4), unseen(), split()[0]
    number = lambda pair: (NAMES.index(pair[0]), COLOUR_NAMES.index(pair[1]))  # noqa: E731
    for _ in range(200):
        first, second = (train[int(i)] for i in r.choice(len(train), 2, replace=False))
        told = Told((number(first), number(second)), int(r.integers(4)))
        wrong = told.almost(r, mask)
        assert len(wrong) >= 2 and told not in wrong
        assert all(mask[kind, colour] == 0 for w in wrong for kind, colour in w.things)


def test_names_at_right_angles_are_spread_and_names_along_one_another_are_not():
    wide, one = torch.eye(DIMENSION)[:8], vectors(1, 3).expand(8, -1)
    assert spread(wide) < 1e-6
    assert torch.allclose(spread(one), torch.tensor(7.0 * (1 + 0.4 + 0.4)), atol=1e-3)
    assert spread(wide) < spread(vectors(8, 4)) < spread(one)
