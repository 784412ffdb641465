"""ImageBind's reference preprocessing, restated in NumPy, Pillow and torch: files to what the trunks are fed.

Written from the facts of the published loader alone; the service has its own in Rust, and parity compares the two.
"""

import io
from fractions import Fraction
from functools import cache
from math import ceil, floor

import av
import numpy as np
import torch
from torch.nn.functional import interpolate
from torchvision.transforms import functional as tv

from ... import media
from .modules import SIDE

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
RATE, CLIP_SECONDS, AUDIO_CLIPS, MOST_CLIPS, LONG_SECONDS = 16_000, 2, 3, 64, 6
BINS, FRAMES, AUDIO_MEAN, AUDIO_STD = 128, 204, -4.268, 9.138
FILM_CLIPS, CLIP_FRAMES, SEGMENT_SECONDS, MOST_SEGMENTS = 5, 2, 10, 4
# torch's machine epsilon for float32, where torchaudio floors energies.
FLOOR = 1.1920928955078125e-07


def picture(data: bytes) -> torch.Tensor:
    """float32 [1, 3, 224, 224]: shorter side to 224 in Pillow's bicubic, centre, CLIP's statistics."""
    image = tv.center_crop(tv.resize(media.picture(data), SIDE, tv.InterpolationMode.BICUBIC), [SIDE, SIDE])
    return tv.normalize(tv.to_tensor(image), MEAN, STD)[None]


@cache
def _mel_filters() -> np.ndarray:
    """[256, 128]: triangles in 1127·ln(1 + f/700) from 20 Hz to half the rate, without the last bin of the
    transform."""
    mel = lambda f: 1127 * np.log(1 + f / 700)  # noqa: E731
    edges = np.linspace(mel(20.0), mel(RATE / 2), BINS + 2)
    at = mel(np.arange(256) * RATE / 512)[:, None]
    rising = (at - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - at) / (edges[2:] - edges[1:-1])
    return np.minimum(rising, falling).clip(0)


def fbank(wave: np.ndarray) -> np.ndarray:
    """float32 [frames, 128] of samples at 16 kHz: Kaldi's filter bank in torchaudio's defaults, window "hanning"."""
    frames = np.lib.stride_tricks.sliding_window_view(wave.astype(np.float64), 400)[::160]
    frames = frames - frames.mean(1, keepdims=True)
    frames = frames - 0.97 * np.concatenate([frames[:, :1], frames[:, :-1]], 1)
    power = np.abs(np.fft.rfft(frames * np.hanning(400), 512)[:, :256]) ** 2
    return np.log(np.maximum(power @ _mel_filters(), FLOOR)).astype(np.float32)


def clip_starts(samples: int) -> list[int]:
    """Where the clips of a recording begin: spread evenly, at least three; a longer recording has one for every 2 s."""
    seconds = samples / RATE
    count = AUDIO_CLIPS if seconds <= LONG_SECONDS else min(ceil(samples / (CLIP_SECONDS * RATE)), MOST_CLIPS)
    last = Fraction(max(seconds - CLIP_SECONDS, 0))
    return [int(last * i / (count - 1) * RATE) for i in range(count)]


def recording(data: bytes) -> torch.Tensor:
    """float32 [clips, 1, 128, 204]: the first channel at 16 kHz in clips of 2 s, zeros behind, then normalised."""
    wave, rate = media.recording(data)
    wave = media.resample_sinc(wave[:, 0], rate, RATE)
    clips = []
    for start in clip_starts(len(wave)):
        clip = wave[start : start + CLIP_SECONDS * RATE]
        features = fbank(clip - clip.mean(dtype=np.float64))[:FRAMES]
        padded = np.pad(features, ((0, FRAMES - len(features)), (0, 0)))
        clips.append((padded.T[None] - AUDIO_MEAN) / AUDIO_STD)
    return torch.from_numpy(np.stack(clips).astype(np.float32))


def stretches(duration: float) -> list[tuple[float, float]]:
    """Stretches of 10 s of a film, the last one ending with it; of more than four, four spread evenly."""
    whole = media.segments(duration, SEGMENT_SECONDS)
    if len(whole) <= MOST_SEGMENTS:
        return whole
    starts = [i * (duration - SEGMENT_SECONDS) / (MOST_SEGMENTS - 1) for i in range(MOST_SEGMENTS)]
    return [(s, s + SEGMENT_SECONDS) for s in starts]


def clip_frames(start: float, stop: float, rate: Fraction, count: int) -> list[list[int]]:
    """The frames of each of a stretch's five clips: the first and the last of [ceil(rate·start), ceil(rate·end))."""
    last, found = max(stop - start - CLIP_SECONDS, 0), []
    for i in range(FILM_CLIPS):
        begin = start + i * last / (FILM_CLIPS - 1)
        first, end = ceil(rate * Fraction(begin)), min(ceil(rate * Fraction(min(begin + CLIP_SECONDS, stop))), count)
        first = min(first, count - 1)
        found.append([first + int(k) for k in np.linspace(0, max(end - first - 1, 0), CLIP_FRAMES)])
    return found


def crops(frames: torch.Tensor) -> list[torch.Tensor]:
    """float32 [frames, 3, h, w] → three of [3, frames, 224, 224]: along the longer side, its beginning, centre and
    end."""
    height, width = frames.shape[-2:]
    size = (floor(height / width * SIDE), SIDE) if width < height else (SIDE, floor(width / height * SIDE))
    frames = tv.normalize(interpolate(frames, size=size, mode="bilinear", align_corners=False), MEAN, STD)
    cut = []
    for share in range(3):
        y, x = (ceil((edge - SIDE) / 2) for edge in size)
        if size[0] > size[1]:
            y = (0, y, size[0] - SIDE)[share]
        else:
            x = (0, x, size[1] - SIDE)[share]
        cut.append(frames[:, :, y : y + SIDE, x : x + SIDE].transpose(0, 1))
    return cut


def film(data: bytes) -> torch.Tensor:
    """float32 [stretches · 5 clips · 3 crops, 3, 2, 224, 224]."""
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.video[0]
        rate = Fraction(stream.average_rate or 0)
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    views = []
    for start, stop in stretches(float(len(pictures) / rate)):
        for chosen in clip_frames(start, stop, rate, len(pictures)):
            frames = torch.from_numpy(np.stack([pictures[i] for i in chosen])).permute(0, 3, 1, 2).float() / 255
            views += crops(frames)
    return torch.stack(views)
