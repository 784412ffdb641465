"""Signature sounds: sound samples, each kind like itself, no two individuals alike."""

import numpy as np
import pytest

from world.catalogue import SOUNDING
from world.sounds import RATE, SOUNDS, signature

INDIVIDUALS, TAUGHT = 14, 9


def described(wave: np.ndarray) -> np.ndarray:
    """What it sounds like, wherever in time: the mean, spread and steps of log bands, and the rhythm of the loudness."""
    wave = wave + np.random.default_rng(1).normal(0, 0.003, len(wave))
    frames = np.lib.stride_tricks.sliding_window_view(wave, 400)[::160] * np.hanning(400)
    power, f = np.abs(np.fft.rfft(frames, 512)) ** 2, np.fft.rfftfreq(512, 1 / RATE)
    edges = np.geomspace(60, 7800, 41)
    bands = np.log(np.stack([power[:, (f >= a - 20) & (f <= b + 20)].mean(1) for a, b in zip(edges, edges[1:])], 1) + 1e-4)
    loudness = bands.mean(1)
    rhythm = np.log(np.abs(np.fft.rfft(loudness - loudness.mean(), 128))[:40] + 0.1)
    return np.concatenate([bands.mean(0), bands.std(0), np.abs(np.diff(bands, axis=0)).mean(0), rhythm])


@pytest.fixture(scope="module")
def heard() -> np.ndarray:
    """[kinds, INDIVIDUALS, features] of one second each."""
    rows = [[described(signature(k, 1.0, np.random.default_rng((i, j)))) for j in range(INDIVIDUALS)] for i, k in enumerate(SOUNDING)]
    return np.array(rows)


def test_every_sounding_kind_has_a_sound():
    assert set(SOUNDS) == set(SOUNDING) and len(SOUNDING) == 28


@pytest.mark.parametrize("kind", SOUNDING)
def test_a_signature_is_a_sound(kind):
    for seed, seconds in enumerate((1.0, 1.37, 2.9)):
        wave = signature(kind, seconds, np.random.default_rng(seed))
        assert wave.dtype == np.float32 and wave.shape == (int(seconds * RATE),)
        assert np.isfinite(wave).all() and np.abs(wave).max() == pytest.approx(1, abs=1e-5)
        assert (wave == signature(kind, seconds, np.random.default_rng(seed))).all()
        assert abs(wave.mean()) < 0.3 and (np.abs(wave[: int(0.75 * RATE)]) > 0.05).any()


def test_kinds_sound_different(heard):
    """The nearest mean of the taught individuals names the others."""
    flat = heard[:, :TAUGHT].reshape(-1, heard.shape[-1])
    heard = (heard - flat.mean(0)) / (flat.std(0) + 1e-6)
    centres = heard[:, :TAUGHT].mean(1)
    named = ((heard[:, TAUGHT:, None] - centres) ** 2).sum(-1).argmin(-1)
    right = (named == np.arange(len(SOUNDING))[:, None]).mean(1)
    assert right.mean() > 0.92
    assert min(right) >= 0.4, dict(zip(SOUNDING, right))


def test_individuals_vary(heard):
    """No two of a kind are alike, not even nearly: pitch or timbre or tempo moves by more than the measuring noise."""
    spread = heard.std(1).mean(-1)
    assert min(spread) > 0.08, dict(zip(SOUNDING, spread))
