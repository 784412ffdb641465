"""The C part (`raster.c`), compiled once into the cache folder and called through ctypes."""

import ctypes
import hashlib
import os
import subprocess
from functools import cache
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
CACHE = HERE.parent / ".cache"
SHADOWS = 4


class Shot(ctypes.Structure):
    """The C struct of the same name; see `raster.c` for the units."""

    _fields_ = [
        ("width", ctypes.c_int32), ("height", ctypes.c_int32), ("pattern", ctypes.c_int32),
        ("seed", ctypes.c_uint32), ("noise", ctypes.c_uint32),
        ("rotation", ctypes.c_float * 9), ("shift", ctypes.c_float * 3),
        ("focal", ctypes.c_float), ("centre_x", ctypes.c_float), ("centre_y", ctypes.c_float),
        ("light", ctypes.c_float * 3), ("ambient", ctypes.c_float), ("gloss", ctypes.c_float),
        ("bands", ctypes.c_float), ("phase", ctypes.c_float),
        ("near_colour", ctypes.c_float * 3), ("far_colour", ctypes.c_float * 3), ("floor_colour", ctypes.c_float * 3),
        ("scale", ctypes.c_float), ("angle", ctypes.c_float), ("horizon", ctypes.c_float), ("grain", ctypes.c_float),
        ("shadows", (ctypes.c_float * 5) * SHADOWS),
    ]  # fmt: skip


@cache
def library() -> ctypes.CDLL:
    source = HERE / "raster.c"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    built = CACHE / f"raster-{digest}.so"
    if not built.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        partial = built.with_suffix(f".{os.getpid()}")
        command = ["cc", "-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-shared", "-fPIC"]
        subprocess.run([*command, "-o", str(partial), str(source), "-lm"], check=True)
        partial.replace(built)
    loaded = ctypes.CDLL(str(built))
    p, i, f = ctypes.c_void_p, ctypes.c_int, ctypes.c_float
    loaded.paint.argtypes, loaded.paint.restype = [p, p], None
    loaded.render.argtypes = [p, p, p, i, p, p, p, i, p]
    loaded.tones.argtypes, loaded.tones.restype = [p, p, p, i, f, f, p], None
    loaded.farthest.argtypes = [p, i, i, i, p]
    return loaded


def _floats(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, np.float32)


def paint(shot: Shot) -> np.ndarray:
    """The background alone, uint8 [height, width, 3]."""
    out = np.empty((shot.height, shot.width, 3), np.uint8)
    library().paint(ctypes.addressof(shot), out.ctypes.data)
    return out


def render(shot: Shot, vertices, faces, colours, materials, grain, backdrop: np.ndarray | None = None) -> np.ndarray:
    """Renders the mesh before the `backdrop` (painted if None); returns uint8 [height, width, 3].

    `grain` [V, 3] are the vertices in the axes of the wood, the same however the thing has been moved.
    """
    out = paint(shot) if backdrop is None else backdrop.copy()
    vertices, grain, colours = _floats(vertices), _floats(grain), _floats(colours)
    faces, materials = np.ascontiguousarray(faces, np.int32), np.ascontiguousarray(materials, np.uint8)
    assert len(grain) == len(vertices) and len(colours) == len(materials) == len(faces) and out.flags.c_contiguous
    failed = library().render(
        ctypes.addressof(shot), vertices.ctypes.data, grain.ctypes.data, len(vertices),
        faces.ctypes.data, colours.ctypes.data, materials.ctypes.data, len(faces), out.ctypes.data,
    )  # fmt: skip
    if failed:
        raise MemoryError("render")
    return out


def tones(grain, materials, heights, bands: float, phase: float) -> np.ndarray:
    """Brightness factors [N] of points on wood and metal; `heights`: the upward part of what a point reflects, -1..1."""
    grain, heights, materials = _floats(grain), _floats(heights), np.ascontiguousarray(materials, np.uint8)
    out = np.empty(len(grain), np.float32)
    library().tones(grain.ctypes.data, materials.ctypes.data, heights.ctypes.data, len(grain), bands, phase, out.ctypes.data)
    return out


def farthest(points: np.ndarray, wanted: int) -> np.ndarray:
    """Indices of `wanted` farthest points of [N, >=3], N >= wanted."""
    points = _floats(points)
    chosen = np.empty(wanted, np.int32)
    if library().farthest(points.ctypes.data, points.shape[1], len(points), wanted, chosen.ctypes.data):
        raise MemoryError("farthest")
    return chosen
