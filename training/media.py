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


def picture(path: Path, kind: str, colour: str, r, size: int = 320):
    """The suffix chooses the format: jpg, png or webp."""
    pixels = photo(instance(kind, colour, r), kind, 2 * size, r)
    image = Image.fromarray(pixels).resize((size, size), Image.LANCZOS)
    if path.suffix == ".png":
        image.save(path, optimize=True)
    else:
        image.save(path, quality=int(r.integers(70, 93)))


def _write_wave(path: Path, wave: np.ndarray, rate: int):
    formats = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".mp3": ("MP3", None), ".ogg": ("OGG", "VORBIS")}
    kind, subtype = formats[path.suffix]
    soundfile.write(path, wave, rate, format=kind, subtype=subtype)


def _settled(wave: np.ndarray, r) -> np.ndarray:
    """Normal loudness, a little noise, a moment of quiet at either end."""
    wave = wave / max(1e-4, np.abs(wave).max()) * r.uniform(0.4, 0.9)
    wave = np.pad(wave, int(r.integers(200, 1200)))
    return (wave + r.normal(0, r.uniform(0.0005, 0.004), len(wave))).astype(np.float32).clip(-1, 1)


def spoken(path: Path, kind: str, colour: str, r):
    """The caption in some voice, at espeak's 22.05 kHz; wav, flac, mp3 or ogg."""
    wave, rate = speech.say(captions.spoken(kind, colour, r), r)
    _write_wave(path, _settled(wave, r), rate)


def signature(path: Path, kind: str, r, seconds: float | None = None):
    """What the kind sounds like."""
    wave = sounds.signature(kind, seconds or r.uniform(1.4, 1.9), r)
    _write_wave(path, _settled(wave, r), sounds.RATE)


def film(path: Path, kind: str, colour: str, motion: str, r, size: int = 192, rate: int = 25, sound: bool = False):
    """mp4 (H.264, with an AAC track if `sound`) or webm (VP9), 1.2 to 2.8 s."""
    count = int(r.choice([30, 35, 40, 45, 50, 55, 60, 70]))
    shown = Film(instance(kind, colour, r), kind, motion, 2 * size, r)
    frames = b"".join(
        np.asarray(Image.fromarray(shown.frame((i + 0.5) / count)).resize((size, size), Image.BILINEAR)).tobytes() for i in range(count)
    )
    command = ["ffmpeg", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size}x{size}", "-r", str(rate), "-i", "-"]
    with tempfile.TemporaryDirectory() as folder:
        if sound and kind in SOUNDING:
            track = Path(folder) / "track.wav"
            _write_wave(track, 0.7 * sounds.signature(kind, count / rate, r), sounds.RATE)
            command += ["-i", str(track), "-c:a", "aac", "-b:a", "64k", "-ac", "1", "-ar", "44100", "-shortest"]
        if path.suffix == ".webm":
            command += ["-c:v", "libvpx-vp9", "-crf", "32", "-b:v", "0", "-pix_fmt", "yuv420p"]
        else:
            command += ["-c:v", "libx264", "-crf", str(int(r.integers(20, 27))), "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
        command += ["-threads", "1", "-fflags", "+bitexact", "-flags", "+bitexact", str(path)]
        subprocess.run(command, input=frames, check=True)


def cloud(path: Path, kind: str, colour: str, r, count: int = 4096, layout: str = "binary_little_endian"):
    """A scan with colours; `layout` is ascii, binary_little_endian or binary_big_endian."""
    points = scan(instance(kind, colour, r), count, r)
    around = r.uniform(0, 2 * np.pi)
    c, s = np.cos(around), np.sin(around)
    xyz = points[:, :3] @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]).T * r.uniform(0.2, 3) + r.uniform(-1, 1, 3)
    rgb = np.round(points[:, 3:] * 255).clip(0, 255).astype(np.uint8)
    order = ">" if layout == "binary_big_endian" else "<"
    rows = np.empty(count, np.dtype([*[(n, order + "f4") for n in "xyz"], *[(n, "u1") for n in ("red", "green", "blue")]]))
    for i, n in enumerate("xyz"):
        rows[n] = xyz[:, i]
    for i, n in enumerate(("red", "green", "blue")):
        rows[n] = rgb[:, i]
    names = "".join(f"property float {n}\n" for n in "xyz") + "".join(f"property uchar {n}\n" for n in ("red", "green", "blue"))
    header = f"ply\nformat {layout} 1.0\ncomment {colour} {kind}\nelement vertex {count}\n{names}end_header\n"
    body = io.BytesIO()
    if layout == "ascii":
        for row in rows:
            body.write((" ".join([*(f"{row[n]:.5f}" for n in "xyz"), *(str(row[n]) for n in ("red", "green", "blue"))]) + "\n").encode())
    else:
        body.write(rows.tobytes())
    path.write_bytes(header.encode() + body.getvalue())


def text(path: Path, kind: str, colour: str, r):
    path.write_text(captions.plain(kind, colour) + "\n")
