"""Copies of a photograph or recording: cut, turned, mirrored, darkened, made noisy, as the item's name decides."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image, ImageEnhance, ImageOps

WHITE = (255, 255, 255)
SNR_DB = 15
LARGEST = 1024  # pixels along the longer side of a copy

Picture = Image.Image
Change = Callable[[Picture, np.random.Generator], Picture]


def dice(name: str, change: str) -> np.random.Generator:
    """The same copy of the same item every time."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(f"{change}/{name}".encode()).digest()[:8], "big"))


def opened(path: Path) -> Picture:
    """On white, as cut-out photographs are shown."""
    with Image.open(path) as picture:
        whole = picture.convert("RGBA")
    under = Image.new("RGBA", whole.size, (*WHITE, 255))
    return Image.alpha_composite(under, whole).convert("RGB")


def cropped(picture: Picture, r: np.random.Generator) -> Picture:
    """60 to 80 % of its area, of its own proportions."""
    side = float(np.sqrt(r.uniform(0.6, 0.8)))
    width, height = max(1, round(picture.width * side)), max(1, round(picture.height * side))
    left, top = int(r.integers(0, picture.width - width + 1)), int(r.integers(0, picture.height - height + 1))
    return picture.crop((left, top, left + width, top + height))


def turned(picture: Picture, r: np.random.Generator) -> Picture:
    """Up to 20 degrees either way, white where nothing was."""
    return picture.rotate(float(r.uniform(-20, 20)), Image.Resampling.BICUBIC, expand=True, fillcolor=WHITE)


def mirrored(picture: Picture, r: np.random.Generator) -> Picture:
    """Mirrored and lighter or darker."""
    return ImageEnhance.Brightness(ImageOps.mirror(picture)).enhance(float(r.choice([0.6, 1.4])))


def compressed(picture: Picture, _: np.random.Generator) -> Picture:
    """Through a JPEG of quality 15 at half its size."""
    small = picture.resize((max(1, picture.width // 2), max(1, picture.height // 2)), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=15)
    return Image.open(io.BytesIO(out.getvalue())).convert("RGB")


PICTURES: dict[str, Change] = {
    "cropped to 60–80 %": cropped, "turned up to 20°": turned, "mirrored, lighter or darker": mirrored,
    "halved, JPEG of quality 15": compressed,
}  # fmt: skip


def picture(path: Path, name: str, change: str) -> bytes:
    out = io.BytesIO()
    whole = opened(path)
    whole.thumbnail((LARGEST, LARGEST))
    PICTURES[change](whole, dice(name, change)).save(out, "PNG", compress_level=1)
    return out.getvalue()


def _cut(samples: np.ndarray, r: np.random.Generator) -> np.ndarray:
    length = max(1, int(len(samples) * r.uniform(0.5, 0.7)))
    start = int(r.integers(0, len(samples) - length + 1))
    return samples[start : start + length]


def _noisy(samples: np.ndarray, r: np.random.Generator) -> np.ndarray:
    power = float(np.mean(samples**2))
    noise = r.normal(0, np.sqrt(power / 10 ** (SNR_DB / 10)), samples.shape)
    return np.clip(samples + noise, -1, 1)


SOUNDS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "cut to 50–70 %": _cut, f"white noise, {SNR_DB} dB below": _noisy,
}  # fmt: skip


def sound(path: Path, name: str, change: str) -> bytes:
    samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
    out = io.BytesIO()
    soundfile.write(out, SOUNDS[change](samples, dice(name, change)), rate, format="WAV", subtype="PCM_16")
    return out.getvalue()
