"""What the reference readers make of a file: the same content in a format that nobody misreads.

Pictures by Pillow as PNG, sound by FFmpeg (PyAV) as WAV, films by FFmpeg as FFV1 in Matroska with their time stamps
moved to zero, shapes by trimesh as PLY. A file that its reference does not read either is no question to us.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import trimesh
from PIL import Image, ImageOps

PICTURES = {name for name, kind in Image.registered_extensions().items() if kind in Image.OPEN and kind not in ("MPEG", "EPS", "PDF")}
SHAPES = {".ply", ".obj", ".stl", ".off", ".glb", ".gltf", ".3mf", ".xyz"}

# Longer films are cut for the comparison: what is asked is whether the content is the same, not how long it takes.
FILM_FRAMES = 900
SOUND_SECONDS = 600


@dataclass(frozen=True)
class Reference:
    """A file's modality, and its content as its reference reads it."""

    modality: str
    path: Path


class Unread(Exception):
    """The reference does not read the file, or nothing is in it."""


def picture(path: Path, out: Path) -> Reference:
    with Image.open(path) as image:
        image.seek(0)
        upright = ImageOps.exif_transpose(image)
        mode = "RGBA" if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info else "RGB"
        if upright.mode in ("I", "F", "I;16", "I;16B"):
            raise Unread("Pillow has no rule for showing this mode")
        target = out / "reference.png"
        upright.convert(mode).save(target)
    return Reference("image", target)


def shape(path: Path, out: Path) -> Reference:
    loaded = trimesh.load(path, force="mesh", process=False) if path.suffix != ".xyz" else trimesh.load(path)
    if len(getattr(loaded, "vertices", ())) == 0:
        raise Unread("nothing is in it")
    target = out / "reference.ply"
    loaded.export(target)
    return Reference("point_cloud", target)


def is_film(container: av.container.InputContainer) -> bool:
    """Covers and the pictures of chapters are no film: stills, fewer than two a second beside sound."""
    for stream in container.streams.video:
        attached = bool(stream.disposition & av.stream.Disposition.attached_pic)
        rate = float(stream.average_rate or 0)
        still = stream.codec_context.name in ("mjpeg", "png") and rate < 2 and len(container.streams.audio) > 0
        if not attached and not still:
            return True
    return False


def sound_or_film(path: Path, out: Path) -> Reference:
    with av.open(str(path)) as container:
        if is_film(container):
            return film(container, out)
        return sound(container, out)


def sound(container: av.container.InputContainer, out: Path) -> Reference:
    if not container.streams.audio:
        raise Unread("neither sound nor pictures")
    target = out / "reference.wav"
    stream = container.streams.audio[0]
    written = 0
    with av.open(str(target), "w") as output:
        made = None
        for frame in container.decode(stream):
            if made is None:
                made = output.add_stream("pcm_f32le", rate=frame.sample_rate, layout=frame.layout.name)
                resampler = av.AudioResampler("flt", frame.layout.name, frame.sample_rate)
            for piece in resampler.resample(frame):
                piece.pts = None
                written += piece.samples
                output.mux(made.encode(piece))
            if written > SOUND_SECONDS * frame.sample_rate:
                raise Unread("longer than is compared")
        if made is None or written == 0:
            raise Unread("no sound comes out")
        output.mux(made.encode(None))
    return Reference("audio", target)


def film(container: av.container.InputContainer, out: Path) -> Reference:
    target = out / "reference.mkv"
    stream = container.streams.video[0]
    first = None
    with av.open(str(target), "w") as output:
        made = None
        for number, frame in enumerate(container.decode(stream)):
            if number == FILM_FRAMES:
                raise Unread("longer than is compared")
            if made is None:
                made = output.add_stream("ffv1", rate=stream.average_rate or 25)
                made.width, made.height, made.pix_fmt = frame.width, frame.height, "yuv444p"
                made.time_base = stream.time_base
                first = frame.pts or 0
            shown = frame.reformat(width=made.width, height=made.height, format="yuv444p")
            shown.pts = (frame.pts if frame.pts is not None else number) - first
            shown.time_base = stream.time_base
            output.mux(made.encode(shown))
        if made is None:
            raise Unread("no picture comes out")
        output.mux(made.encode(None))
    return Reference("video", target)


def reader(path: Path) -> Callable[[Path, Path], Reference]:
    suffix = path.suffix.lower()
    if suffix in PICTURES:
        return picture
    return shape if suffix in SHAPES else sound_or_film


def reference(path: Path, out: Path) -> Reference:
    """A file as its reference reads it; raises `Unread` where it does not."""
    try:
        return reader(path)(path, out)
    except Unread:
        raise
    except Exception as error:  # Whatever a reader says of a file that it does not read.
        raise Unread(f"{type(error).__name__}: {error}") from error


def likeness(one: list[float], other: list[float]) -> float:
    """Of unit vectors."""
    return float(np.dot(np.asarray(one), np.asarray(other)))
