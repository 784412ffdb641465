"""Pictures, recordings, films, clouds, depth maps, thermal pictures and motion made by code: the same bytes from the
same seed, but for films (the same frames, which x264 does not encode twice alike)."""

import io
from fractions import Fraction
from itertools import pairwise
from typing import Any, cast

import av
import numpy as np
import soundfile
from av.video.stream import VideoStream
from PIL import Image


def _random(seed: int) -> np.random.Generator:
    return np.random.default_rng((77, seed))


def picture(width: int, height: int, seed: int) -> np.ndarray:
    """uint8 [height, width, 3]: gradients, waves and discs of random colours, with edges and with fine grain."""
    r = _random(seed)
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    turn, corners = r.uniform(0, 2 * np.pi), r.uniform(0, 255, (2, 3))
    share = 0.5 + 0.5 * np.sin(turn + 3 * (x * np.cos(turn) + y * np.sin(turn)))
    canvas = corners[0] + share[..., None] * (corners[1] - corners[0])
    for _ in range(int(r.integers(3, 9))):
        centre, radius, colour = r.uniform(0, 1, 2), r.uniform(0.05, 0.3), r.uniform(0, 255, 3)
        inside = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2
        stripes = np.sin(r.uniform(10, 120) * (x * np.cos(turn) - y * np.sin(turn))) > r.uniform(-1, 0.5)
        canvas[inside & stripes] = colour
    return (canvas + r.normal(0, 4, canvas.shape)).clip(0, 255).astype(np.uint8)


def encoded(pixels: np.ndarray | Image.Image, kind: str, **how: Any) -> bytes:
    """The bytes of a picture file; `pixels` may be a PIL image."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def music(seconds: float, rate: int, seed: int, channels: int = 1) -> np.ndarray:
    """float32 [samples, channels]: notes of a few partials that ring off, over some noise."""
    r = _random(seed)
    count = int(seconds * rate)
    time, wave = np.arange(count) / rate, np.zeros((count, channels))
    for start in np.arange(0, seconds, 0.3):
        pitch, pan = 110 * 2 ** (r.integers(0, 36) / 12), r.uniform(0.2, 1, channels)
        since = (time - start).clip(0)
        ring = (time >= start) * np.exp(-since * r.uniform(2, 8))
        tone = sum(np.sin(2 * np.pi * pitch * k * since) / k for k in range(1, 6) if pitch * k < 0.45 * rate)
        wave += (ring * tone)[:, None] * pan
    wave += r.normal(0, 0.01, wave.shape)
    return (0.7 * wave / np.abs(wave).max()).astype(np.float32)


def speech(seconds: float, rate: int, seed: int, channels: int = 1) -> np.ndarray:
    """float32 [samples, channels]: a buzzing source through moving resonances, in syllables with pauses, like a
    voice."""
    r = _random(seed)
    count = int(seconds * rate)
    time = np.arange(count) / rate
    pitch = 120 + 40 * np.sin(2 * np.pi * 0.7 * time + r.uniform(0, 6)) + r.uniform(-30, 60)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    formants = [
        f * (1 + 0.25 * np.sin(2 * np.pi * s * time + r.uniform(0, 6)))
        for f, s in ((600, 2.1), (1500, 1.3), (2600, 0.9))
    ]
    wave = np.zeros(count)
    for k in range(1, 40):
        near = sum(np.exp(-(((k * pitch - f) / 180) ** 2)) for f in formants)
        wave += np.where(k * pitch < 0.45 * rate, near, 0) * np.sin(k * phase)
    syllables = np.clip(np.sin(2 * np.pi * 3.1 * time + r.uniform(0, 6)) + 0.3, 0, 1)
    wave = (wave * syllables + r.normal(0, 0.003, count))[:, None] * r.uniform(0.4, 1, channels)
    return (0.6 * wave / np.abs(wave).max()).astype(np.float32)


def offset(seconds: float, rate: int, seed: int, channels: int = 1) -> np.ndarray:
    """float32 [samples, channels]: a voice as a microphone records it that adds a constant."""
    return 0.5 * speech(seconds, rate, seed, channels) + np.float32(0.3)


def recording(wave: np.ndarray, rate: int, kind: str) -> bytes:
    """WAV or FLAC (16 bit), MP3 or OGG (Vorbis)."""
    out = io.BytesIO()
    subtype = {"WAV": "PCM_16", "FLAC": "PCM_16", "MP3": None, "OGG": "VORBIS"}[kind]
    soundfile.write(out, wave, rate, format=kind, subtype=subtype)
    return out.getvalue()


def film(width: int, height: int, times: list[float], seed: int, kind: str = "mp4") -> bytes:
    """A disc crossing a picture, a frame at each of `times` (seconds): mp4 (H.264) or webm (VP9), yuv420p."""
    r, ground = _random(seed), picture(width, height, seed)
    y, x = np.mgrid[0:height, 0:width]
    # Where frames are reordered, a packet lasts as long as one beside it: with uneven steps nothing would say how long
    # the last frame lasts.
    uneven = len({round(1000 * (after - before)) for before, after in pairwise(times)}) > 1
    colour, radius, out = r.uniform(0, 255, 3), 0.2 * min(width, height), io.BytesIO()
    with av.open(out, "w", format=kind) as container:
        codec, options = (
            ("libx264", {"crf": "20", "preset": "medium", **({"bf": "0"} if uneven else {})})
            if kind == "mp4"
            else ("libvpx-vp9", {"crf": "30", "b": "0", "cpu-used": "6"})
        )
        stream = cast(VideoStream, container.add_stream(codec, rate=25, options=options))
        stream.width, stream.height, stream.pix_fmt, stream.thread_count = width, height, "yuv420p", 1
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        for moment in times:
            share = moment / max(times[-1], 1e-6)
            pixels = ground.copy()
            pixels[(x - share * width) ** 2 + (y - height * (0.5 + 0.3 * np.sin(6 * share))) ** 2 < radius**2] = colour
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = round(moment * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def cloud(count: int, seed: int) -> np.ndarray:
    """float32 [count, 6]: a bent, coloured surface somewhere in space; colours 0 to 1."""
    r = _random(seed)
    u, v = r.uniform(0, 2 * np.pi, count), r.uniform(-1, 1, count)
    a, b, c = r.uniform(0.5, 2, 3)
    radius = 1 + 0.4 * np.sin(a * 3 * v + np.cos(2 * u))
    xyz = np.stack([a * radius * np.cos(u), b * radius * np.sin(u), c * 1.5 * v], 1) + r.uniform(-3, 3, 3)
    rgb = 0.5 + 0.5 * np.sin(np.stack([u, 2 * v, u * v], 1) + r.uniform(0, 6))
    return np.concatenate([xyz, rgb], 1).astype(np.float32)


def ply(points: np.ndarray, colour: bool = True, ascii: bool = False) -> bytes:
    """A PLY file of [N, 6], with or without its colours."""
    rgb = np.round(points[:, 3:] * 255).clip(0, 255).astype(np.uint8)
    names = "".join(f"property float {n}\n" for n in "xyz") + "".join(
        f"property uchar {n}\n" for n in ("red", "green", "blue") if colour
    )
    layout = "ascii" if ascii else "binary_little_endian"
    header = f"ply\nformat {layout} 1.0\nelement vertex {len(points)}\n{names}end_header\n".encode()
    if ascii:
        pairs = zip(points, rgb, strict=True)
        rows = (" ".join([*(f"{x:.6f}" for x in p[:3]), *(str(x) for x in q if colour)]) for p, q in pairs)
        return header + ("\n".join(rows) + "\n").encode()
    fields = [(n, "<f4") for n in "xyz"] + [(n, "u1") for n in ("red", "green", "blue") if colour]
    table = np.empty(len(points), np.dtype(fields))
    for i, (name, _) in enumerate(fields):
        table[name] = points[:, i] if i < 3 else rgb[:, i - 3]
    return header + table.tobytes()


def depth(width: int, height: int, seed: int) -> np.ndarray:
    """float32 [height, width]: metres of a room with things in it; 0 in the shadow left of each, in specks and in some
    whole rows."""
    r = _random(seed)
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    wall = r.uniform(3, 7) + r.uniform(-1, 1) * x
    floor = r.uniform(0.5, 1.2) / (y - 0.4 * y.max()).clip(0.05)
    plane, hidden = np.minimum(wall, floor), r.uniform(size=x.shape) < 0.01
    for _ in range(int(r.integers(3, 8))):
        (cx, cy), radius, near = r.uniform(0, 1, 2), r.uniform(0.05, 0.25), r.uniform(0.6, 3)
        inside, shadow = ((x - shift - cx) ** 2 + (y - cy) ** 2 < radius**2 for shift in (0, -0.02))
        hidden |= shadow & ~inside
        hidden &= ~inside
        plane = np.where(inside, near + 0.3 * ((x - cx) ** 2 + (y - cy) ** 2) / radius**2, plane)
    hidden[int(0.3 * height) : int(0.3 * height) + height // 40] = True
    hidden[:, : width // 50] = True
    return np.where(hidden, 0, plane + r.normal(0, 0.004, plane.shape)).astype(np.float32)


def millimetres(metres: np.ndarray) -> np.ndarray:
    """uint16."""
    return np.round(1000 * metres).clip(0, 65535).astype(np.uint16)


def thermal(width: int, height: int, seed: int) -> np.ndarray:
    """uint8 [height, width]: warm bodies before a cooler ground, blurred and with the grain of such sensors."""
    r = _random(seed)
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    heat = r.uniform(20, 90) + r.uniform(-30, 60) * y + 12 * np.sin(r.uniform(5, 30) * x + r.uniform(0, 6))
    for _ in range(int(r.integers(3, 9))):
        (cx, cy), (wide, high), warm = r.uniform(0, 1, 2), r.uniform(0.02, 0.2, 2), r.uniform(40, 160)
        heat += warm * np.exp(-((((x - cx) / wide) ** 2 + ((y - cy) / high) ** 2) ** 2))
    return (heat + r.normal(0, 2, heat.shape)).clip(0, 255).astype(np.uint8)


def motion(seconds: float, rate: float, seed: int) -> np.ndarray:
    """float64 [steps, 6] at times k / rate: steps and turns of a carried device, m/s² with gravity, then radians a
    second."""
    return motion_at(np.arange(round(seconds * rate)) / rate, seed)


def motion_at(times: np.ndarray, seed: int) -> np.ndarray:
    """float64 [steps, 6] at these seconds."""
    r = _random(seed)
    down = r.normal(size=3)
    out = np.concatenate([9.81 * down / np.linalg.norm(down), np.zeros(3)]) + np.zeros((len(times), 6))
    for frequency in r.uniform(0.3, 12, 7):
        strength = r.normal(0, [1.5] * 3 + [0.6] * 3) / np.sqrt(frequency)
        out += strength * np.sin(2 * np.pi * frequency * times[:, None] + r.uniform(0, 6, 6))
    return out + r.normal(0, 0.02, out.shape)


SENSORS = ("accel_x", "accel_y", "accel_z", "gyro_x", "gyro_y", "gyro_z")


def csv(
    readings: np.ndarray,
    times: np.ndarray | None = None,
    names: tuple[str, ...] | None = SENSORS,
    clock: str = "time",
    separator: str = ",",
    comment: str = "",
    digits: int = 9,
) -> bytes:
    """Readings as text, with a header unless `names` is none, and a time column first where there are times."""
    head = [] if names is None else [separator.join([*([] if times is None else [clock]), *names])]
    columns = readings if times is None else np.column_stack([times, readings])
    rows = [separator.join(f"{value:.{digits}g}" for value in row) for row in columns.tolist()]
    return ("\n".join([*([comment] if comment else []), *head, *rows]) + "\n").encode()


def npy(readings: np.ndarray) -> bytes:
    """A NumPy file."""
    out = io.BytesIO()
    np.save(out, readings, allow_pickle=False)
    return out.getvalue()
