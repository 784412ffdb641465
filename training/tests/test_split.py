"""What is held out stays held out."""

from collections import Counter

import numpy as np

import generate
from samples import subjects
from world.catalogue import COLOURS, HELD_OUT_PAIRS, NAMES, split


def test_split_is_disjoint_and_complete():
    train, held = split()
    assert len(held) == len(set(held)) == HELD_OUT_PAIRS >= 96
    assert not set(train) & set(held)
    assert set(train) | set(held) == {(k, c) for k in NAMES for c in COLOURS}


def test_every_kind_and_colour_is_trained_and_tested():
    train, held = split()
    for pairs in (train, held):
        assert {k for k, _ in pairs} == set(NAMES)
        assert {c for _, c in pairs} == set(COLOURS)
    assert min(Counter(c for _, c in train).values()) > 20
    assert min(Counter(k for k, _ in train).values()) >= 8


def test_shards_render_training_pairs_only(monkeypatch):
    seen = []

    def remember(kind, colour, r):
        seen.append((kind, colour))
        raise InterruptedError

    monkeypatch.setattr(generate, "instance", remember)
    for index in range(len(split()[0])):
        try:
            generate._pair((0, index))
        except InterruptedError:
            pass
    assert len(seen) == len(split()[0])
    assert not set(seen) & set(split()[1])


def test_samples_show_held_out_pairs_only():
    assert set(subjects()) <= set(split()[1])
    assert len({colour for _, colour in subjects()}) == len(COLOURS)


def test_the_split_does_not_depend_on_global_randomness():
    before = split()
    np.random.seed(1)
    split.cache_clear()
    assert split() == before
