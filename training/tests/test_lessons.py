"""What lessons are made of: names with a word before them, who stands where, strange colours, other voices."""

import numpy as np
import torch

from data import FLOOR, FRAMES, recoloured, spectra
from model import STANDINGS
from reading import compounded, known, nonsense, shuffled, strewn
from told import Told
from world import captions
from world.catalogue import COLOURS, NAMES, RELATIONS


def test_a_word_is_put_before_names_and_never_makes_one_that_is_held_out():
    r, longer = np.random.default_rng(5), 0
    held = [f" {name} " for names in captions.MORE_KIND_NAMES.values() for name in names]
    for i in range(3000):
        kind, colour = NAMES[i % len(NAMES)], list(COLOURS)[i % len(COLOURS)]
        text = captions.caption(kind, colour, r)
        told = compounded(text, kind, r)
        assert not any(name in f" {told} " and name not in f" {text} " for name in held), told
        assert told == text or any(name in told for name in captions.KIND_NAMES[kind]), told
        longer += told != text
    assert longer > 2000


def test_articles_fit_the_word_that_was_put_before():
    r = np.random.default_rng(6)
    for _ in range(300):
        text = f" {compounded('this is an apple', 'apple', r)} "
        assert " an acoustic " in text or " an a" in text or not any(f" a {vowel}" in text for vowel in "aeio"), text


def test_strange_words_stand_around_a_caption_and_are_none_that_mean_something():
    r, longer = np.random.default_rng(8), 0
    for _ in range(500):
        told = strewn("a red key", r)
        words = told.split(" ")
        strange = [word for word in words if word not in ("a", "red", "key")]
        assert [word for word in words if word not in strange] == ["a", "red", "key"], told
        assert not known() & set(strange), told
        longer += bool(strange)
    assert 300 < longer < 500
    assert {"red", "key", "violet", "puppy"} <= known() and nonsense(r) not in known()
    assert sorted(shuffled("a red key", r).split(" ")) == ["a", "key", "red"]


def test_who_stands_where_does_not_depend_on_how_it_is_said():
    on, under, left = (RELATIONS.index(name) for name in ("on", "under", "left of"))
    above, below = (3, 1), (8, 2)
    assert Told((above, below), on).standing() == Told((below, above), under).standing() == (above, below, STANDINGS.index("on"))
    assert Told((above, below), left).standing() == (above, below, STANDINGS.index("left of"))


def test_strange_colours_stay_in_range_and_leave_grey_alone():
    r = np.random.default_rng(7)
    x = torch.from_numpy(r.random((5, 4, 4, 3)).astype(np.float32))
    strange = recoloured(x, r)
    assert strange.shape == x.shape and 0 <= strange.min() and strange.max() <= 1
    assert (strange - x).abs().amax((1, 2, 3)).min() > 0.05
    grey = x[..., :1].expand(x.shape)
    assert torch.allclose(recoloured(grey, r), grey, atol=1e-6)


def test_other_voices_say_it_within_the_window():
    r = np.random.default_rng(8)
    x = np.full((6, 64, FRAMES), FLOOR, np.float16)
    x[:, 20:30, 60:200] = 0
    plain, voiced = spectra(x), spectra(x, np.random.default_rng(9))
    assert voiced.shape == plain.shape and torch.isfinite(voiced).all() and voiced.min() >= plain.min() - 1e-4
    loud = (voiced > plain.min() + 0.5).flatten(1).sum(1)
    assert loud.min() > 0.5 * 10 * 140 and loud.max() < 1.6 * 10 * 140
    assert len({int(n) for n in loud}) > 1, r
