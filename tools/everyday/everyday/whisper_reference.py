"""Whisper in a few lines of NumPy and ONNX Runtime: what the service's own front end and decoding are held to.

Radford et al., *Robust Speech Recognition via Large-Scale Weak Supervision* (2022), sections 2.2, 2.3 and 4.5, as the
published code does it: greedy, temperature 0.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RATE, N_FFT, HOP, BANDS = 16_000, 400, 160, 80
WINDOW_FRAMES = 3000
# Tokens of one window.
STEPS = 224


def mel_filters(bands: int = BANDS, bins: int = N_FFT // 2 + 1) -> Floats:
    """Slaney's filters of area 1 from 0 to 8 kHz."""

    def hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))

    top = 15 + 27 * np.log(8) / np.log(6.4)
    edges = hertz(np.linspace(0, top, bands + 2))
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    at = np.arange(bins)[None] * RATE / N_FFT
    triangles = np.maximum(0, np.minimum((at - low) / (centre - low), (high - at) / (high - centre)))
    return (triangles * 2 / (high - low)).astype(np.float32)


def log_mel(sound: Floats, bands: int = BANDS) -> Floats:
    """[bands, frames]: one frame for every whole hop of 10 ms, and one more for what is left.

    The sound is followed by one hop of silence; the loudest of all its frames is the measure of the quietest.
    """
    padded = np.pad(np.pad(sound, (0, HOP)), N_FFT // 2, mode="reflect")
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP][:-1]
    power = np.abs(np.fft.rfft(frames * window, axis=1)).astype(np.float32) ** 2
    logs = np.log10(np.maximum(mel_filters(bands) @ power.T, 1e-10))
    return ((np.maximum(logs, logs.max() - 8) + 4) / 4).astype(np.float32)


@dataclass(frozen=True)
class Tokens:
    """The ids that mean something."""

    end: int
    start: int
    transcribe: int
    no_speech: int
    no_timestamps: int
    languages: list[int]
    suppress: list[int]
    suppress_begin: list[int]

    @property
    def time(self) -> int:
        """The first time, 0.00 s; the next is 20 ms later."""
        return self.no_timestamps + 1


@dataclass
class Window:
    """What became of one window."""

    language: int
    probability: float
    no_speech: float
    tokens: list[int] = field(default_factory=list)
    log_probability: float = 0.0


def softmax(logits: Floats) -> Floats:
    """Probabilities."""
    raised = np.exp(logits - logits.max())
    return raised / raised.sum()


class Whisper:
    """The two graphs."""

    def __init__(self, folder: Path, threads: int = 2) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.encoder, self.decoder = (
            onnxruntime.InferenceSession(folder / name, options, providers=["CPUExecutionProvider"])
            for name in ("encoder.onnx", "decoder.onnx")
        )
        self.crossed = [output.name for output in self.encoder.get_outputs()]

    def encode(self, mel: Floats) -> None:
        """Takes in a sound, [bands, frames], and forgets all tokens."""
        values = self.encoder.run(None, {"mel": mel[None]})
        self.fed = dict(zip(self.crossed, values, strict=True))
        for name, value in list(self.fed.items()):
            self.fed[f"past_{name}"] = np.zeros((1, value.shape[1], 0, value.shape[3]), np.float32)

    def step(self, tokens: list[int]) -> Floats:
        """Takes in tokens; the logits after the last."""
        logits, *present = self.decoder.run(None, {"tokens": np.array([tokens]), **self.fed})
        names = [output.name for output in self.decoder.get_outputs()][1:]
        self.fed |= {name.replace("present", "past"): value for name, value in zip(names, present, strict=True)}
        return logits[0]


def allowed(ids: Tokens, said: list[int], logits: Floats) -> Floats:
    """The logits without what may not come next."""
    logits = logits.copy()
    logits[ids.suppress] = -np.inf
    logits[ids.no_timestamps] = -np.inf
    if not said:
        logits[ids.suppress_begin] = -np.inf
        logits[: ids.time] = -np.inf
        logits[ids.time + 51 :] = -np.inf
        return logits
    times = [token for token in said if token >= ids.time]
    if times:
        logits[ids.time : times[-1]] = -np.inf
    pair = len(said) < 2 or said[-2] >= ids.time
    if said[-1] >= ids.time:
        if pair:
            logits[ids.time :] = -np.inf
            return logits
        logits[: ids.end] = -np.inf
    log = logits - logits.max()
    log -= np.log(np.exp(log).sum())
    if np.log(np.exp(log[ids.time :]).sum()) > log[: ids.time].max():
        logits[: ids.time] = -np.inf
    return logits


def window(whisper: Whisper, ids: Tokens, mel: Floats, language: int | None = None) -> Window:
    """One window."""
    whisper.encode(mel)
    first = whisper.step([ids.start])
    heard = softmax(first[ids.languages])
    best = int(heard.argmax())
    spoken = ids.languages[best] if language is None else language
    result = Window(spoken, float(heard[best]), float(softmax(first)[ids.no_speech]))
    logits = whisper.step([spoken, ids.transcribe])
    for _ in range(STEPS):
        logits = allowed(ids, result.tokens, logits)
        token = int(logits.argmax())
        result.log_probability += float(np.log(softmax(logits)[token]))
        if token == ids.end:
            break
        result.tokens.append(token)
        logits = whisper.step([token])
    result.log_probability /= len(result.tokens) + 1
    return result


def split(ids: Tokens, said: list[int], frames: int) -> list[tuple[int, int, list[int]]]:
    """Segments of a window with so many frames of sound: from which frame to which, and the tokens."""
    is_time = [token >= ids.time for token in said]
    pairs = [at for at in range(1, len(said)) if is_time[at] and is_time[at - 1]]
    if not pairs:
        times = [2 * (token - ids.time) for token in said if token >= ids.time]
        return [(0, times[-1] if times and times[-1] else frames, said)]
    if is_time[-1] and not is_time[-2]:
        pairs.append(len(said))
    parts = [said[start:end] for start, end in zip([0, *pairs], pairs, strict=False)]
    return [(2 * (part[0] - ids.time), 2 * (part[-1] - ids.time), part) for part in parts]


def compression(text: str) -> float:
    """How much shorter the text can be written."""
    return len(text.encode()) / len(zlib.compress(text.encode()))
