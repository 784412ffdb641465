"""ImageBind's reference preprocessing, restated with torchaudio, torchvision and Pillow: files to what the trunks are
fed.

Written from the facts of the published loader alone; the service has its own in Rust, and parity compares the two.
"""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import torch
import torchaudio
from PIL import Image
from torch.nn.functional import interpolate
from torchvision.transforms import functional as tv

from ... import media
from .modules import SIDE

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
RATE, CLIP_SECONDS, AUDIO_CLIPS, MOST_CLIPS, LONG_SECONDS = 16_000, 2, 3, 64, 6
BINS, FRAMES, AUDIO_MEAN, AUDIO_STD = 128, 204, -4.268, 9.138
FILM_CLIPS, CLIP_FRAMES, SEGMENT_SECONDS, MOST_SEGMENTS = 5, 2, 10, 4


def picture(image: Image.Image) -> torch.Tensor:
    """float32 [1, 3, 224, 224] of RGB: shorter side to 224 in Pillow's bicubic, centre, CLIP's statistics."""
    image = tv.center_crop(tv.resize(image, SIDE, tv.InterpolationMode.BICUBIC), [SIDE, SIDE])
    return tv.normalize(tv.to_tensor(image), MEAN, STD)[None]


def fbank(wave: np.ndarray) -> np.ndarray:
    """float32 [frames, 128] of samples at 16 kHz: torchaudio's form of Kaldi's filter bank, window "hanning"."""
    bank = torchaudio.compliance.kaldi.fbank(
        torch.from_numpy(wave)[None], sample_frequency=RATE, num_mel_bins=BINS, window_type="hanning",
        htk_compat=True, use_energy=False, frame_shift=10, dither=0.0,
    )  # fmt: skip
    return bank.numpy()


def clip_starts(samples: int) -> list[int]:
    """Where the clips of a recording begin: spread evenly, at least three; a longer recording has one for every 2 s."""
    seconds = samples / RATE
    count = AUDIO_CLIPS if seconds <= LONG_SECONDS else min(ceil(samples / (CLIP_SECONDS * RATE)), MOST_CLIPS)
    last = Fraction(max(seconds - CLIP_SECONDS, 0))
    return [int(last * i / (count - 1) * RATE) for i in range(count)]


def recording(data: bytes) -> torch.Tensor:
    """float32 [clips, 1, 128, 204]: the first channel at 16 kHz in clips of 2 s, zeros behind, then normalised."""
    wave, rate = media.recording(data)
    wave = media.resampled(wave[:, 0], rate, RATE)
    clips = [wave[start : start + CLIP_SECONDS * RATE] for start in clip_starts(len(wave))]
    return _heard([clip - clip.mean() for clip in clips])


def original_recording(data: bytes) -> torch.Tensor:
    """The same as ImageBind does it: three clips however long it is, and the mean is taken out in place, so that a clip
    that overlaps the one before begins with what that left of it."""
    wave, rate = media.recording(data)
    wave = media.resampled(wave.T, rate, RATE)
    seconds = Fraction(wave.shape[1], RATE)
    last, clips = max(seconds - CLIP_SECONDS, Fraction()), []
    for i in range(AUDIO_CLIPS):
        start = int(last * i / (AUDIO_CLIPS - 1) * RATE)
        clip = wave[:, start : start + CLIP_SECONDS * RATE]
        clip -= clip.mean()
        clips.append(clip[0].copy())
    return _heard(clips)


def _heard(clips: list[np.ndarray]) -> torch.Tensor:
    padded = [np.pad(bank, ((0, FRAMES - len(bank)), (0, 0))) for bank in (fbank(clip)[:FRAMES] for clip in clips)]
    return torch.from_numpy(np.stack([(bank.T[None] - AUDIO_MEAN) / AUDIO_STD for bank in padded]).astype(np.float32))


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
    shown = media.shown(data)
    return _seen(shown.frames, shown.rate, stretches(shown.counted))


def original_film(data: bytes) -> torch.Tensor:
    """float32 [5 clips · 3 crops, 3, 2, 224, 224]: five clips however long it is, at the rate that the container
    states."""
    shown = media.shown(data)
    return _seen(shown.frames, shown.stated, [(0.0, float(len(shown.frames) / shown.stated))])


def _seen(pictures: list[np.ndarray], rate: Fraction, parts: list[tuple[float, float]]) -> torch.Tensor:
    views = []
    for start, stop in parts:
        for chosen in clip_frames(start, stop, rate, len(pictures)):
            frames = torch.from_numpy(np.stack([pictures[i] for i in chosen])).permute(0, 3, 1, 2).float() / 255
            views += crops(frames)
    return torch.stack(views)
