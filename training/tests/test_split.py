"""What is held out stays held out."""

from collections import Counter

import numpy as np
import pytest

import generate
from samples import subjects
from world.catalogue import BY_NAME, COLOURS, MATERIALS, MOTIONS, NAMES, SOUNDING, instance, motion_split, split
from world.ranges import SEEN, Ranges

SPLITS = ((split, COLOURS, 2), (motion_split, MOTIONS, 1))


@pytest.fixture
def draws(monkeypatch):
    """Every number that a `Ranges` gave out, as (where it lies in its range, 0..1), in order."""
    found = []
    original = Ranges.uniform

    def recording(self, low=0.0, high=1.0, size=None):
        value = original(self, low, high, size)
        found.extend(np.atleast_1d((value - low) / (high - low)))
        return value

    monkeypatch.setattr(Ranges, "uniform", recording)
    return found


def test_the_world_is_as_large_as_it_says():
    assert (len(NAMES), len(set(NAMES)), len(COLOURS), len(MOTIONS), len(SOUNDING)) == (84, 84, 11, 8, 28)


@pytest.mark.parametrize(("of", "values", "each"), SPLITS)
def test_split_is_disjoint_and_complete(of, values, each):
    train, held = of()
    assert len(held) == len(set(held)) == each * len(NAMES)
    assert not set(train) & set(held)
    assert sorted([*train, *held]) == sorted((k, v) for k in NAMES for v in values)


@pytest.mark.parametrize(("of", "values", "each"), SPLITS)
def test_every_kind_and_value_is_trained_and_tested(of, values, each):
    train, held = of()
    assert set(Counter(k for k, _ in held).values()) == {each}
    use = Counter(v for _, v in held)
    assert set(use) == set(values)
    assert max(use.values()) - min(use.values()) <= 1
    assert {v for _, v in train} == set(values)


@pytest.mark.parametrize(("of", "values", "each"), SPLITS)
def test_the_split_does_not_depend_on_global_randomness(of, values, each):
    before = of()
    np.random.seed(1)
    of.cache_clear()
    assert of() == before


def test_shards_hold_training_pairs_only(monkeypatch):
    """Every individual, alone or in a scene, every film and every spoken pair of a whole shard."""
    pairs, moves, nothing = set(), set(), np.zeros(1)

    def individual(kind, colour, r, material="plastic", unseen=False):
        assert not unseen
        pairs.add((kind, colour))

    def film(mesh, kind, motion, r):
        moves.add((kind, motion))
        return nothing

    def alone(kind, colour, *_, **__):
        pairs.add((kind, colour))

    def together(things, *_, **__):
        pairs.update(things)

    monkeypatch.setattr(generate, "instance", individual)
    monkeypatch.setattr(generate, "stored_film", film)
    monkeypatch.setattr(generate.captions, "spoken", alone)
    monkeypatch.setattr(generate.captions, "spoken_scene", together, raising=False)
    for name in ("stored_photo", "stored_cloud", "stored_scene", "heard"):
        monkeypatch.setattr(generate, name, lambda *_, **__: nothing)
    for index in range(len(split()[0])):
        generate._seen((0, index))
        generate._heard((0, index))
    assert pairs == set(split()[0])
    assert moves <= set(motion_split()[0])
    assert {kind for kind, _ in moves} == set(NAMES)


def test_samples_show_held_out_pairs_only():
    assert set(subjects()) <= set(split()[1])
    assert len({colour for _, colour in subjects()}) == len(COLOURS)


@pytest.mark.parametrize("kind", NAMES)
def test_trained_individuals_never_reach_the_held_out_end_of_a_range(kind, draws):
    r = np.random.default_rng(3)
    for _ in range(12):
        instance(kind, "red", r)
    assert len(draws) >= 12 * 4  # the three stretches and at least one proportion of the kind's own
    assert max(draws) < SEEN + 1e-9


@pytest.mark.parametrize("kind", NAMES)
def test_unseen_individuals_always_reach_it(kind, draws):
    r = np.random.default_rng(4)
    beyond = []
    for _ in range(12):
        draws.clear()
        instance(kind, "red", r, unseen=True)
        assert draws[0] >= SEEN - 1e-9
        beyond += [d > SEEN for d in draws[1:]]
    assert 0.2 < np.mean(beyond) < 0.8
    assert max(draws) <= 1 + 1e-9


def test_ranges_also_keep_the_end_of_arrays():
    trained, unseen = (np.concatenate([Ranges(np.random.default_rng(i), u).uniform(2.0, 4.0, 50) for i in range(40)]) for u in (False, True))
    assert 2 <= trained.min() and trained.max() < 2 + 2 * SEEN
    assert trained.max() > 2 + 2 * SEEN * 0.99
    assert 2 + 2 * SEEN <= unseen.min() and unseen.max() <= 4


@pytest.mark.parametrize("kind", NAMES)
def test_individuals_are_sound(kind):
    """Finite, fitted, mostly of the named colour and material, no two alike, the same again from the same seed."""
    ways = [(material, unseen) for material in MATERIALS for unseen in (False, True)]
    meshes = [instance(kind, "blue", np.random.default_rng(i), *way) for i, way in enumerate(ways)]
    for i, mesh in enumerate(meshes):
        assert (mesh.vertices.dtype, mesh.faces.dtype, mesh.colours.dtype, mesh.materials.dtype) == (np.float32, np.int32, np.float32, np.uint8)
        assert len(mesh.faces) == len(mesh.colours) == len(mesh.materials) < 1300
        assert np.isfinite(mesh.vertices).all() and 0 <= mesh.faces.min() and mesh.faces.max() < len(mesh.vertices)
        assert np.linalg.norm(mesh.vertices, axis=1).max() == pytest.approx(1, abs=1e-5)
        corners = mesh.vertices[mesh.faces]
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        material = i // 2
        if material:
            assert area[mesh.materials == material].sum() > 0.25 * area.sum()
        assert set(mesh.materials) <= {0, material}
    again = instance(kind, "blue", np.random.default_rng(0))
    assert np.array_equal(again.vertices, meshes[0].vertices)
    assert len({mesh.vertices.tobytes() for mesh in meshes}) == len(meshes)


def test_fronts_and_flats():
    """A camera that keeps to one side need not keep to both."""
    assert not [k for k in BY_NAME.values() if k.flat and k.fronted]
