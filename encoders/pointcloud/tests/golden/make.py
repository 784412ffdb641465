"""Makes the files beside it: PLY files in many flavours, and samples of them by NumPy.

    pip install numpy plyfile safetensors; python make.py

The samples are the tensors of `expected.safetensors`, float32.
"""

from pathlib import Path

import numpy as np
from plyfile import PlyData, PlyElement
from safetensors.numpy import save_file

HERE = Path(__file__).parent
expected = {}


def write(name, vertex, faces=None, **how):
    elements = [PlyElement.describe(vertex, "vertex")]
    if faces is not None:
        table = np.empty(len(faces), dtype=[("vertex_indices", "O")])
        table["vertex_indices"] = [np.asarray(face, dtype="i4") for face in faces]
        elements.append(PlyElement.describe(table, "face", len_types={"vertex_indices": "u1"}))
    PlyData(elements, **how).write(str(HERE / name))


def columns(names, types, values):
    table = np.empty(len(values[0]), dtype=list(zip(names, types)))
    for name, value in zip(names, values):
        table[name] = value
    return table


def save(name, values):
    expected[name] = np.ascontiguousarray(values, dtype="<f4")


def farthest(points, start, count):
    """Farthest-point sampling by its definition."""
    nearest = np.full(len(points), np.inf)
    chosen = []
    for _ in range(count):
        chosen.append(start)
        nearest = np.minimum(nearest, ((points - points[start]) ** 2).sum(1))
        start = int(nearest.argmax())
    return chosen


def main():
    random = np.random.default_rng(5)
    n = 2000
    # A torus with a spike: no symmetry, so no ties.
    u, v = random.uniform(0, 2 * np.pi, (2, n))
    xyz = np.stack([(2 + 0.7 * np.cos(v)) * np.cos(u), (2 + 0.7 * np.cos(v)) * np.sin(u), 0.7 * np.sin(v)], 1)
    xyz[:100] = random.normal(0, 0.05, (100, 3)) + np.linspace(0, 1, 100)[:, None] * [1, 2, 4]
    xyz = (xyz * 3 + [10, -4, 7]).astype("f4")
    rgb = random.integers(0, 256, (n, 3)).astype("u1")
    names = ["x", "y", "z", "red", "green", "blue"]
    write("cloud.ply", columns(names, ["f4"] * 3 + ["u1"] * 3, [*xyz.T, *rgb.T]), byte_order="<")

    # points = 256, presample = 1500, colours / 255, unit sphere, FPS from the point farthest from the centroid.
    keep = np.arange(1500) * n // 1500
    cloud, colour = xyz[keep].astype("f8"), rgb[keep] / 255.0
    cloud -= cloud.mean(0)
    cloud /= np.linalg.norm(cloud, axis=1).max()
    first = int(np.linalg.norm(cloud - cloud.mean(0), axis=1).argmax())
    chosen = farthest(cloud, first, 256)
    sample = np.concatenate([cloud[chosen], colour[chosen]], 1)
    save("cloud", sample)
    centres = farthest(sample[:, :3], 0, 32)
    distances = ((sample[None, :, :3] - sample[centres, None, :3]) ** 2).sum(2)
    groups = sample[np.argsort(distances, axis=1, kind="stable")[:, :16]]
    groups[:, :, :3] -= sample[centres, None, :3]
    save("cloud_groups", groups)
    save("cloud_centres", sample[centres, :3])

    # Flavours of one small cloud on a grid that every type can hold.
    small = random.integers(-100, 100, (40, 3))
    bytes_ = random.integers(0, 256, (40, 3))
    save("small", np.concatenate([small, bytes_ / 255.0], 1))
    plain = columns(names, ["f4"] * 3 + ["u1"] * 3, [*small.T, *bytes_.T])
    write("ascii.ply", plain, text=True)
    write("little.ply", plain, byte_order="<")
    write("big.ply", plain, byte_order=">")
    write("double.ply", columns(names, ["f8"] * 3 + ["u1"] * 3, [*small.T, *bytes_.T]), byte_order=">")
    write("int.ply", columns(names, ["i4", "i2", "i1"] + ["u1"] * 3, [*small.T, *bytes_.T]), byte_order="<")
    write("ushort.ply", columns(names, ["f4"] * 3 + ["u2"] * 3, [*small.T, *(bytes_ * 257).T]), byte_order="<")
    write("float_colour.ply", columns(names, ["f4"] * 3 + ["f4"] * 3, [*small.T, *(bytes_ / 255.0).T]), text=True)
    write("float_bytes.ply", columns(names, ["f4"] * 3 + ["f4"] * 3, [*small.T, *bytes_.T]), byte_order="<")
    write("rgb.ply", columns(["r", "g", "b", "z", "y", "x"], ["u1"] * 3 + ["f4"] * 3, [*bytes_.T, *small.T[::-1]]), byte_order="<")
    write("diffuse.ply", columns(
        ["nx", "x", "flags", "y", "z", "diffuse_red", "diffuse_green", "diffuse_blue", "alpha"],
        ["f8", "f4", "u2", "f8", "f4", "u1", "u1", "u1", "u1"],
        [np.zeros(40), small[:, 0], np.arange(40), small[:, 1], small[:, 2], *bytes_.T, np.zeros(40)],
    ), byte_order=">")
    (HERE / "crlf.ply").write_bytes((HERE / "ascii.ply").read_bytes().replace(b"\n", b"\r\n"))
    text = (HERE / "ascii.ply").read_text().splitlines()
    head = text.index("end_header") + 1
    comment = ["comment made by hand, with a degree sign: \u00b0", "obj_info x"]
    lines = text[:2] + comment + text[2:head] + ["", *(f"  {line}\t" for line in text[head:])]
    (HERE / "spaced.ply").write_bytes("\n".join(lines).encode("latin-1"))
    # Entries of no interest before the vertices, a list among the vertices' own properties.
    before = columns(["a", "b"], ["i4", "f8"], [np.arange(3), np.arange(3)])
    listed = np.empty(40, dtype=[("x", "f4"), ("tags", "O"), ("y", "f4"), ("z", "f4"), ("red", "u1"), ("green", "u1"), ("blue", "u1")])
    for name, value in zip(names, [*small.T, *bytes_.T]):
        listed[name] = value
    listed["tags"] = [np.arange(i % 5, dtype="u2") for i in range(40)]
    for name, how in [("lists.ply", {"byte_order": "<"}), ("lists_ascii.ply", {"text": True})]:
        PlyData([
            PlyElement.describe(before, "camera"),
            PlyElement.describe(listed, "vertex", len_types={"tags": "u1"}, val_types={"tags": "u2"}),
        ], **how).write(str(HERE / name))

    # A box of six quadrilaterals, 1 by 2 by 3, black at the bottom and white at the top.
    box = np.array([[x, y, z] for z in (0, 3) for y in (0, 2) for x in (0, 1)], dtype="f4")
    shade = np.repeat((box[:, 2:] > 0) * 255, 3, axis=1)
    quads = [[0, 1, 3, 2], [4, 5, 7, 6], [0, 1, 5, 4], [2, 3, 7, 6], [0, 2, 6, 4], [1, 3, 7, 5]]
    corners = columns(names, ["f4"] * 3 + ["u1"] * 3, [*box.T, *shade.T])
    write("box.ply", corners, quads, byte_order="<")
    write("box_ascii.ply", corners, quads, text=True)
    write("xyz.ply", columns(["x", "y", "z"], ["f4"] * 3, small.T), byte_order="<")
    save_file(expected, HERE / "expected.safetensors")


main()
