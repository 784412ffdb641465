"""What the pictures show is what their captions will say."""

import numpy as np
import pytest

from world import film, native, picture, scene, studio
from world.camera import EXTENTS, Camera, posed
from world.catalogue import MATERIALS, MOTIONS, RELATIONS, SIZES, instance

KINDS = ("mug", "car", "dog", "ladder", "guitar", "snowman")
RED, BLUE = (1, 0, 0), (0, 0, 1)
MIDDLES = (np.arange(8) + 0.5) / 8


def dyed(kind, colour, r):
    mesh = instance(kind, "white", r)
    mesh.colours[:] = colour
    return mesh


@pytest.fixture
def bare(monkeypatch):
    """Things alone on black: no background, no grain, nothing else about."""

    def render(shot, *parts):
        shot.grain = 0
        return native.render(shot, *parts[:5], np.zeros((shot.height, shot.width, 3), np.uint8))

    for module in (picture, scene, film):
        monkeypatch.setattr(module, "render", render)
    monkeypatch.setattr(studio, "CLUTTER", 0)
    monkeypatch.setattr(studio, "OCCLUSION", 0)


@pytest.fixture
def families(monkeypatch):
    """The names of the backgrounds that were drawn, in order."""
    seen, lit = [], studio.lit

    def remember(*arguments):
        shot = lit(*arguments)
        seen.append(studio.PATTERNS[shot.pattern])
        return shot

    monkeypatch.setattr(studio, "lit", remember)
    return seen


def extent(pixels) -> float:
    rows, columns = np.nonzero(pixels.any(-1))
    return (max(np.ptp(rows), np.ptp(columns)) + 1) / len(pixels)


def places(pixels, channel):
    """(x, y) of the pixels [N, 2] in which the red (0) or the blue (2) thing shows."""
    rows, columns = np.nonzero(pixels[..., channel].astype(int) > pixels[..., 2 - channel])
    return np.stack([columns, rows], 1)


@pytest.mark.parametrize("size", SIZES)
def test_a_size_is_an_extent(bare, size):
    low, high = EXTENTS[size]
    for seed in range(20):
        r = np.random.default_rng(seed)
        kind = KINDS[seed % len(KINDS)]
        pixels = picture.photo(dyed(kind, RED, r), kind, 200, r, size)
        assert low - 0.02 <= extent(pixels) <= min(1, high + 0.02)


def test_sizes_do_not_overlap():
    assert tuple(EXTENTS) == SIZES
    bounds = [bound for size in SIZES for bound in EXTENTS[size]]
    assert bounds == sorted(bounds)


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("count", [2, 3])
def test_relations_hold_as_the_viewer_sees_them(bare, relation, count):
    for seed in range(40):
        r = np.random.default_rng(seed)
        kinds = [KINDS[(seed * step) % len(KINDS)] for step in (1, 3, 5)][:count]
        things = [(dyed(kind, colour, r), kind) for kind, colour in zip(kinds, (RED, BLUE, (0.5, 0.5, 0.5)))]
        pixels = scene.scene(things, relation, 128, r)
        first, second = places(pixels, 0), places(pixels, 2)
        assert min(np.ptp(first, 0).max(), np.ptp(second, 0).max()) > 0.25 * len(pixels)  # neither is hidden or tiny
        (x1, y1), (x2, y2) = first.mean(0), second.mean(0)
        if relation == "on":
            assert y1 < y2 - 20
        elif relation == "under":
            assert y1 > y2 + 20
        elif relation == "left of":
            assert x1 < x2 - 20
        else:
            assert first[:, 1].max() > second[:, 1].max() + 3


def test_on_touches_and_under_leaves_a_gap():
    gaps = {"on": [], "under": []}
    for relation, found in gaps.items():
        for seed in range(20):
            r = np.random.default_rng(seed)
            (first, second), _ = scene.arrange([(instance(kind, "red", r), kind) for kind in ("drum", "dog")], relation, r)
            above, below = (first, second) if relation == "on" else (second, first)
            found.append(above[:, 2].min() - below[:, 2].max())
    assert max(gaps["on"]) < 0.01 < 0.07 < min(gaps["under"])


def journey(motion, seed):
    """(centres [8, 2], extents [8]) of a thing over a film, in frame widths."""
    r = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    shown = film.Film(dyed(kind, RED, r), kind, motion, 128, r)
    frames = [shown.frame(t) for t in MIDDLES]
    return np.array([places(frame, 0).mean(0) for frame in frames]) / 128, np.array([extent(frame) for frame in frames])


@pytest.mark.parametrize("seed", range(12))
def test_motions_go_where_their_names_say(bare, seed):
    ways = {"rolling left": (-1, 0), "rolling right": (1, 0), "rising": (0, -1), "falling": (0, 1)}
    for motion in MOTIONS:
        centres, extents = journey(motion, seed)
        path = centres[-1] - centres[0]
        if motion in ways:
            assert path @ ways[motion] > 0.25
            assert np.all(np.diff(centres @ ways[motion]) > -0.02)
        elif motion == "approaching":
            assert np.all(np.diff(extents) > 0) and extents[-1] > 2 * extents[0]
        elif motion == "bouncing":
            assert np.ptp(centres[:, 1]) > 0.15 and np.ptp(centres[:, 0]) < 0.1
            assert np.sum(np.diff(np.sign(np.diff(centres[:, 1]))) != 0) >= 2
        elif motion == "swinging":
            assert np.ptp(centres[:, 0]) > 0.2
        else:
            assert np.ptp(centres, 0).max() < 0.25


def test_films_stay_readable(bare):
    for motion in MOTIONS:
        extents = np.concatenate([journey(motion, seed)[1] for seed in range(6)])
        assert np.mean(extents > 0.43) > 0.7, motion


def test_a_film_has_one_background():
    r = np.random.default_rng(3)
    shown = film.Film(instance("mug", "red", r), "mug", "spinning", 96, r)
    shown.shot.grain, shown.shake, shown.margin = 0, 0, 0
    corners = [shown.frame(t)[:6, :6] for t in MIDDLES]
    assert all(np.array_equal(corners[0], corner) for corner in corners)


def everything(r, unseen):
    mesh = instance("mug", "red", r, unseen=unseen)
    picture.photo(mesh, "mug", 16, r, unseen=unseen)
    picture.scene([(mesh, "mug"), (mesh, "mug")], "on", 16, r, unseen)
    picture.Film(mesh, "mug", "rising", 16, r, unseen)


def test_unseen_backgrounds_are_never_trained_on(families):
    for seed in range(100):
        everything(np.random.default_rng(seed), False)
    assert set(families) == set(studio.BACKGROUNDS) and not set(families) & set(studio.UNSEEN_BACKGROUNDS)


def test_unseen_pictures_show_unseen_backgrounds(families):
    for seed in range(20):
        everything(np.random.default_rng(seed), True)
    assert set(families) == set(studio.UNSEEN_BACKGROUNDS) and len(studio.UNSEEN_BACKGROUNDS) >= 2


def test_every_background_looks_different():
    r = np.random.default_rng(0)
    shot = studio.lit(64, [instance("mug", "red", r)], r)
    shot.near_colour[:], shot.far_colour[:], shot.horizon = (0, 0, 0), (1, 1, 1), 2
    painted = []
    for shot.pattern in range(len(studio.PATTERNS)):
        painted.append(native.paint(shot).astype(float))
    assert min(np.abs(a - b).mean() for i, a in enumerate(painted) for b in painted[:i]) > 8


def test_materials_show():
    """The same thing from the same seed: wood and metal vary more over the surface than plastic, and keep the colour."""
    spread, hue = {}, {}
    for material in MATERIALS:
        seeds = [np.random.default_rng(seed) for seed in range(5)]
        colours = np.concatenate([picture.scan(instance("mug", "turquoise", r, material), 800, r) for r in seeds])[:, 3:]
        spread[material], hue[material] = colours.mean(1).std(), np.median(colours / colours.max(1, keepdims=True), 0)
    assert spread["plastic"] < 0.04 < spread["wooden"] and spread["metal"] > 0.08
    for material in MATERIALS:
        assert np.abs(hue[material] - hue["plastic"]).max() < 0.12


@pytest.mark.parametrize("seed", range(30))
def test_an_occluder_hides_a_part_only(seed):
    r = np.random.default_rng(seed)
    mesh, camera = dyed("dog", RED, r), Camera(128, up=10, distance=4)
    vertices = posed(mesh, "dog", r)
    camera.frame(vertices, 0.8, r)
    shot = studio.lit(128, [mesh], r)
    shot.grain = 0
    camera.set(shot)
    black = np.zeros((128, 128, 3), np.uint8)
    parts, counts = [studio.part(mesh, vertices, r)], []
    for extra in ([], [studio.occluder(camera, *camera.box(vertices), camera.distance - 1.2, r)]):
        p = studio.joined(parts + extra)
        p.colours[len(mesh.faces) :] = BLUE
        counts.append(len(places(native.render(shot, p.vertices, p.faces, p.colours, p.materials, p.grain, black), 0)))
    assert 0.7 < counts[1] / counts[0] <= 1


def test_the_same_seed_gives_the_same_pictures():
    def all_of(seed):
        r = np.random.default_rng(seed)
        mesh = instance("car", "green", r, "wooden")
        shown = picture.Film(mesh, "car", "bouncing", 48, r)
        return [
            picture.photo(mesh, "car", 48, r), picture.scene([(mesh, "car")] * 3, "left of", 48, r), shown.frame(0.3), shown.frame(0.7),
            picture.scan(mesh, 100, r),
        ]  # fmt: skip

    first, again, other = all_of(1), all_of(1), all_of(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other))
