"""Makes what the point-cloud models' preprocessing gives, from its definitions in NumPy, single precision throughout.

    python make.py        needs numpy and safetensors

Each case has the manifest's table (`spec`), and its tensors in `expected.safetensors`: `NAME.N`, float32.

`pointnet2`'s CUDA code: farthest points start at index 0 and pass over points of a squared norm up to 1e-3; a ball
holds the first points nearer than its radius, in order, and repeats the first of them.
"""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

HERE = Path(__file__).parent
cases = []
expected = {}


def cloud():
    """A torus through which a rod goes: points near the origin, no symmetry."""
    random = np.random.default_rng(11)
    u, v = random.uniform(0, 2 * np.pi, (2, 700))
    ring = np.stack([(2 + 0.7 * np.cos(v)) * np.cos(u), 1.5 * (2 + 0.7 * np.cos(v)) * np.sin(u), 0.7 * np.sin(v)], 1)
    rod = random.normal(0, 0.06, (300, 3)) + np.linspace(-0.5, 0.5, 300)[:, None] * [0.2, 0.1, 1]
    xyz = random.permutation(np.concatenate([ring, rod])).astype("<f4")
    return xyz, random.integers(0, 256, (1000, 3)).astype("u1")


def write(name, xyz, rgb):
    kind = [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("red", "u1"), ("green", "u1"), ("blue", "u1")]
    table = np.empty(len(xyz), kind)
    for axis, column in zip("xyz", xyz.T):
        table[axis] = column
    for colour, column in zip(("red", "green", "blue"), rgb.T):
        table[colour] = column
    lines = [f"property {'float' if kind != 'u1' else 'uchar'} {name}" for name, kind in kind]
    header = "\n".join(["ply", "format binary_little_endian 1.0", f"element vertex {len(xyz)}", *lines, "end_header", ""])
    (HERE / name).write_bytes(header.encode() + table.tobytes())


def unit_sphere(xyz):
    xyz = xyz.astype("f8") - xyz.astype("f8").mean(0)
    return (xyz / np.linalg.norm(xyz, axis=1).max()).astype("f4")


def farthest(xyz, count, skip):
    nearest = np.full(len(xyz), 1e10, "f4")
    counted = (xyz * xyz).sum(1, dtype="f4") > skip
    chosen = [0]
    while len(chosen) < count:
        nearest = np.minimum(nearest, ((xyz - xyz[chosen[-1]]) ** 2).sum(1, dtype="f4"))
        chosen.append(int(np.where(counted, nearest, -1).argmax()))
    return chosen


def ball(xyz, centre, radius, count):
    near = np.flatnonzero(((xyz - centre) ** 2).sum(1, dtype="f4") < np.float32(radius) ** 2)[:count]
    return np.concatenate([near, np.full(count - len(near), near[0])])


def nearest(xyz, centre, count):
    return np.argsort(((xyz - centre) ** 2).sum(1, dtype="f4"), kind="stable")[:count]


def case(name, spec, *tensors):
    for number, tensor in enumerate(tensors):
        expected[f"{name}.{number}"] = np.ascontiguousarray(tensor, "<f4")
    cases.append({"name": name, "spec": spec, "shapes": [list(tensor.shape) for tensor in tensors]})


def main():
    xyz, rgb = cloud()
    write("cloud.ply", xyz, rgb)
    colour = (rgb / 255).astype("f4")
    base = {"points": 1000, "presample": 1000}
    place = unit_sphere(xyz)
    whole = np.concatenate([place, colour], 1)

    skipped = {"start": "first", "skip_norm2": 1e-3}
    assert ((place**2).sum(1) <= 1e-3).sum() > 20, "no point is near enough to the origin to be skipped"
    centres = farthest(place, 64, 1e-3)
    groups = whole[[nearest(place, place[centre], 16) for centre in centres]]
    groups[:, :, :3] -= place[centres, None]
    uni3d = {"fps": skipped, "grouping": {"centres": 64, "neighbours": 16}, "emit": ["groups", "centres"]}
    case("uni3d", base | uni3d, groups, place[centres])

    # OpenShape exchanges y and z, and takes coordinates and features apart.
    turned = place[:, [0, 2, 1]]
    centres = farthest(turned, 48, 1e-3)
    near = [ball(turned, turned[centre], 0.2, 32) for centre in centres]
    assert any(len(set(row)) < 32 for row in near) and any(len(set(row)) == 32 for row in near)
    grouping = {"centres": 48, "neighbours": 32, "kind": "ball", "radius": 0.2, "relative": False}
    openshape = {"axes": "xzy", "fps": skipped, "layout": "xyz", "grouping": grouping, "emit": ["centres", "groups", "points", "features"]}
    case("openshape", base | openshape, turned[centres], turned[near], turned, np.concatenate([turned, colour], 1))

    chosen = farthest(place, 200, 1e-3)
    case("pointnet2", {"points": 200, "presample": 1000, "fps": skipped}, whole[chosen])
    (HERE / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    save_file(expected, HERE / "expected.safetensors")


main()
