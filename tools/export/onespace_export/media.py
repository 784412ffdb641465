"""Files to pixels, samples and points for the reference pipelines: what every family does before its own processor
begins."""

import io
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from math import gcd

import av
import numpy as np
import soundfile
from PIL import Image, ImageOps

WHITE = (255, 255, 255)


def picture(media: bytes) -> Image.Image:
    """Upright RGB. Transparency shows white, and 16-bit grey loses its lower byte (Pillow's convert() would clip it to
    white)."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(media)))
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, (*WHITE, 255)), image).convert("RGB")
    return image.convert("RGB")


def blank() -> Image.Image:
    """A grey picture, to ask a model for the length of its vectors."""
    return Image.new("RGB", (32, 32), (128, 128, 128))


def recording(media: bytes) -> tuple[np.ndarray, int]:
    """float32 [samples, channels] in −1..1, and the rate."""
    return soundfile.read(io.BytesIO(media), dtype="float32", always_2d=True)


@cache
def _sinc(old: int, new: int) -> tuple[np.ndarray, int]:
    """(kernel [new, taps], samples that it reaches to the left)."""
    base = min(old, new) * 0.99
    width = int(np.ceil(6 * old / base))
    steps = np.arange(-width, width + old) / old
    t = np.clip((-np.arange(new)[:, None] / new + steps) * base, -6, 6)
    return np.sinc(t) * np.cos(t * np.pi / 12) ** 2 * base / old, width


def resample_sinc(wave: np.ndarray, rate: int, target: int) -> np.ndarray:
    """float32 [samples]: Hann-windowed sinc interpolation (width 6, roll-off 0.99), torchaudio's default."""
    if rate == target:
        return wave.astype(np.float32)
    common = gcd(rate, target)
    old, new = rate // common, target // common
    kernel, width = _sinc(old, new)
    padded = np.pad(wave.astype(np.float64), (width, width + old))
    frames = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[1])[::old]
    return (frames @ kernel.T).reshape(-1)[: int(np.ceil(new * len(wave) / old))].astype(np.float32)


def windows(wave: np.ndarray, size: int, hop: int) -> list[np.ndarray]:
    """A recording in windows; a short one is whole, the last window of a longer one ends with it."""
    if len(wave) <= size:
        return [wave]
    starts = [*range(0, len(wave) - size, hop), len(wave) - size]
    return [wave[s : s + size] for s in starts]


def shown(media: bytes) -> tuple[list[float], list[np.ndarray], float, float]:
    """(seconds from the first picture, uint8 [height, width, 3] frames, duration as stated, as counted) of a film, in
    seconds.

    A container's word and frames by frame rate differ where the rate varies.
    """
    with av.open(io.BytesIO(media), "r") as container:
        stream = container.streams.video[0]
        tick, rate = stream.time_base or Fraction(), stream.average_rate or Fraction()
        frames = [(float((f.pts or 0) * tick), f.to_ndarray(format="rgb24")) for f in container.decode(stream)]
        stated = stream.duration * tick if stream.duration else Fraction(container.duration or 0, av.time_base)
    return [t - frames[0][0] for t, _ in frames], [f for _, f in frames], float(stated), float(len(frames) / rate)


def segments(duration: float, seconds: float) -> list[tuple[float, float]]:
    """Stretches of a film, one after another, the last moved back to end with it."""
    if duration <= seconds:
        return [(0.0, duration)]
    return [(min(s, duration - seconds), min(s, duration - seconds) + seconds) for s in np.arange(0, duration, seconds)]


def middles(times: list[float], start: float, stop: float, count: int) -> list[int]:
    """The frames that are shown at start + (i + ½)(stop − start) / count."""
    wanted = [start + (i + 0.5) * (stop - start) / count for i in range(count)]
    return [max(0, int(np.searchsorted(times, t + 1e-9, side="right")) - 1) for t in wanted]


def linspaced(times: list[float], start: float, stop: float, count: int) -> list[int]:
    """`count` of the N frames that are shown within [start, stop): trunc(linspace(0, N − 1, count))."""
    inside = [i for i, t in enumerate(times) if start - 1e-9 <= t < stop - 1e-9]
    return [inside[int(i)] for i in np.linspace(0, len(inside) - 1, count)]


Pick = Callable[[list[float], float, float, int], list[int]]


def film(media: bytes, frames: int, segment_ms: int, pick: Pick) -> list[Image.Image]:
    """The frames that are looked at, segment by segment; `pick` is `middles` (of the stated duration) or `linspaced`
    (of the counted)."""
    times, pictures, stated, counted = shown(media)
    duration = stated
    if pick is linspaced:
        # Frames by their number, as if the rate were constant.
        duration, times = counted, [i * counted / len(times) for i in range(len(times))]
    chosen = [i for start, stop in segments(duration, segment_ms / 1000) for i in pick(times, start, stop, frames)]
    return [Image.fromarray(pictures[i]) for i in chosen]


def points(media: bytes, colour_default: float) -> np.ndarray:
    """float32 [N, 6] of a PLY file; colours 0 to 1, `colour_default` where there are none."""
    from plyfile import PlyData

    vertex = PlyData.read(io.BytesIO(media))["vertex"]
    columns = [np.asarray(vertex[k], np.float64) for k in "xyz"]
    names = {p.name for p in vertex.properties}
    for channel in ("red", "green", "blue"):
        columns.append(
            np.asarray(vertex[channel]) / 255 if channel in names else np.full(len(vertex.data), colour_default)
        )
    return np.stack(columns, 1).astype(np.float32)
