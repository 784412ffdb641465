"""Signature sounds, synthesised: what some kinds sound like. float32 at 16 kHz, peak 1."""

import numpy as np

RATE = 16000


def _time(seconds):
    return np.arange(int(seconds * RATE)) / RATE


def _band(noise, low, high):
    """White noise cut to a band of frequencies (Hz)."""
    spectrum = np.fft.rfft(noise)
    f = np.fft.rfftfreq(len(noise), 1 / RATE)
    spectrum[(f < low) | (f > high)] = 0
    return np.fft.irfft(spectrum, len(noise))


def _place(out, piece, at):
    """Adds `piece` at `at` seconds, cut at the end."""
    start = int(at * RATE)
    piece = piece[: max(0, len(out) - start)]
    out[start : start + len(piece)] += piece


def _harmonics(t, f, weights):
    return sum(w * np.sin(2 * np.pi * f * (i + 1) * t) for i, w in enumerate(weights))


def _pluck(f, seconds, r, damping=0.996):
    """Karplus-Strong by blocks of one period."""
    period = int(RATE / f)
    block, blocks = r.uniform(-1, 1, period), []
    for _ in range(int(seconds * f) + 1):
        blocks.append(block)
        block = damping * 0.5 * (block + np.roll(block, 1))
    return np.concatenate(blocks)[: int(seconds * RATE)]


def bell(n, r):
    out, t = np.zeros(n), _time(2)
    f = r.uniform(420, 1100)
    partials = ((0.5, 0.4, 1.5), (1, 1, 2), (1.19, 0.6, 2.5), (1.56, 0.5, 3), (2, 0.6, 4), (2.66, 0.4, 5), (4.1, 0.3, 7))
    ring = sum(w * np.sin(2 * np.pi * f * p * r.uniform(0.995, 1.005) * t) * np.exp(-t * d) for p, w, d in partials)
    gap = r.uniform(0.55, 1.1)
    for at in np.arange(r.uniform(0, 0.15), n / RATE, gap):
        _place(out, ring, at)
    return out


def drum(n, r):
    out, t = np.zeros(n), _time(0.4)
    f = r.uniform(70, 150)
    hit = np.sin(2 * np.pi * (f * t - 12 * np.exp(-t * 9) / 9)) * np.exp(-t * r.uniform(9, 15)) + 0.5 * r.normal(size=len(t)) * np.exp(-t * 45)
    for at in np.arange(r.uniform(0, 0.15), n / RATE, r.uniform(0.16, 0.42)):
        _place(out, hit * r.uniform(0.5, 1), at)
    return out


def clock(n, r):
    out, t = np.zeros(n), _time(0.05)
    f, gap = r.uniform(2200, 3600), r.uniform(0.2, 0.5)
    for i, at in enumerate(np.arange(r.uniform(0, 0.2), n / RATE, gap)):
        tick = np.sin(2 * np.pi * f * (0.75 if i % 2 else 1) * t) + 0.5 * r.normal(size=len(t))
        _place(out, tick * np.exp(-t * 160), at)
    return out


def hammer(n, r):
    out, t = np.zeros(n), _time(0.25)
    f = r.uniform(500, 900)
    for at in np.arange(r.uniform(0, 0.25), n / RATE, r.uniform(0.4, 0.75)):
        knock = r.normal(size=len(t)) * np.exp(-t * 70) + sum(np.sin(2 * np.pi * f * p * t) * np.exp(-t * 40) for p in (1, 2.3, 3.7))
        _place(out, knock * r.uniform(0.7, 1), at)
    return out


def guitar(n, r):
    out = np.zeros(n)
    scale = r.uniform(100, 200) * 2 ** (np.array([0, 4, 7, 12, 16, 19]) / 12)
    for at in np.arange(r.uniform(0, 0.1), n / RATE, r.uniform(0.18, 0.4)):
        _place(out, _pluck(r.choice(scale), 1.2, r) * r.uniform(0.6, 1), at)
    return out


def piano(n, r):
    out, t = np.zeros(n), _time(1.2)
    scale = r.uniform(220, 440) * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
    for at in np.arange(r.uniform(0, 0.1), n / RATE, r.uniform(0.2, 0.45)):
        f = r.choice(scale)
        note = sum(np.sin(2 * np.pi * f * k * np.sqrt(1 + 0.0006 * k * k) * t) * np.exp(-t * (2.2 + 1.1 * k)) / k**1.3 for k in range(1, 8))
        _place(out, note * (1 - np.exp(-t * 500)) * r.uniform(0.6, 1), at)
    return out


def trumpet(n, r):
    out = np.zeros(n)
    base, at = r.uniform(260, 420), r.uniform(0, 0.15)
    while at < n / RATE:
        t = _time(r.uniform(0.25, 0.6))
        f = base * 2 ** (r.choice([0, 4, 5, 7, 12]) / 12)
        sway = f * t + 0.6 * np.sin(2 * np.pi * 5.5 * t)
        tone = sum(np.sin(2 * np.pi * k * sway) * w for k, w in enumerate((0.6, 0.9, 1, 0.9, 0.7, 0.5, 0.35, 0.25), 1))
        _place(out, tone * np.minimum(1, t * 25) * np.minimum(1, (t[-1] - t) * 25), at)
        at += t[-1] + 0.03
    return out


def car(n, r):
    t = np.arange(n) / RATE
    f = r.uniform(28, 45) * (1 + r.uniform(0.1, 0.8) * t / 2)
    phase = np.cumsum(f) / RATE
    engine = sum(np.sin(2 * np.pi * k * phase + k) / k**0.8 for k in range(1, 14))
    out = 0.25 * engine + 0.1 * _band(r.normal(size=n), 60, 600)
    horn = _time(r.uniform(0.25, 0.5))
    tone = r.uniform(380, 440)
    beep = _harmonics(horn, tone, (1, 0.8, 0.6, 0.5)) + _harmonics(horn, tone * 1.26, (1, 0.8, 0.6, 0.5))
    start = r.uniform(0.05, 0.6)
    _place(out, beep, start)
    _place(out, beep, start + len(horn) / RATE + 0.12)
    return out


def train(n, r):
    out = np.zeros(n)
    gap = r.uniform(0.13, 0.24)
    t = _time(gap * 0.9)
    for i, at in enumerate(np.arange(0, n / RATE, gap)):
        _place(out, _band(r.normal(size=len(t)), 150, 2500) * np.exp(-t * 14) * (1.6 if i % 4 == 0 else 1), at)
    whistle = _time(r.uniform(0.6, 1.0))
    base = r.uniform(480, 640)
    swell = np.minimum(1, whistle * 12) * np.minimum(1, (whistle[-1] - whistle) * 12)
    chord = swell * sum(_harmonics(whistle, base * p, (1, 0.4, 0.2)) for p in (1, 1.19, 1.5))
    _place(out, 0.6 * chord, r.uniform(0, 0.7))
    return out


def airplane(n, r):
    t = np.arange(n) / RATE
    roar = _band(r.normal(size=n), 80, 1800) * 6
    whine = np.sin(2 * np.pi * np.cumsum(r.uniform(1900, 2900) * (1.15 - 0.2 * t / 2)) / RATE)
    centre = r.uniform(0.5, 1.5)
    return (roar + 0.9 * whine) * (0.35 + np.exp(-((t - centre) ** 2) * 2.5))


def helicopter(n, r):
    t = np.arange(n) / RATE
    rate = r.uniform(10, 17)
    chop = np.exp(-8 * ((t * rate + r.random()) % 1))
    return chop * (_band(r.normal(size=n), 40, 900) * 3 + np.sin(2 * np.pi * 75 * t)) + 0.06 * np.sin(2 * np.pi * r.uniform(700, 1000) * t)


def rocket(n, r):
    t = np.arange(n) / RATE
    rumble = _band(r.normal(size=n), 15, 220) * 4
    crackle = (r.random(n) < 0.004) * r.normal(size=n) * 5
    return (rumble + np.convolve(crackle, np.exp(-np.arange(200) / 40), "same")) * np.minimum(1, 0.25 + t * r.uniform(0.5, 2))


def robot(n, r):
    out, at = np.zeros(n), r.uniform(0, 0.1)
    while at < n / RATE:
        t = _time(r.uniform(0.06, 0.16))
        _place(out, np.sign(np.sin(2 * np.pi * r.choice([520, 660, 880, 1040, 1320, 1760]) * r.uniform(0.97, 1.03) * t)), at)
        at += t[-1] + r.uniform(0.01, 0.07)
    return out


def bird(n, r):
    out, at = np.zeros(n), r.uniform(0, 0.2)
    base = r.uniform(2600, 4200)
    while at < n / RATE:
        t = _time(r.uniform(0.06, 0.16))
        sweep = base * (1 + r.uniform(-0.25, 0.3) * t / t[-1] + 0.08 * np.sin(2 * np.pi * r.uniform(20, 45) * t))
        _place(out, np.sin(2 * np.pi * np.cumsum(sweep) / RATE) * np.sin(np.pi * t / t[-1]), at)
        at += t[-1] + r.choice([0.03, 0.08, 0.25])
    return out


def dog(n, r):
    out, at = np.zeros(n), r.uniform(0, 0.25)
    base = r.uniform(260, 520)
    while at < n / RATE:
        t = _time(r.uniform(0.13, 0.24))
        x = t / t[-1]
        f = base * (0.8 + 0.7 * np.sin(np.pi * x) - 0.25 * x)
        phase = np.cumsum(f) / RATE
        bark = sum(np.sin(2 * np.pi * k * phase) / (1 + abs(k - 3) * 0.6) for k in range(1, 10)) + 1.5 * r.normal(size=len(t)) * np.exp(-x * 3)
        _place(out, bark * np.sin(np.pi * x**0.6) ** 1.2, at)
        at += t[-1] + r.choice([0.1, 0.25, 0.45])
    return out


def bee(n, r):
    t = np.arange(n) / RATE
    f = r.uniform(170, 250) * (1 + 0.07 * np.sin(2 * np.pi * r.uniform(0.6, 2) * t + r.uniform(0, 6)) + 0.015 * np.sin(2 * np.pi * 9 * t))
    phase = np.cumsum(f) / RATE
    return sum(np.sin(2 * np.pi * k * phase) / k**0.7 for k in range(1, 18)) * (0.6 + 0.4 * np.sin(2 * np.pi * r.uniform(0.7, 2.5) * t))


def signature(kind: str, seconds: float, r: np.random.Generator) -> np.ndarray:
    """The sound of `kind`, which must be one of `catalogue.SOUNDING`."""
    wave = globals()[kind](int(seconds * RATE), r)
    return (wave / max(1e-6, np.abs(wave).max())).astype(np.float32)
