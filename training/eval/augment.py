"""What happens to files on their way: each augmentation at three strengths, file to files.

An augmentation of a modality is a function (source, targets, seed) that writes one file for each strength, weakest
first. Those of a modality that go through ffmpeg do so in one call.
"""

import io
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image, ImageFilter

import media
from reference import resample


@dataclass(frozen=True)
class Augmentation:
    """`strengths` are what the report calls them; `suffix` is that of the files, None: as the source."""

    modality: str
    name: str
    strengths: tuple
    suffix: str | None = None


ALL = (
    Augmentation("image", "JPEG quality", (40, 20, 8), ".jpg"),
    Augmentation("image", "resolution, px", (64, 40, 24), ".png"),
    Augmentation("image", "aspect", (1.25, 1.5, 2.0), ".png"),
    Augmentation("image", "blur, px at 80", (0.7, 1.4, 2.5), ".png"),
    Augmentation("image", "crop, share kept", (0.9, 0.8, 0.65), ".png"),
    Augmentation("audio", "MP3, kbit/s", (64, 32, 16), ".mp3"),
    Augmentation("audio", "AAC, kbit/s", (48, 24, 12), ".aac"),
    Augmentation("audio", "sample rate, kHz", (48, 11.025, 8), ".wav"),
    Augmentation("audio", "stereo", ("the same twice", "one side late and quiet", "one side silent"), ".wav"),
    Augmentation("audio", "noise, SNR dB", (20, 10, 0), ".wav"),
    Augmentation("point_cloud", "dropout, share kept", (0.5, 0.2, 0.07), ".ply"),
    Augmentation("point_cloud", "noise, of the radius", (0.01, 0.03, 0.06), ".ply"),
    Augmentation("point_cloud", "turn about up, degrees", (45, 90, 180), ".ply"),
    Augmentation("video", "frames a second", (12, 6, 3), ".mp4"),
    Augmentation("video", "H.264 CRF", (32, 40, 48), ".mp4"),
)


def of(modality: str) -> list[Augmentation]:
    return [a for a in ALL if a.modality == modality]


def _picture(picture: Image.Image, name: str, strength, path: Path):
    side = picture.width
    if name.startswith("JPEG"):
        return picture.save(path, quality=strength)
    if name.startswith("resolution"):
        picture = picture.resize((strength, strength), Image.BILINEAR)
    elif name == "aspect":  # the upper and lower edges are cut off, and the service stretches what is left
        lost = round(side * (1 - 1 / strength) / 2)
        picture = picture.crop((0, lost, side, side - lost))
    elif name.startswith("blur"):
        picture = picture.filter(ImageFilter.GaussianBlur(strength * side / 80))
    else:
        lost = round(side * (1 - strength) / 2)
        picture = picture.crop((lost, lost, side - lost, side - lost))
    picture.save(path)


def _pictures(source: Path, wanted: list[tuple[Augmentation, list[Path]]], _r):
    with Image.open(source) as opened:
        picture = opened.convert("RGB")
    for augmentation, paths in wanted:
        for strength, path in zip(augmentation.strengths, paths):
            _picture(picture, augmentation.name, strength, path)


def _stereo(wave: np.ndarray, rate: int, how: int) -> np.ndarray:
    """[samples, 2]."""
    if how == 0:
        return np.stack([wave, wave], 1)
    if how == 1:
        late = np.concatenate([np.zeros(int(0.004 * rate), np.float32), wave])[: len(wave)]
        return np.stack([wave, 0.5 * late], 1)
    return np.stack([wave, np.zeros_like(wave)], 1)


def _recordings(source: Path, wanted: list[tuple[Augmentation, list[Path]]], r):
    wave, rate = soundfile.read(source, dtype="float32")
    loud = float(np.sqrt(np.mean(wave**2)))
    noise, coded = r.normal(size=len(wave)), []
    for augmentation, paths in wanted:
        for number, (strength, path) in enumerate(zip(augmentation.strengths, paths)):
            if path.suffix in (".mp3", ".aac"):
                coder = "libmp3lame" if path.suffix == ".mp3" else "aac"
                low = ["-ar", "16000"] if strength < 32 else []  # encoders refuse so few bits at the rates of music
                coded += ["-map", "0:a", "-c:a", coder, "-b:a", f"{strength}k", *low, "-fflags", "+bitexact", str(path)]
            elif augmentation.name.startswith("sample rate"):
                hz = int(strength * 1000)
                soundfile.write(path, resample(wave, rate, hz).clip(-1, 1), hz)
            elif augmentation.name == "stereo":
                soundfile.write(path, _stereo(wave, rate, number), rate)
            else:
                rough = wave + noise * loud * 10 ** (-strength / 20)
                soundfile.write(path, (rough / max(1.0, np.abs(rough).max())).astype(np.float32), rate)
    if coded:
        buffer = io.BytesIO()
        soundfile.write(buffer, wave, rate, format="WAV", subtype="PCM_16")
        _ffmpeg(["-i", "-"], coded, buffer.getvalue())


def _ffmpeg(before: list[str], after: list[str], data: bytes | None = None):
    subprocess.run(["ffmpeg", "-loglevel", "error", "-y", "-threads", "1", *before, *after], input=data, check=True)


def _clouds(source: Path, wanted: list[tuple[Augmentation, list[Path]]], r):
    from plyfile import PlyData

    vertex = PlyData.read(str(source))["vertex"]
    columns = [np.asarray(vertex[k], np.float64) for k in "xyz"] + [np.asarray(vertex[k]) / 255 for k in ("red", "green", "blue")]
    points = np.stack(columns, 1)
    middle = points[:, :3].mean(0)
    radius = np.linalg.norm(points[:, :3] - middle, axis=1).max()
    order, noise = r.permutation(len(points)), r.normal(size=(len(points), 3))
    for augmentation, paths in wanted:
        for strength, path in zip(augmentation.strengths, paths):
            changed = points.copy()
            if augmentation.name.startswith("dropout"):
                changed = points[np.sort(order[: max(16, int(strength * len(points)))])]
            elif augmentation.name.startswith("noise"):
                changed[:, :3] += noise * strength * radius
            else:
                changed = media.turned(points, np.radians(strength))
            media.write_cloud(path, changed)


def _films(source: Path, wanted: list[tuple[Augmentation, list[Path]]], _r):
    coded = []
    for augmentation, paths in wanted:
        for strength, path in zip(augmentation.strengths, paths):
            slower = augmentation.name.startswith("frames")
            change = ["-r", str(strength), "-crf", "23"] if slower else ["-crf", str(strength)]
            coded += ["-map", "0:v", "-c:v", "libx264", "-preset", "ultrafast", *change, "-pix_fmt", "yuv420p", "-threads", "1"]
            coded += ["-fflags", "+bitexact", str(path)]
    _ffmpeg(["-i", str(source)], coded)


WRITERS = {"image": _pictures, "audio": _recordings, "point_cloud": _clouds, "video": _films}


def write(modality: str, source: Path, wanted: list[tuple[Augmentation, list[Path]]], r: np.random.Generator):
    """Writes the files of several augmentations of one source: a path for each strength."""
    WRITERS[modality](source, wanted, r)
