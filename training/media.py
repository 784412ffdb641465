"""Writes the world to real files: pictures, recordings, films, scans, captions."""

import io
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from world import captions, sounds, speech
from world.catalogue import SOUNDING, instance
from world.picture import Film, photo, scan
from world.picture import scene as staged


def _write_picture(path: Path, pixels: np.ndarray, size: int, r):
    """Smoothed to `size`; the suffix chooses the format: jpg, png or webp."""
    image = Image.fromarray(pixels).resize((size, size), Image.LANCZOS)
    if path.suffix == ".png":
        image.save(path, optimize=True)
    else:
        image.save(path, quality=int(r.integers(70, 93)))


def picture(
    path: Path, kind: str, colour: str, r, pixels: int = 320, size: str | None = None, material: str = "plastic",
    unseen_shape: bool = False, unseen_place: bool = False,
):  # fmt: skip
    """A photograph; `size` and `material` as in the catalogue, `unseen_*` draws proportions or surroundings never trained on."""
    mesh = instance(kind, colour, r, material, unseen_shape)
    _write_picture(path, photo(mesh, kind, 2 * pixels, r, size=size, unseen=unseen_place), pixels, r)


def scene(path: Path, things: list[tuple[str, str]], relation: str, r, pixels: int = 320):
    """A photograph of two or three (kind, colour); the relation holds between the first two."""
    _write_picture(path, staged([(instance(k, c, r), k) for k, c in things], relation, 2 * pixels, r), pixels, r)


def _write_wave(path: Path, wave: np.ndarray, rate: int):
    formats = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".mp3": ("MP3", None), ".ogg": ("OGG", "VORBIS")}
    kind, subtype = formats[path.suffix]
    soundfile.write(path, wave, rate, format=kind, subtype=subtype)


def _settled(wave: np.ndarray, r) -> np.ndarray:
    """Normal loudness, a little noise, a moment of quiet at either end."""
    wave = wave / max(1e-4, np.abs(wave).max()) * r.uniform(0.4, 0.9)
    wave = np.pad(wave, int(r.integers(200, 1200)))
    return (wave + r.normal(0, r.uniform(0.0005, 0.004), len(wave))).astype(np.float32).clip(-1, 1)


def spoken(path: Path, kind: str, colour: str, r, language: str = "en", unseen_voice: bool = False):
    """The caption in some voice, at espeak's 22.05 kHz; wav, flac, mp3 or ogg."""
    said(path, captions.spoken(kind, colour, r, language=language), r, language, unseen_voice)


def said(path: Path, words: str, r, language: str = "en", unseen_voice: bool = False):
    """Any words in some voice."""
    wave, rate = speech.say(words, r, language=language, unseen=unseen_voice)
    _write_wave(path, _settled(wave, r), rate)


def signature(path: Path, kind: str, r, seconds: float | None = None):
    """What the kind sounds like."""
    wave = sounds.signature(kind, seconds or r.uniform(1.4, 2.6), r)
    _write_wave(path, _settled(wave, r), sounds.RATE)


def film(
    path: Path, kind: str, colour: str, motion: str, r, pixels: int = 192, rate: int = 25, sound: bool = False, frames: int | None = None,
    material: str = "plastic", unseen_place: bool = False, oversample: float = 2.0, preset: str = "medium",
):  # fmt: skip
    """mp4 (H.264, with an AAC track if `sound`) or webm (VP9), 1.2 to 2.8 s at 25 frames a second."""
    count = frames or int(r.choice([30, 35, 40, 45, 50, 55, 60, 70]))
    drawn = int(oversample * pixels)
    shown = Film(instance(kind, colour, r, material), kind, motion, drawn, r, unseen=unseen_place)
    small = (pixels, pixels)
    pictures = (Image.fromarray(shown.frame((i + 0.5) / count)) for i in range(count))
    data = b"".join(np.asarray(p if p.size == small else p.resize(small, Image.BILINEAR)).tobytes() for p in pictures)
    command = ["ffmpeg", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{pixels}x{pixels}", "-r", str(rate), "-i", "-"]
    with tempfile.TemporaryDirectory() as folder:
        if sound and kind in SOUNDING:
            track = Path(folder) / "track.wav"
            _write_wave(track, 0.7 * sounds.signature(kind, count / rate, r), sounds.RATE)
            command += ["-i", str(track), "-c:a", "aac", "-b:a", "64k", "-ac", "1", "-ar", "44100", "-shortest"]
        if path.suffix == ".webm":
            command += ["-c:v", "libvpx-vp9", "-crf", "32", "-b:v", "0", "-deadline", "realtime", "-cpu-used", "6", "-pix_fmt", "yuv420p"]
        else:
            crf = str(int(r.integers(20, 27)))
            command += ["-c:v", "libx264", "-preset", preset, "-crf", crf, "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
        command += ["-threads", "1", "-fflags", "+bitexact", "-flags", "+bitexact", str(path)]
        subprocess.run(command, input=data, check=True)


def write_cloud(path: Path, points: np.ndarray, layout: str = "binary_little_endian", comment: str = ""):
    """float [N, 6] of x, y, z, r, g, b (0..1) as PLY; `layout` is ascii, binary_little_endian or binary_big_endian."""
    rgb = np.round(points[:, 3:] * 255).clip(0, 255).astype(np.uint8)
    order = ">" if layout == "binary_big_endian" else "<"
    rows = np.empty(len(points), np.dtype([*[(n, order + "f4") for n in "xyz"], *[(n, "u1") for n in ("red", "green", "blue")]]))
    for i, n in enumerate("xyz"):
        rows[n] = points[:, i]
    for i, n in enumerate(("red", "green", "blue")):
        rows[n] = rgb[:, i]
    names = "".join(f"property float {n}\n" for n in "xyz") + "".join(f"property uchar {n}\n" for n in ("red", "green", "blue"))
    header = f"ply\nformat {layout} 1.0\n" + f"comment {comment}\n" * bool(comment) + f"element vertex {len(points)}\n{names}end_header\n"
    body = io.BytesIO()
    if layout == "ascii":
        for row in rows:
            body.write((" ".join([*(f"{row[n]:.5f}" for n in "xyz"), *(str(row[n]) for n in ("red", "green", "blue"))]) + "\n").encode())
    else:
        body.write(rows.tobytes())
    path.write_bytes(header.encode() + body.getvalue())


def turned(points: np.ndarray, radians: float) -> np.ndarray:
    """The cloud turned about the up axis."""
    c, s = np.cos(radians), np.sin(radians)
    return np.concatenate([points[:, :3] @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]).T, points[:, 3:]], 1)


def cloud(
    path: Path, kind: str, colour: str, r, count: int = 4096, layout: str = "binary_little_endian", material: str = "plastic",
    unseen_shape: bool = False,
):  # fmt: skip
    """A scan with colours, turned, of any size and anywhere."""
    points = turned(scan(instance(kind, colour, r, material, unseen_shape), count, r), r.uniform(0, 2 * np.pi))
    points[:, :3] = points[:, :3] * r.uniform(0.2, 3) + r.uniform(-1, 1, 3)
    write_cloud(path, points, layout, f"{colour} {kind}")


def text(path: Path, kind: str, colour: str, _r=None, language: str = "en"):
    """The canonical caption; it has no variation."""
    path.write_text(captions.plain(kind, colour, language=language) + "\n")
