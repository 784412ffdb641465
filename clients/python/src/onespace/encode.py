"""Arrays and pictures as the bytes of a file: WAV, PLY, PNG."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

CHANNELS_MAX = 8
"""Channels of an audio that the server takes (AUDIO_CHANNELS)."""

_PCM, _FLOAT = 1, 3
"""Format tags of a WAV file (RFC 2361): whole numbers, IEEE 754 floats."""


def wav(samples: NDArray[Any], rate: int) -> bytes:
    """A WAV file.

    `samples` has shape (frames,) or (frames, channels), as soundfile and SciPy give them: floats
    from -1 to 1, or int16, int32 or uint8 over their whole range. `rate` is in hertz.

    Raises ValueError for another shape, kind or range, and for values that are not finite.
    """
    if isinstance(rate, bool) or rate != int(rate) or rate <= 0:
        raise ValueError(f"a rate is a whole number of hertz, not {rate!r}")
    if samples.ndim == 1:
        samples = samples[:, None]
    if samples.ndim != 2 or samples.shape[1] > CHANNELS_MAX or samples.shape[1] == 0:
        raise ValueError(
            f"samples are (frames,) or (frames, channels) with 1 to {CHANNELS_MAX} channels, "
            f"not {samples.shape}; (channels, frames) has to be transposed"
        )
    if 0 < samples.shape[0] < samples.shape[1]:
        raise ValueError(
            f"{samples.shape[0]} frames of {samples.shape[1]} channels: transpose what is "
            "(channels, frames)"
        )
    tag, data = _samples(samples)
    width, channels = data.dtype.itemsize, data.shape[1]
    body = data.tobytes()
    head = struct.pack(
        "<HHIIHH",
        tag,
        channels,
        int(rate),
        int(rate) * channels * width,
        channels * width,
        8 * width,
    )
    chunks = b"fmt " + struct.pack("<I", len(head)) + head
    chunks += b"data" + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def _samples(samples: NDArray[Any]) -> tuple[int, NDArray[Any]]:
    """The format tag, and the samples as a WAV file has them."""
    if samples.dtype in (np.int16, np.int32):
        return _PCM, samples.astype(samples.dtype.newbyteorder("<"))
    if samples.dtype == np.uint8:
        return _PCM, samples
    if not np.issubdtype(samples.dtype, np.floating):
        raise ValueError(f"samples are floats, int16, int32 or uint8, not {samples.dtype}")
    if not np.isfinite(samples).all():
        raise ValueError("samples have to be finite")
    # A little over full scale is usual after resampling and in loud recordings.
    loudest = float(np.abs(samples).max(initial=0))
    if loudest > 16:
        raise ValueError(f"samples as floats are from -1 to 1, these go to {loudest:g}")
    return _FLOAT, samples.astype("<f4")


def ply(points: NDArray[Any], colors: NDArray[Any] | None = None) -> bytes:
    """A PLY file.

    `points` has shape (n, 3): x, y, z in any unit. `colors`, (n, 3): red, green, blue, as uint8 or
    as floats from 0 to 1. Raises ValueError for another shape or range.
    """
    if points.ndim != 2 or points.shape[1] != 3 or not np.issubdtype(points.dtype, np.number):
        raise ValueError(f"points are numbers of shape (n, 3), not {points.dtype} {points.shape}")
    columns = [(name, "<f4") for name in ("x", "y", "z")]
    if colors is not None:
        columns += [(name, "u1") for name in ("red", "green", "blue")]
    rows = np.empty(len(points), dtype=columns)
    for index, name in enumerate(("x", "y", "z")):
        rows[name] = points[:, index]
    if colors is not None:
        shades = _shades(colors, len(points))
        for index, name in enumerate(("red", "green", "blue")):
            rows[name] = shades[:, index]
    kinds = {"<f4": "float", "u1": "uchar"}
    properties = "".join(f"property {kinds[kind]} {name}\n" for name, kind in columns)
    count = f"element vertex {len(rows)}\n"
    head = f"ply\nformat binary_little_endian 1.0\n{count}{properties}end_header\n"
    return head.encode() + rows.tobytes()


def _shades(colors: NDArray[Any], count: int) -> NDArray[np.uint8]:
    if colors.shape != (count, 3):
        raise ValueError(f"colors are of shape ({count}, 3), not {colors.shape}")
    if colors.dtype == np.uint8:
        return colors
    if not np.issubdtype(colors.dtype, np.floating):
        raise ValueError(f"colors are uint8 or floats from 0 to 1, not {colors.dtype}")
    if not ((colors >= 0) & (colors <= 1)).all():
        raise ValueError(
            "colors as floats are from 0 to 1; normals are no colors, and colors from 0 to 255 are "
            "given as PointCloud(points, colors.astype(numpy.uint8))"
        )
    shades: NDArray[np.uint8] = np.rint(colors * 255).astype(np.uint8)
    return shades


def png(image: Image) -> bytes:
    """A PNG file of a Pillow image, its colours as they are shown."""
    if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        # What PNG has not: CMYK, YCbCr, floats.
        image = image.convert("RGB")
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def picture(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG file of an array (height, width, 3 or 4) of uint8. Needs Pillow."""
    try:
        from PIL import Image as pillow
    except ImportError as error:
        raise ValueError("an array of pixels needs Pillow: pip install onespace[images]") from error
    return png(pillow.fromarray(pixels))
