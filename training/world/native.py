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


class Scene(ctypes.Structure):
    """The C struct of the same name; see `raster.c` for the units."""

    _fields_ = [
        ("width", ctypes.c_int32), ("height", ctypes.c_int32), ("pattern", ctypes.c_int32), ("seed", ctypes.c_uint32),
        ("rotation", ctypes.c_float * 9), ("shift", ctypes.c_float * 3),
        ("focal", ctypes.c_float), ("centre_x", ctypes.c_float), ("centre_y", ctypes.c_float),
        ("light", ctypes.c_float * 3), ("ambient", ctypes.c_float), ("gloss", ctypes.c_float),
        ("near_colour", ctypes.c_float * 3), ("far_colour", ctypes.c_float * 3),
        ("scale", ctypes.c_float), ("angle", ctypes.c_float), ("horizon", ctypes.c_float), ("grain", ctypes.c_float),
        ("shadow", ctypes.c_float * 5),
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
    return ctypes.CDLL(str(built))


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)


def render(scene: Scene, vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Paints the mesh; returns uint8 [height, width, 3]."""
    vertices, faces, colours = (np.ascontiguousarray(a, t) for a, t in ((vertices, np.float32), (faces, np.int32), (colours, np.float32)))
    out = np.empty((scene.height, scene.width, 3), np.uint8)
    failed = library().render(
        ctypes.byref(scene), _pointer(vertices), len(vertices), _pointer(faces), len(faces), _pointer(colours), _pointer(out)
    )
    if failed:
        raise MemoryError("render")
    return out


def farthest(points: np.ndarray, wanted: int) -> np.ndarray:
    """Indices of `wanted` farthest points of [N, >=3], N >= wanted."""
    points = np.ascontiguousarray(points, np.float32)
    chosen = np.empty(wanted, np.int32)
    if library().farthest(_pointer(points), points.shape[1], len(points), wanted, _pointer(chosen)):
        raise MemoryError("farthest")
    return chosen
