"""Meshes and point sets, read from text formats and written as PLY."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

POINTS = 16384

Points = npt.NDArray[np.float64]
Triangles = npt.NDArray[np.int64]

# What turns a cloud that stands along the second axis so that it stands along the named one.
UPRIGHT = {
    "y": np.eye(3),
    "z": np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]),
    "x": np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]]),
}


def read(path: Path) -> tuple[Points, Triangles]:
    """Corners and triangles; of a set of points no triangles."""
    text = path.read_text(encoding="utf8", errors="replace")
    kinds = {".off": _off, ".obj": _obj, ".xyz": _xyz, ".pwn": _xyz}
    return kinds[path.suffix](text)


def _fan(corners: list[int]) -> list[tuple[int, int, int]]:
    return [(corners[0], corners[i], corners[i + 1]) for i in range(1, len(corners) - 1)]


def _off(text: str) -> tuple[Points, Triangles]:
    lines = [line for line in (raw.split("#")[0].strip() for raw in text.splitlines()) if line]
    head = lines[0].split()
    if not head[0].endswith("OFF"):
        raise ValueError("this is no OFF file")
    # The counts may stand behind the first word or on the next line.
    counts, rest = (head[1:], lines[1:]) if len(head) > 1 else (lines[1].split(), lines[2:])
    corners, faces = int(counts[0]), int(counts[1])
    points = np.array([[float(v) for v in line.split()[:3]] for line in rest[:corners]])
    triangles: list[tuple[int, int, int]] = []
    for line in rest[corners : corners + faces]:
        count, *indices = line.split()
        triangles += _fan([int(i) for i in indices[: int(count)]])
    return points, np.array(triangles, np.int64).reshape(-1, 3)


def _obj(text: str) -> tuple[Points, Triangles]:
    points: list[list[float]] = []
    triangles: list[tuple[int, int, int]] = []
    for line in text.splitlines():
        if line.startswith("v "):
            points.append([float(v) for v in line.split()[1:4]])
        elif line.startswith("f "):
            indices = [int(corner.split("/")[0]) for corner in line.split()[1:]]
            triangles += _fan([i - 1 if i > 0 else len(points) + i for i in indices])
    return np.array(points).reshape(-1, 3), np.array(triangles, np.int64).reshape(-1, 3)


def _xyz(text: str) -> tuple[Points, Triangles]:
    rows = [line.split() for line in text.splitlines()]
    points = np.array([[float(v) for v in row[:3]] for row in rows if len(row) >= 3])
    return points, np.zeros((0, 3), np.int64)


def thinned(points: Points, count: int = POINTS, seed: int = 1) -> Points:
    """So many points of a set, or all of a smaller one."""
    return points[np.random.default_rng(seed).permutation(len(points))[:count]]


def ply(points: Points, triangles: Triangles) -> bytes:
    head = ["ply", "format binary_little_endian 1.0", f"element vertex {len(points)}"]
    head += [f"property float {axis}" for axis in "xyz"]
    head += [f"element face {len(triangles)}", "property list uchar int vertex_indices", "end_header\n"]
    faces = np.zeros(len(triangles), [("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, triangles
    return "\n".join(head).encode() + points.astype("<f4").tobytes() + faces.tobytes()


def as_ply(source: Path, out: Path, turned: Points | None = None) -> Path:
    """A mesh with its faces, or a set of points thinned, turned so that its second axis points up; made once."""
    if not out.exists():
        points, triangles = read(source)
        points = points if len(triangles) else thinned(points)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(ply(points if turned is None else points @ turned.T, triangles))
    return out
