"""Files to pixels, samples and points for the reference pipelines: what every family does before its own processor
begins."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
import soundfile
import torch
import torchaudio
from PIL import Image, ImageOps

WHITE = (255, 255, 255)
# By how much of itself the rate that a container states may be off pictures by seconds.
STATED_RATE_WITHIN = Fraction(1, 4)
# By how much of a film its stated length may be off, and at least and at most by how many seconds.
STATED_WITHIN, STATED_WITHIN_SECONDS = 0.1, (0.1, 0.5)


def words(media: bytes) -> str:
    """A text."""
    return media.decode()


def opened(media: bytes) -> Image.Image:
    """As the originals begin: nothing is turned, and no transparency undone."""
    return Image.open(io.BytesIO(media))


def stored(media: bytes) -> Image.Image:
    """RGB as Pillow alone makes it."""
    return opened(media).convert("RGB")


def picture(media: bytes) -> Image.Image:
    """The rule. Upright RGB. Transparency shows white, and 16-bit grey loses its lower byte (Pillow's convert() would
    clip it to white)."""
    image = ImageOps.exif_transpose(opened(media))
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


def resampled(wave: np.ndarray, rate: int, target: int) -> np.ndarray:
    """float32 [..., samples] at another rate, as torchaudio resamples by default."""
    return torchaudio.functional.resample(torch.from_numpy(np.ascontiguousarray(wave)), rate, target).numpy()


def windows(wave: np.ndarray, size: int, hop: int) -> list[np.ndarray]:
    """A recording in windows; a short one is whole, the last window of a longer one ends with it."""
    if len(wave) <= size:
        return [wave]
    starts = [*range(0, len(wave) - size, hop), len(wave) - size]
    return [wave[s : s + size] for s in starts]


@dataclass
class Film:
    """Every picture of a film: seconds from the first one, uint8 [height, width, 3], pictures a second as the rule has
    them and as the container states them, and the seconds of all of it, by the rule. Those and pictures by their rate
    differ where the rate varies."""

    times: list[float]
    frames: list[np.ndarray]
    rate: Fraction
    stated: Fraction
    seconds: float

    @property
    def counted(self) -> float:
        return float(len(self.frames) / self.rate)


def shown(media: bytes) -> Film:
    """A film's pictures. The rule: what the container states counts, unless it is something else altogether."""
    with av.open(io.BytesIO(media), "r") as container:
        stream = container.streams.video[0]
        tick, stated = stream.time_base or Fraction(), Fraction(stream.average_rate or 0)
        found = [(f.pts or 0, f.duration or 0, f.to_ndarray(format="rgb24")) for f in container.decode(stream)]
        length = stream.duration * tick if stream.duration else Fraction(container.duration or 0, av.time_base)
    stamps = [stamp for stamp, _, _ in found]
    # Where nothing says how long the last one lasts, it lasts as long as the one before it.
    lasts = found[-1][1] or stamps[-1] - stamps[max(len(stamps) - 2, 0)]
    times = [float((stamp - stamps[0]) * tick) for stamp in [*stamps, stamps[-1] + lasts]]
    end = times.pop()
    seconds = float(length) if abs(float(length) - end) <= np.clip(STATED_WITHIN * end, *STATED_WITHIN_SECONDS) else end
    even = Fraction(len(times)) / Fraction(end) if end else Fraction(1)
    rate = stated if abs(stated / even - 1) <= STATED_RATE_WITHIN else even
    return Film(times, [pixels for _, _, pixels in found], rate, stated, seconds)


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


def film_frames(media: bytes, frames: int, segment_ms: int, pick: Pick) -> list[Image.Image]:
    """The frames that are looked at, segment by segment; `pick` is `middles` (of their seconds) or `linspaced` (of
    pictures as counted)."""
    film = shown(media)
    duration, times = film.seconds, film.times
    if pick is linspaced:
        # Frames by their number, as if the rate were constant.
        duration, times = film.counted, [i * film.counted / len(times) for i in range(len(times))]
    chosen = [i for start, stop in segments(duration, segment_ms / 1000) for i in pick(times, start, stop, frames)]
    return [Image.fromarray(film.frames[i]) for i in chosen]


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
