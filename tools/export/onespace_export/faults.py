"""Faults that parity must see: planted into the reference, each has to bring a file below the mark.

A mark that bilinear passes for bicubic says little. Whatever the service would do wrong in one of these ways, its
vectors would be as far from the reference's as the reference's are from themselves here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import numpy as np
import torch
import torchaudio
from PIL import Image, ImageChops
from transformers.models.clap import feature_extraction_clap
from transformers.models.gemma4.feature_extraction_gemma4 import Gemma4AudioFeatureExtractor

from . import media, points
from .families.imagebind import sensors

# What takes the place of a function, given that function.
Wrong = Callable[[Callable], Callable]
FILTERS = {Image.Resampling.BICUBIC: Image.Resampling.BILINEAR, Image.Resampling.BILINEAR: Image.Resampling.BICUBIC}


@dataclass(frozen=True)
class Fault:
    """What is wrong, with which modality, and in what functions: of whom, their names, what they become. `families`: of
    these alone."""

    name: str
    modality: str
    owner: Any
    functions: str
    wrong: Wrong
    families: tuple[str, ...] = ()


@contextmanager
def planted(fault: Fault) -> Iterator[None]:
    """The fault is there until this ends."""
    wrong: dict[str, Any] = {name: fault.wrong(getattr(fault.owner, name)) for name in fault.functions.split()}
    with mock.patch.multiple(fault.owner, **wrong):
        yield


def of(family: str, modality: str) -> list[Fault]:
    """Those that a family's tower can have."""
    family = family.split("-")[0]
    return [f for f in FAULTS if f.modality == modality and (not f.families or family in f.families)]


def _then(change: Callable) -> Wrong:
    """The same, and then a change."""
    return lambda right: lambda *given, **named: change(right(*given, **named))


def _other_filter(right: Callable) -> Callable:
    def resize(image: Image.Image, size: Any, resample: Any = None, *given: Any, **named: Any) -> Image.Image:
        return right(image, size, FILTERS.get(resample, resample), *given, **named)

    return resize


def _late(heard: tuple[np.ndarray, int]) -> tuple[np.ndarray, int]:
    wave, rate = heard
    return np.concatenate([np.zeros_like(wave[:1]), wave[:-1]]), rate


def _first(heard: tuple[np.ndarray, int]) -> tuple[np.ndarray, int]:
    return heard[0][:, :1], heard[1]


def _mean(heard: tuple[np.ndarray, int]) -> tuple[np.ndarray, int]:
    return heard[0].mean(1, keepdims=True), heard[1]


def _hamming(_: Callable) -> Callable:
    return lambda size, *_given, **_named: np.hamming(size + 1)[:-1]


def _hamming_of_kaldi(_: Callable) -> Callable:
    return lambda _type, size, *_given: torch.hamming_window(size, periodic=False)


def _hamming_of_gemma(right: Callable) -> Callable:
    def spectrogram(extractor: Any, *given: Any, **named: Any) -> Any:
        own, extractor.window = extractor.window, np.hamming(extractor.frame_length + 1)[:-1].astype(np.float32)
        try:
            return right(extractor, *given, **named)
        finally:
            extractor.window = own

    return spectrogram


def _next_frame(film: media.Film) -> media.Film:
    return replace(film, frames=[*film.frames[1:], film.frames[-1]])


def _moved(film: media.Film) -> media.Film:
    return replace(film, frames=[np.roll(frame, 1, 1) for frame in film.frames])


def _second_first(right: Callable) -> Callable:
    def farthest(places: np.ndarray, count: int) -> np.ndarray:
        order = np.r_[1, 0, 2 : len(places)]
        return order[right(places[order], count)]

    return farthest


FILTER = (Image.Image, "resize", _other_filter)
PIXEL = "one pixel to the right"
WINDOW = "Hamming's window for Hann's"
FAULTS = (
    Fault("the last letter lost", "text", media, "words", _then(lambda text: text[:-1])),
    Fault("bilinear for bicubic, or bicubic for bilinear", "image", *FILTER),
    Fault(PIXEL, "image", media, "picture stored", _then(lambda image: ImageChops.offset(image, 1, 0))),
    Fault("one sample late", "audio", media, "recording", _then(_late)),
    Fault("the first channel for the mean", "audio", media, "recording", _then(_first), ("clap", "embeddinggemma2")),
    Fault("the mean of channels for the first", "audio", media, "recording", _then(_mean), ("imagebind",)),
    Fault(WINDOW, "audio", feature_extraction_clap, "window_function", _hamming, ("clap",)),
    Fault(WINDOW, "audio", torchaudio.compliance.kaldi, "_feature_window_function", _hamming_of_kaldi, ("imagebind",)),
    Fault(
        WINDOW, "audio", Gemma4AudioFeatureExtractor, "_extract_spectrogram", _hamming_of_gemma, ("embeddinggemma2",)
    ),
    Fault("one frame late", "video", media, "shown", _then(_next_frame)),
    Fault(PIXEL, "video", media, "shown", _then(_moved)),
    Fault("every point the next one", "point_cloud", media, "points", _then(lambda found: np.roll(found, -1, 0))),
    Fault("centres from the second point on", "point_cloud", points, "farthest", _second_first),
    Fault(PIXEL, "depth", sensors, "metres", _then(lambda plane: np.roll(plane, 1, 1))),
    Fault(PIXEL, "thermal", sensors, "grey", _then(lambda plane: np.roll(plane, 1, 1))),
    Fault("x for y, y for x", "imu", sensors, "readings", _then(lambda rows: rows[:, [1, 0, 2, 4, 3, 5]])),
)
