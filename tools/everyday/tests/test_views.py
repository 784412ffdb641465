"""The reference renderer does what one sees, and the goldens of the service's are its."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from everyday.views import LAMP, Shape, Views, camera, normals_of_points, pictures, radius_of_discs

GOLDEN = Path(__file__).parents[3] / "encoders/pointcloud/tests/golden/views"
WHITE = ((255, 255, 255), (255, 255, 255))
CORNERS = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)], float)
QUADS = [[0, 1, 3, 2], [4, 5, 7, 6], [0, 1, 5, 4], [2, 3, 7, 6], [0, 2, 6, 4], [1, 3, 7, 5]]
BOX = np.array([[quad[0], *quad[corner : corner + 2]] for quad in QUADS for corner in (1, 2)])


def one_side(places, triangles=None, colours=None, **table):
    """The picture from one side, z up."""
    views = Views(**{"count": 1, "up": "z", "elevations": (0.0,), "background": WHITE, **table})
    return pictures(Shape.of(places, triangles, colours, views.colour), views, (32, 32))[0].astype(int)


def test_a_tall_box_stands_where_up_is():
    tall = CORNERS * [1, 1, 4]
    shown = np.any(one_side(tall, BOX) != 255, axis=2)
    # Nine tenths of the picture, and a quarter of that; pixels at the border count.
    assert (shown.any(0).sum(), shown.any(1).sum()) == (8, 30)
    shown = np.any(one_side(tall, BOX, up="y") != 255, axis=2)
    assert shown.any(0).sum() >= shown.any(1).sum()


def test_light_comes_from_above_the_left_shoulder():
    random = np.random.default_rng(1)
    ball = random.normal(size=(3000, 3))
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    picture = one_side(ball).sum(2)
    assert picture[11, 11] > 1.5 * picture[21, 21]
    axes = camera(0.0, 0.0)
    assert np.allclose(axes @ axes.T, np.eye(3)) and np.isclose(np.linalg.norm(LAMP), 1)


def test_normals_are_those_of_planes_and_lines_have_none():
    random = np.random.default_rng(2)
    plane = np.concatenate([random.uniform(-1, 1, (400, 2)), np.zeros((400, 1))], 1)
    found = normals_of_points(plane, 6 * radius_of_discs(plane))
    assert np.allclose(np.abs(found[:, 2]), 1)
    assert not normals_of_points(np.linspace(-1, 1, 50)[:, None] * [1.0, 2.0, 3.0], 0.3).any()


def test_colours_are_the_files():
    colours = np.tile([0.8, 0.0, 0.0], (8, 1))
    red, green, blue = one_side(CORNERS, BOX, colours)[16, 16]
    assert red > 60 and green == 0 and blue == 0


def test_a_sheet_from_its_edge_is_passed_over():
    sheet = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 1]], float)
    shape = Shape.of(sheet, np.array([[0, 1, 2]]), None, (200, 200, 200))
    assert len(pictures(shape, Views(count=4, up="z"), (16, 16))) == 2


@pytest.mark.parametrize("case", json.loads((GOLDEN / "cases.json").read_text()), ids=lambda case: case["name"])
def test_goldens_are_up_to_date(case):
    """`make.py` beside them was run after the last change here."""
    expected = load_file(GOLDEN / "expected.safetensors")
    lines = expected[f"{case['name']}.ply"].tobytes().decode().splitlines()
    counts = {line.split()[1]: int(line.split()[2]) for line in lines if line.startswith("element")}
    rows = lines[lines.index("end_header") + 1 :]
    vertices = np.array([row.split() for row in rows[: counts["vertex"]]], float)
    triangles = np.array([row.split()[1:] for row in rows[counts["vertex"] :]], int) if "face" in counts else None
    colours = (vertices[:, 3:] / 255).astype(np.float32) if vertices.shape[1] > 3 else None
    table = {key: tuple(value) if isinstance(value, list) else value for key, value in case["table"].items()}
    views = Views(**table)
    shape = Shape.of(vertices[:, :3], triangles, colours, views.colour)
    found = pictures(shape, views, (case["width"], case["height"]))
    assert np.array_equal(found.ravel(), expected[f"{case['name']}.pictures"])
