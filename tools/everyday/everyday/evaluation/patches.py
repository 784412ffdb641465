"""Gravis Ultrasound patches (.pat): one note of an instrument, its loop played until the note is long enough.

Headers of 129, 63 and 47 bytes for patch, instrument and layer; then for each sample 96 bytes and its values.
"""

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

FIRST, SAMPLES_AT, HEADER = 129 + 63 + 47, 129 + 63 + 6, 96
SIXTEEN_BITS, UNSIGNED, LOOPED = 1, 2, 4
SECONDS, FADE = 2.0, 0.25

Samples = npt.NDArray[np.float32]


def note(data: bytes) -> tuple[Samples, int]:
    """The patch's middle sample and its rate."""
    if data[:11] != b"GF1PATCH110":
        raise ValueError("this is no GF1 patch")
    at = FIRST
    found = []
    for _ in range(data[SAMPLES_AT]):
        size, start, end, rate = struct.unpack_from("<IIIH", data, at + 8)
        modes, body = data[at + 55], data[at + HEADER : at + HEADER + size]
        found.append((body, modes, start, end, rate))
        at += HEADER + size
    body, modes, start, end, rate = found[len(found) // 2]
    return _played(_samples(body, modes), modes, start, end, rate), rate


def _samples(body: bytes, modes: int) -> Samples:
    if modes & SIXTEEN_BITS:
        whole = np.frombuffer(body[: len(body) // 2 * 2], "<u2" if modes & UNSIGNED else "<i2").astype(np.float32)
        return (whole - np.float32(32768 if modes & UNSIGNED else 0)) / np.float32(32768)
    narrow = np.frombuffer(body, np.uint8 if modes & UNSIGNED else np.int8).astype(np.float32)
    return (narrow - np.float32(128 if modes & UNSIGNED else 0)) / np.float32(128)


def _played(samples: Samples, modes: int, start: int, end: int, rate: int) -> Samples:
    """Without a loop as it is; else the loop again and again, and a fade at the end. Bounds are in bytes."""
    wide = 2 if modes & SIXTEEN_BITS else 1
    loop = samples[start // wide : end // wide]
    wanted = int(SECONDS * rate)
    if not modes & LOOPED or len(loop) == 0 or len(samples) >= wanted:
        return samples
    missing = wanted - end // wide
    out = np.concatenate([samples[: end // wide], np.tile(loop, -(-missing // len(loop)))])[:wanted]
    fade = int(FADE * rate)
    out[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return out


def as_wav(source: Path, out: Path) -> Path:
    """The note as a WAV file, made once."""
    if not out.exists():
        samples, rate = note(source.read_bytes())
        out.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(out, samples, rate, subtype="PCM_16")
    return out
