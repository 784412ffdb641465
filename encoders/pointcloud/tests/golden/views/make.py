"""Makes the files beside it: small clouds and meshes, and their pictures by `tools/everyday/everyday/views.py`.

    pip install numpy safetensors; PYTHONPATH=../../../../../tools/everyday python make.py

`expected.safetensors` holds, as bytes, each case's PLY file and its pictures `[pictures, down, across, 3]`.
"""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from everyday.views import Shape, Views, pictures

HERE = Path(__file__).parent


def ball(rings):
    at = np.arange(rings * rings)
    v, u = at // rings / (rings - 1) * 3.1, at % rings / rings * 6.3
    places = np.stack([np.sin(v) * np.cos(u), np.sin(v) * np.sin(u), np.cos(v)], 1)
    a = np.arange(rings * (rings - 1))
    b = a // rings * rings + (a + 1) % rings
    return places, np.concatenate([np.stack([a, b, b + rings], 1), np.stack([a, b + rings, a + rings], 1)])


def box(size):
    places = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)]) * size
    quads = [[0, 1, 3, 2], [4, 5, 7, 6], [0, 1, 5, 4], [2, 3, 7, 6], [0, 2, 6, 4], [1, 3, 7, 5]]
    return places, np.array([[q[0], *q[i : i + 2]] for q in quads for i in (1, 2)])


def ply(places, triangles, colours):
    """The file; faces are triangles, so that both sides divide polygons alike."""
    lines = ["ply", "format ascii 1.0", f"element vertex {len(places)}", *(f"property float {axis}" for axis in "xyz")]
    if colours is not None:
        lines += [f"property uchar {name}" for name in ("red", "green", "blue")]
    if triangles is not None:
        lines += [f"element face {len(triangles)}", "property list uchar int vertex_indices"]
    lines.append("end_header")
    paint = np.zeros((len(places), 0), int) if colours is None else colours
    lines += [" ".join([*(f"{v:.9g}" for v in place), *map(str, colour)]) for place, colour in zip(places, paint)]
    lines += [] if triangles is None else [" ".join(map(str, [3, *face])) for face in triangles]
    return "\n".join(lines).encode() + b"\n"


def main():
    random = np.random.default_rng(3)
    ball_places, ball_faces = ball(12)
    box_places, box_faces = box([1.0, 2.0, 3.0])
    cloud = random.normal(0, 1, (1500, 3))
    cloud /= np.linalg.norm(cloud, axis=1, keepdims=True)
    cloud *= [1.0, 0.6, 0.4]
    crossing = random.uniform(-1, 1, (30, 3))
    shapes = {
        "ball": (ball_places * [1, 1, 1.4], ball_faces, None, {"count": 2}),
        "box": (box_places, box_faces, None, {"count": 3, "elevations": [30.0], "up": "y"}),
        "painted_box": (box_places, box_faces, random.integers(0, 256, (8, 3)), {"count": 1, "elevations": [-20.0, 50.0], "up": "x"}),
        "crossing": (crossing, np.arange(30).reshape(10, 3), random.integers(0, 256, (30, 3)), {"count": 2, "up": "z"}),
        "cloud": (cloud, None, None, {"count": 2, "background": [[255, 255, 255], [0, 0, 0]]}),
        "painted_cloud": (cloud[:600], None, random.integers(0, 256, (600, 3)), {"count": 1, "up": "y", "fill": 0.6}),
        "line": (np.linspace(-1, 1, 40)[:, None] * [1.0, 2.0, 3.0], None, None, {"count": 1, "colour": [10, 200, 100]}),
    }
    cases, expected = [], {}
    width, height = 40, 32
    for name, (places, triangles, colours, table) in shapes.items():
        places = places.astype(np.float32)
        plain = {key: tuple(map(tuple, v)) if key == "background" else tuple(v) if isinstance(v, list) else v for key, v in table.items()}
        views = Views(**plain)
        paint = None if colours is None else (colours / 255.0).astype(np.float32)
        found = pictures(Shape.of(places, triangles, paint, views.colour), views, (width, height))
        expected[f"{name}.ply"] = np.frombuffer(ply(places, triangles, colours), np.uint8)
        expected[f"{name}.pictures"] = found.ravel()
        cases.append({"name": name, "table": table, "width": width, "height": height, "pictures": len(found)})
    (HERE / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    save_file(expected, HERE / "expected.safetensors")


main()
