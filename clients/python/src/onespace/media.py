"""What can be embedded, stored and asked with, and how it becomes what is sent."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, Union, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from onespace import encode
from onespace.source import Source, Upload

if TYPE_CHECKING:
    from PIL.Image import Image

Modality = Literal["text", "image", "audio", "video", "point_cloud", "depth", "thermal", "imu"]
"""One kind of media, as answers and options name it."""


@dataclass(frozen=True)
class File:
    """A file, and what it is where its content does not tell.

    `content` is a path, bytes, or a file that is open for reading in binary. `modality` has to be
    named for depth maps, thermal images and inertial measurements; otherwise it is checked against
    the content. `media_type` is a hint such as `"text/csv; rate=100"`.
    """

    content: str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]
    modality: Modality | None = None
    media_type: str = ""


@dataclass(frozen=True, eq=False)
class Audio:
    """Samples of shape (frames,) or (frames, channels), and their rate in hertz.

    Floats from -1 to 1, or int16, int32 or uint8 over their whole range.
    """

    samples: ArrayLike
    rate: int


@dataclass(frozen=True, eq=False)
class PointCloud:
    """Points of shape (n, 3), and their colours: (n, 3) as uint8, or as floats from 0 to 1."""

    points: ArrayLike
    colors: ArrayLike | None = None


@dataclass(frozen=True)
class Parts:
    """2 to 16 media that become one vector: the weighted sum of theirs, scaled to norm 1.

    The first gives the item its modality. `weights` are finite; each is 1 where none are given.
    """

    media: Sequence[MediaLike]
    weights: Sequence[float] | None = None


MediaLike = Union[
    str,
    "os.PathLike[str]",
    bytes,
    bytearray,
    memoryview,
    "IO[bytes]",
    "Image",
    NDArray[Any],
    tuple[NDArray[Any], int],
    File,
    Audio,
    PointCloud,
    Parts,
]
"""Everything that is a media.

- `str`: a text, never a path
- `pathlib.Path`: a file
- `bytes`, an open binary file: the content of a file
- a Pillow image; an array (height, width, 3 or 4) of uint8
- `(samples, rate)` as soundfile.read gives it: audio
- an array (n, 3) of points, or (n, 6) with red, green and blue from 0 to 1
- `File`, `Audio`, `PointCloud`, `Parts`, which say more
"""


def to_upload(media: MediaLike) -> Upload:
    """What is sent for a media.

    Raises TypeError or ValueError for what is none, OSError for a file that cannot be read.
    """
    if isinstance(media, Parts):
        return _parts(media)
    return Upload([(to_source(media), None)], whole=True)


def _parts(parts: Parts) -> Upload:
    count = len(parts.media)
    weights = [None] * count if parts.weights is None else [float(one) for one in parts.weights]
    if len(weights) != count:
        raise ValueError(f"{len(weights)} weights for {count} parts")
    if any(isinstance(media, Parts) for media in parts.media):
        raise ValueError("a part has no parts of its own")
    return Upload(list(zip((to_source(media) for media in parts.media), weights)), whole=False)


def to_source(media: MediaLike) -> Source:
    """The content of one media that has no parts."""
    if isinstance(media, str):
        return Source.from_text(media)
    if isinstance(media, File):
        return _file(media)
    if isinstance(media, os.PathLike):
        return Source.from_path(Path(media))
    if isinstance(media, (bytes, bytearray, memoryview)):
        return Source.from_bytes(bytes(media))
    if isinstance(media, Audio):
        return Source.from_bytes(encode.wav(np.asarray(media.samples), media.rate))
    if isinstance(media, PointCloud):
        return _points(np.asarray(media.points), media.colors)
    if isinstance(media, np.ndarray):
        return _array(media)
    if isinstance(media, tuple):
        return _pair(media)
    if isinstance(media, io.TextIOBase):
        raise TypeError("open the file in binary: open(path, 'rb')")
    if hasattr(media, "read"):
        return Source.from_file(cast("IO[bytes]", media))
    if hasattr(media, "save") and hasattr(media, "mode"):
        return Source.from_bytes(encode.png(cast("Image", media)))
    raise TypeError(f"{type(media).__name__} is no media: see onespace.MediaLike")


def _file(file: File) -> Source:
    content = file.content
    source = Source.from_path(Path(content)) if isinstance(content, str) else to_source(content)
    return source.named(file.modality, file.media_type)


def _array(array: NDArray[Any]) -> Source:
    if array.ndim == 3 and array.dtype == np.uint8 and array.shape[2] in (3, 4):
        return Source.from_bytes(encode.picture(array))
    if array.ndim == 2 and array.shape[1] == 3:
        return _points(array, None)
    if array.ndim == 2 and array.shape[1] == 6:
        return _points(array[:, :3], array[:, 3:])
    raise ValueError(
        f"an array of {array.dtype} {array.shape} may be anything: points are (n, 3) or (n, 6), an "
        "image is (height, width, 3 or 4) of uint8, audio comes with its rate as (samples, rate)"
    )


def _points(points: NDArray[Any], colors: ArrayLike | None) -> Source:
    shades = None if colors is None else np.asarray(colors)
    return Source.from_bytes(encode.ply(points, shades)).named("point_cloud", "")


def _pair(pair: tuple[Any, ...]) -> Source:
    if len(pair) == 2 and isinstance(pair[0], np.ndarray):
        return Source.from_bytes(encode.wav(*pair))
    raise TypeError("a tuple is audio, (samples, rate); several media as one are Parts([…])")
