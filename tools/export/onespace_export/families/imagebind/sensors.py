"""Depth maps, thermal pictures and motion for ImageBind's reference, restated in NumPy, Pillow and torch.

ImageBind was published without loaders for these three. The tables follow statements of its authors and measurements of
others, which the rules name and nobody has confirmed; how files are read, holes filled and recordings cut is this
project's own rule. The service has its own in Rust, and parity compares the two.
"""

import io
import re
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch.nn.functional import interpolate

from ... import Refused
from .modules import SIDE, Motion

# Disparity as facebookresearch/omnivore#12 has it: baseline · focal length / metres. Its baseline of a Kinect v1; its
# focal length as in NYU-D and SUN RGB-D, which ImageBind#107 also took.
BASELINE_M, FOCAL_PX = 0.075, 518.857901
BASELINE_FOCAL = round(BASELINE_M * FOCAL_PX, 6)
UNIT_M = 0.001
# Pixels of disparity: omnivore's DepthNorm divides by the largest.
LEAST, MOST = 0.01, 75.0
DEPTH_MEAN, DEPTH_STD = 0.0418, 0.0295
RATE, STEPS, MOST_WINDOWS = 400, Motion.LENGTH, 12
LEAST_RATE, MOST_RATE = 1.0, 10_000.0

CHANNELS = tuple(f"{sensor}_{axis}" for sensor in ("accel", "gyro") for axis in "xyz")
NAMES = {
    f"{word}{axis}": f"{sensor}_{axis}"
    for sensor, words in {
        "accel": ("accel_", "acc_", "a", "accelerometer_"),
        "gyro": ("gyro_", "g", "gyroscope_"),
    }.items()
    for word in words
    for axis in "xyz"
}
# Seconds of one step of a time column.
TIMES = {"t": 1.0, "time": 1.0, "time_s": 1.0, "timestamp": 1.0}
TIMES |= {
    f"{word}_{unit}": step
    for unit, step in {"ms": 1e-3, "us": 1e-6, "ns": 1e-9}.items()
    for word in ("time", "timestamp")
}

DEPTH_RULE = (
    f"disparity of a Kinect v1 ({BASELINE_M} m · {FOCAL_PX} px / metres), clamped to {LEAST}–{MOST:g} and divided by "
    f"{MOST:g}, mean "
    f"{DEPTH_MEAN}, std {DEPTH_STD}; shorter side to 224 as ImageBind's pictures, centre. A hole takes the nearest "
    "known value of its row, "
    "an empty row the nearest row. ImageBind was published without a loader for depth: after "
    "facebookresearch/omnivore#12; with it "
    "ImageBind#107 and #134 reach 45 % (NYU-D) and 35 % (SUN-D) where the paper has 54 % and 35.1 %"
)
THERMAL_RULE = (
    "one channel; divided by 255, shorter side to 224 (bicubic), centre, not normalised further. ImageBind was "
    "published without a loader for "
    "thermal pictures: after ImageBind#73, 62.4 % on LLVIP so, 55.2 % with normalisation, 63.4 % in the paper; "
    "unanswered in #37"
)
IMU_RULE = (
    f"5 s at {RATE} Hz: accelerometer x, y, z, gyroscope x, y, z as the file has them; interpolated linearly, zeros "
    "behind a short recording; "
    f"a longer one in windows one after another, the last moved back to end with it, at most {MOST_WINDOWS}, spread "
    "evenly; mean of unit "
    "vectors, unit again. ImageBind was published without a loader for motion: order, units and normalisation are not "
    "documented; after the "
    "paper's 2,000 steps of 5-s clips; ImageBind#131 is unanswered"
)
RULES = {"depth": DEPTH_RULE, "thermal": THERMAL_RULE, "imu": IMU_RULE}


def tables() -> dict[str, dict[str, Any]]:
    """[towers.X.preprocess] of the three."""
    size = {"width": SIDE, "height": SIDE, "resize": "shortest-edge", "filter": "bicubic", "antialias": True}
    disparity = {"unit_m": UNIT_M, "encoding": "disparity", "baseline_focal": BASELINE_FOCAL, "min": LEAST, "max": MOST}
    return {
        "depth": {**size, **disparity, "mean": [DEPTH_MEAN], "std": [DEPTH_STD]},
        "thermal": {**size, "mean": [0.0], "std": [1.0]},
        "imu": {
            "rate": RATE, "steps": STEPS, "max_windows": MOST_WINDOWS, "channels": list(CHANNELS),
            "mean": [0.0] * len(CHANNELS), "std": [1.0] * len(CHANNELS),
        },
    }  # fmt: skip


def _fitted(plane: np.ndarray) -> torch.Tensor:
    """float32 [1, 1, 224, 224] of [height, width]: the shorter side to 224 in torch's bicubic, then the centre."""
    height, width = plane.shape
    short = min(height, width)
    # The longer side is rounded down, the corner of the crop to the even one of two.
    size = int(SIDE * height / short), int(SIDE * width / short)
    grid = torch.from_numpy(np.ascontiguousarray(plane, np.float32))[None, None]
    grid = interpolate(grid, size, mode="bicubic", align_corners=False, antialias=True)
    top, left = (round((edge - SIDE) / 2) for edge in size)
    return grid[:, :, top : top + SIDE, left : left + SIDE]


def metres(data: bytes) -> np.ndarray:
    """float32 [height, width] of a depth map: integers count millimetres, floats are metres."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.mode == "LA":
        image = image.getchannel(0)
    if image.mode == "F":
        return np.asarray(image).astype(np.float32)
    if image.mode != "L" and not image.mode.startswith("I;16"):
        raise Refused(f"a depth map has one channel of 8 or 16 bit or of floats, this one is {image.mode}")
    return np.asarray(image).astype(np.float32) * np.float32(UNIT_M)


def _nearest(known: np.ndarray) -> np.ndarray:
    """For each place the nearest one that is known, of two the first."""
    places, all_places = np.flatnonzero(known), np.arange(len(known))
    behind = np.searchsorted(places, all_places)
    before, after = places[(behind - 1).clip(0)], places[behind.clip(max=len(places) - 1)]
    return np.where(abs(all_places - before) <= abs(after - all_places), before, after)


def filled(plane: np.ndarray) -> np.ndarray:
    """Holes (0, negative, not finite) take the nearest known value of their row, rows without any the nearest row."""
    known = np.isfinite(plane) & (plane > 0)
    rows = known.any(axis=1)
    if not rows.any():
        raise Refused("a depth map without any known value")
    whole = np.stack([row[_nearest(seen)] if seen.any() else row for row, seen in zip(plane, known, strict=True)])
    return whole[_nearest(rows)]


def depth(data: bytes) -> torch.Tensor:
    """float32 [1, 1, 224, 224]: disparity from 0 to 1, normalised."""
    disparity = (np.float32(BASELINE_FOCAL) / filled(metres(data))).clip(LEAST, MOST) / np.float32(MOST)
    return (_fitted(disparity) - DEPTH_MEAN) / DEPTH_STD


def grey(data: bytes) -> np.ndarray:
    """float32 [height, width] of a thermal picture, 0 to 1."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.mode[0] in "IF":
        raise Refused(f"a thermal picture has 8 bit, this one is {image.mode}: the table names no range")
    return np.asarray(image.convert("L")).astype(np.float32) / np.float32(255)


def thermal(data: bytes) -> torch.Tensor:
    """float32 [1, 1, 224, 224]: grey from 0 to 1."""
    return _fitted(grey(data))


def _said_rate(text: str) -> float | None:
    """Hertz of `rate: 100`, `rate = 100 Hz` or `rate=100`."""
    found = re.search(r"\brate\s*[:=]\s*\"?([0-9.eE+]+)", text)
    return float(found[1]) if found else None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _csv(text: str) -> tuple[np.ndarray, np.ndarray | None, float | None]:
    """(readings [n, 6], seconds of each, hertz as a comment says) of comma, semicolon or tab separated values."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    rates = [_said_rate(line.lower()) for line in lines if line.startswith("#")]
    rate = next((r for r in rates if r is not None), None)
    lines = [line for line in lines if not line.startswith("#")]
    separator = next((s for s in ",;\t" if s in lines[0]), ",")
    cells = [[cell.strip().strip('"') for cell in line.split(separator)] for line in lines]
    if all(map(_is_number, cells[0])):
        readings = np.array(cells, np.float64)
        if readings.shape[1] != len(CHANNELS):
            raise Refused(f"{readings.shape[1]} columns without a header, {len(CHANNELS)} are needed")
        return readings, None, rate
    header = [name.lower() for name in cells[0]]
    known = {NAMES[name]: at for at, name in enumerate(header) if name in NAMES}
    if missing := [name for name in CHANNELS if name not in known]:
        raise Refused(f"no column {', '.join(missing)}")
    readings = np.array([[row[known[name]] for name in CHANNELS] for row in cells[1:]], np.float64)
    clock = next((at for at, name in enumerate(header) if name in TIMES), None)
    if clock is None:
        return readings, None, rate
    return readings, np.array([row[clock] for row in cells[1:]], np.float64) * TIMES[header[clock]], rate


def readings(data: bytes, media_type: str = "") -> np.ndarray:
    """float64 [steps, 6] at 400 Hz of a CSV or NPY file."""
    times, rate = None, None
    if data.startswith(b"\x93NUMPY"):
        rows = np.load(io.BytesIO(data), allow_pickle=False).astype(np.float64)
        rows = rows if rows.shape[1] == len(CHANNELS) else rows.T
    else:
        rows, times, rate = _csv(data.decode("utf-8-sig"))
    if times is None:
        rate = rate or _said_rate(media_type.lower())
        if rate is None:
            raise Refused("no rate: neither a time column, nor `# rate: 100`, nor a media type with `rate=100`")
        times, span = np.arange(len(rows)) / rate, len(rows) / rate
    else:
        if not (np.diff(times) > 0).all() or len(times) < 2:
            raise Refused("times do not rise")
        times = times - times[0]
        # The last reading lasts as long as the mean of the others.
        span = times[-1] + times[-1] / (len(times) - 1)
        rate = len(rows) / span
    if not LEAST_RATE <= rate <= MOST_RATE:
        raise Refused(f"a rate of {rate:g} Hz; {LEAST_RATE:g} to {MOST_RATE:g} are possible")
    wanted = np.arange(int(span * RATE + 1e-6)) / RATE
    return np.stack([np.interp(wanted, times, column) for column in rows.T], 1)


def starts(steps: int) -> list[int]:
    """Where the windows of so many steps begin."""
    if steps <= STEPS:
        return [0]
    whole = [*range(0, steps - STEPS, STEPS), steps - STEPS]
    if len(whole) <= MOST_WINDOWS:
        return whole
    return [i * (steps - STEPS) // (MOST_WINDOWS - 1) for i in range(MOST_WINDOWS)]


def motion(data: bytes, media_type: str = "") -> torch.Tensor:
    """float32 [windows, 6, 2000]: as recorded, zeros behind."""
    steps = readings(data, media_type)
    if not len(steps):
        raise Refused("a recording without a single step")
    windows = [steps[start : start + STEPS] for start in starts(len(steps))]
    padded = [np.pad(window, ((0, STEPS - len(window)), (0, 0))).T for window in windows]
    return torch.from_numpy(np.stack(padded).astype(np.float32))
