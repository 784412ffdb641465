"""The reference preprocessing: real files to what the towers take. The Rust service is held to this.

Each function returns one array per sample (window, segment), float32 unless it says otherwise.
"""

from functools import cache
from math import gcd

import numpy as np
from PIL import Image, ImageOps

from preprocessing import AUDIO, IMAGE, POINT_CLOUD, TEXT, VIDEO

FILTERS = {"bicubic": Image.BICUBIC, "bilinear": Image.BILINEAR}


def opaque(picture: Image.Image) -> Image.Image:
    """Upright RGB; alpha is composited over the background of the manifest."""
    picture = ImageOps.exif_transpose(picture)
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, (*IMAGE["background"], 255))
        return Image.alpha_composite(ground, picture).convert("RGB")
    return picture.convert("RGB")


def image(path) -> np.ndarray:
    """[3, height, width]; whatever the aspect ratio was, the whole picture is seen."""
    with Image.open(path) as picture:
        pixels = np.asarray(opaque(picture).resize((IMAGE["width"], IMAGE["height"]), FILTERS[IMAGE["filter"]]), np.float32) / 255
    return ((pixels - np.float32(IMAGE["mean"])) / np.float32(IMAGE["std"])).transpose(2, 0, 1)


@cache
def _sinc(old: int, new: int) -> tuple[np.ndarray, int]:
    """(kernel [new, taps], samples that it reaches to the left)."""
    base = min(old, new) * 0.99
    width = int(np.ceil(6 * old / base))
    steps = np.arange(-width, width + old) / old
    t = np.clip((-np.arange(new)[:, None] / new + steps) * base, -6, 6)
    return np.sinc(t) * np.cos(t * np.pi / 12) ** 2 * base / old, width


def resample(wave: np.ndarray, rate: int, target: int) -> np.ndarray:
    """Hann-windowed sinc interpolation (width 6, roll-off 0.99), as torchaudio does by default."""
    if rate == target:
        return wave.astype(np.float32)
    common = gcd(rate, target)
    old, new = rate // common, target // common
    kernel, width = _sinc(old, new)
    padded = np.pad(wave.astype(np.float64), (width, width + old))
    frames = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[1])[::old]
    length = int(np.ceil(new * len(wave) / old))
    return (frames @ kernel.T).reshape(-1)[:length].astype(np.float32)


@cache
def _filterbank() -> tuple[np.ndarray, np.ndarray]:
    """(window [n_fft], HTK triangles [n_mels, n_fft / 2 + 1])."""
    f = AUDIO["front_end"]
    n_fft, length = f["n_fft"], f["win_length"]
    window = np.zeros(n_fft)
    start = (n_fft - length) // 2
    window[start : start + length] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    mel = lambda hz: 2595 * np.log10(1 + hz / 700)  # noqa: E731
    points = 700 * (10 ** (np.linspace(mel(f["f_min"]), mel(f["f_max"]), f["n_mels"] + 2) / 2595) - 1)
    bins = np.linspace(0, AUDIO["sample_rate"] // 2, n_fft // 2 + 1)
    rise = (bins - points[:-2, None]) / (points[1:-1] - points[:-2])[:, None]
    fall = (points[2:, None] - bins) / (points[2:] - points[1:-1])[:, None]
    return window, np.maximum(0, np.minimum(rise, fall)).astype(np.float32)


def log_mel(wave: np.ndarray) -> np.ndarray:
    """Natural log of the mel power spectrogram, not yet normalised: [n_mels, frames]."""
    f = AUDIO["front_end"]
    window, triangles = _filterbank()
    padded = np.pad(wave, f["n_fft"] // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, f["n_fft"])[:: f["hop_length"]]
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    return np.log(np.maximum(triangles @ power.T.astype(np.float32), f["floor"])).astype(np.float32)


def windows(wave: np.ndarray) -> list[np.ndarray]:
    """The recording cut into windows; a short one is padded with zeros, a last one ends with the recording."""
    size, hop = (AUDIO[k] * AUDIO["sample_rate"] // 1000 for k in ("window_ms", "hop_ms"))
    if len(wave) <= size:
        return [np.pad(wave, (0, size - len(wave)))]
    starts = [*range(0, len(wave) - size, hop), len(wave) - size]
    return [wave[s : s + size] for s in starts]


def audio(path) -> list[np.ndarray]:
    """One [n_mels, frames] for each window."""
    import soundfile

    wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
    f = AUDIO["front_end"]
    wave = resample(wave.mean(1), rate, AUDIO["sample_rate"])
    return [(log_mel(w) - np.float32(f["mean"])) / np.float32(f["std"]) for w in windows(wave)]


def frame_times(start: float, stop: float) -> list[float]:
    count = VIDEO["frames"]
    return [start + (i + 0.5) * (stop - start) / count for i in range(count)]


def shrink(frame: np.ndarray, side: int | None = None) -> np.ndarray:
    """uint8 [H, W, 3] squashed to the tower's size, or to `side` both ways."""
    size = (side, side) if side else (VIDEO["width"], VIDEO["height"])
    return np.asarray(Image.fromarray(frame).resize(size, FILTERS[VIDEO["filter"]]))


def normalise_frames(frames: np.ndarray) -> np.ndarray:
    """uint8 [frames, H, W, 3] to float32 [frames, 3, H, W]."""
    scaled = (frames.astype(np.float32) / 255 - np.float32(VIDEO["mean"])) / np.float32(VIDEO["std"])
    return scaled.transpose(0, 3, 1, 2)


def video(path) -> list[np.ndarray]:
    """One [frames, 3, height, width] for each segment; a last one ends with the film."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        shown = [(float(f.pts * stream.time_base), f.to_ndarray(format="rgb24")) for f in container.decode(stream)]
        gap = float(1 / stream.average_rate)
    origin = shown[0][0]
    times = np.array([t - origin for t, _ in shown])
    duration, segment = times[-1] + gap, VIDEO["segment_ms"] / 1000
    starts = [0.0] if duration <= segment else [min(s, duration - segment) for s in np.arange(0, duration, segment)]
    samples = []
    for start in starts:
        stop = start + min(duration, segment)
        picks = [max(0, int(np.searchsorted(times, t + 1e-9, side="right")) - 1) for t in frame_times(start, stop)]
        samples.append(normalise_frames(np.stack([shrink(shown[i][1]) for i in picks])))
    return samples


def farthest(points: np.ndarray, wanted: int) -> np.ndarray:
    """Farthest-point sampling from the point farthest from the centroid; ties go to the lowest index."""
    xyz = points[:, :3].astype(np.float32)
    chosen = [int(np.argmax(((xyz - xyz.mean(0, dtype=np.float64)) ** 2).sum(1)))]
    gap = np.full(len(xyz), np.inf, np.float32)
    while len(chosen) < wanted:
        step = xyz - xyz[chosen[-1]]
        gap = np.minimum(gap, step[:, 0] ** 2 + step[:, 1] ** 2 + step[:, 2] ** 2)
        chosen.append(int(np.argmax(gap)))
    return np.array(chosen)


def normalise_points(points: np.ndarray) -> np.ndarray:
    """Centroid to the origin, the farthest point to distance 1."""
    xyz = points[:, :3] - points[:, :3].mean(0, dtype=np.float64)
    xyz = xyz / max(1e-9, np.linalg.norm(xyz, axis=1).max())
    return np.concatenate([xyz, points[:, 3:]], 1).astype(np.float32)


def cloud(points: np.ndarray) -> np.ndarray:
    """[N, 6] to the tower's [points, 6]."""
    wanted, most = POINT_CLOUD["points"], POINT_CLOUD["presample"]
    if len(points) > most:
        points = points[np.arange(most) * len(points) // most]
    points = normalise_points(points)
    if len(points) <= wanted:
        return points[np.arange(wanted) % len(points)]
    return points[farthest(points, wanted)]


def point_cloud(path) -> np.ndarray:
    """[points, 6] from a PLY file with or without colours."""
    from plyfile import PlyData

    vertex = PlyData.read(str(path))["vertex"]
    columns = [np.asarray(vertex[k], np.float64) for k in "xyz"]
    names = {p.name for p in vertex.properties}
    for channel in ("red", "green", "blue"):
        columns.append(np.asarray(vertex[channel]) / 255 if channel in names else np.full(len(vertex.data), POINT_CLOUD["colour_default"]))
    return cloud(np.stack(columns, 1).astype(np.float32))


def tokens(encoded_ids: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """(input_ids, attention_mask) int64 [T]: cut to the context, padded to a multiple of eight."""
    ids = encoded_ids[: TEXT["context"]]
    length = max(8, -(-len(ids) // 8) * 8)
    padding = length - len(ids)
    return np.array([*ids, *[TEXT["pad_id"]] * padding], np.int64), np.array([1] * len(ids) + [0] * padding, np.int64)
