"""Signature sounds, synthesised: what some kinds sound like. float32 at 16 kHz, peak 1.

Every function makes `n` samples and tells its kind within the first second. Pitch, tempo, timbre and decay are drawn anew
for each individual.
"""

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


def _shaped(wave, formants):
    """The wave through resonances (frequency, width, gain), all in Hz but the gain."""
    f = np.fft.rfftfreq(len(wave), 1 / RATE)
    gain = sum(g / (1 + ((f - centre) / width) ** 2) for centre, width, g in formants)
    return np.fft.irfft(np.fft.rfft(wave) * gain, len(wave))


def _place(out, piece, at):
    """Adds `piece` at `at` seconds, cut at the end."""
    start = int(at * RATE)
    piece = piece[: max(0, len(out) - start)]
    out[start : start + len(piece)] += piece


def _harmonics(t, f, weights):
    return sum(w * np.sin(2 * np.pi * f * (i + 1) * t) for i, w in enumerate(weights))


def _voice(f, count, tilt):
    """`count` harmonics over the frequency `f` (an array), each weaker by the power `tilt`."""
    phase = 2 * np.pi * np.cumsum(f) / RATE
    return sum(np.sin(k * phase) / k**tilt for k in range(1, count + 1))


def _fade(t, seconds):
    """In and out, for a piece of the times `t`."""
    return np.minimum(1, t / seconds) * np.minimum(1, (t[-1] - t) / seconds)


def _pluck(f, seconds, r, damping=0.996):
    """Karplus-Strong by blocks of one period."""
    period = int(RATE / f)
    block, blocks = r.uniform(-1, 1, period), []
    for _ in range(int(seconds * f) + 1):
        blocks.append(block)
        block = damping * 0.5 * (block + np.roll(block, 1))
    return np.concatenate(blocks)[: int(seconds * RATE)]


def bell(n, r):
    """The partials of a struck bell: hum, prime, tierce, quint, nominal and above."""
    out, t = np.zeros(n), _time(2)
    f, decay = r.uniform(380, 1150), r.uniform(0.8, 1.5)
    partials = ((0.5, 0.4, 1.5), (1, 1, 2), (1.19, 0.6, 2.5), (1.56, 0.5, 3), (2, 0.6, 4), (2.66, 0.4, 5), (4.1, 0.3, 7))
    ring = sum(w * r.uniform(0.6, 1.3) * np.sin(2 * np.pi * f * p * r.uniform(0.995, 1.005) * t) * np.exp(-t * d * decay) for p, w, d in partials)
    for at in np.arange(r.uniform(0, 0.15), n / RATE, r.uniform(0.55, 1.1)):
        _place(out, ring * r.uniform(0.8, 1), at)
    return out


def drum(n, r):
    """A membrane whose pitch drops after the stroke, with the noise of the stick."""
    out, t = np.zeros(n), _time(0.4)
    f = r.uniform(70, 150)
    stick = r.uniform(0.3, 0.8) * r.normal(size=len(t)) * np.exp(-t * r.uniform(35, 60))
    hit = np.sin(2 * np.pi * (f * t - 12 * np.exp(-t * 9) / 9)) * np.exp(-t * r.uniform(9, 15)) + stick
    for at in np.arange(r.uniform(0, 0.15), n / RATE, r.uniform(0.16, 0.42)):
        _place(out, hit * r.uniform(0.5, 1), at)
    return out


def clock(n, r):
    """Tick and tock: very short, high and even."""
    out, t = np.zeros(n), _time(0.05)
    f, gap, low, decay = r.uniform(2200, 3600), r.uniform(0.2, 0.5), r.uniform(0.65, 0.9), r.uniform(120, 200)
    for i, at in enumerate(np.arange(r.uniform(0, 0.2), n / RATE, gap)):
        tick = np.sin(2 * np.pi * f * (low if i % 2 else 1) * t) + 0.5 * r.normal(size=len(t))
        _place(out, tick * np.exp(-t * decay), at)
    return out


def hammer(n, r):
    """Knocks on something stiff."""
    out, t = np.zeros(n), _time(0.25)
    f, ring = r.uniform(500, 900), r.uniform(30, 50)
    for at in np.arange(r.uniform(0, 0.25), n / RATE, r.uniform(0.4, 0.7)):
        knock = r.normal(size=len(t)) * np.exp(-t * 70) + sum(np.sin(2 * np.pi * f * p * t) * np.exp(-t * ring) for p in (1, 2.3, 3.7))
        _place(out, knock * r.uniform(0.7, 1), at)
    return out


def guitar(n, r):
    """Plucked strings of a chord."""
    out = np.zeros(n)
    scale = r.uniform(100, 200) * 2 ** (np.array([0, r.choice([3, 4]), 7, 12, 16, 19]) / 12)
    damping = r.uniform(0.993, 0.998)
    for at in np.arange(r.uniform(0, 0.1), n / RATE, r.uniform(0.16, 0.4)):
        _place(out, _pluck(r.choice(scale), 1.2, r, damping) * r.uniform(0.6, 1), at)
    return out


def piano(n, r):
    """Struck strings: stiff, so that the partials are stretched."""
    out, t = np.zeros(n), _time(1.2)
    scale = r.uniform(220, 440) * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
    bright, decay = r.uniform(1.1, 1.6), r.uniform(1.6, 2.8)
    for at in np.arange(r.uniform(0, 0.1), n / RATE, r.uniform(0.2, 0.45)):
        f = r.choice(scale)
        note = sum(np.sin(2 * np.pi * f * k * np.sqrt(1 + 0.0006 * k * k) * t) * np.exp(-t * (decay + 1.1 * k)) / k**bright for k in range(1, 8))
        _place(out, note * (1 - np.exp(-t * 500)) * r.uniform(0.6, 1), at)
    return out


def trumpet(n, r):
    """Brass: many harmonics, the middle ones strongest."""
    out = np.zeros(n)
    base, at, brass, sway = r.uniform(260, 420), r.uniform(0, 0.15), r.uniform(0.7, 1.3, 8), r.uniform(0.3, 0.8)
    while at < n / RATE:
        t = _time(r.uniform(0.2, 0.6))
        f = base * 2 ** (r.choice([0, 4, 5, 7, 12]) / 12)
        phase = f * t + sway * np.sin(2 * np.pi * 5.5 * t)
        tone = sum(np.sin(2 * np.pi * k * phase) * w * brass[k - 1] for k, w in enumerate((0.6, 0.9, 1, 0.9, 0.7, 0.5, 0.35, 0.25), 1))
        _place(out, tone * _fade(t, 0.04), at)
        at += t[-1] + r.uniform(0.02, 0.06)
    return out


def car(n, r):
    """An engine that turns faster and faster, and its horn."""
    t = np.arange(n) / RATE
    engine = _voice(r.uniform(28, 45) * (1 + r.uniform(0.1, 0.8) * t / 2), 13, 0.8)
    out = r.uniform(0.18, 0.3) * engine + 0.1 * _band(r.normal(size=n), 60, 600)
    horn, tone = _time(r.uniform(0.25, 0.5)), r.uniform(370, 450)
    second = r.choice([1.26, 1.19, 1.335])
    beep = _harmonics(horn, tone, (1, 0.8, 0.6, 0.5)) + _harmonics(horn, tone * second, (1, 0.8, 0.6, 0.5))
    start = r.uniform(0.05, 0.5)
    _place(out, beep, start)
    _place(out, beep, start + len(horn) / RATE + 0.12)
    return out


def train(n, r):
    """Puffs of steam, every fourth one heavier, and a whistle of three pipes."""
    out = np.zeros(n)
    gap, puff = r.uniform(0.13, 0.24), r.uniform(10, 18)
    t = _time(gap * 0.9)
    for i, at in enumerate(np.arange(0, n / RATE, gap)):
        _place(out, _band(r.normal(size=len(t)), 150, 2500) * np.exp(-t * puff) * (1.6 if i % 4 == 0 else 1), at)
    whistle = _time(r.uniform(0.6, 1.0))
    base = r.uniform(480, 640)
    chord = sum(_harmonics(whistle, base * p, (1, 0.4, 0.2)) for p in (1, 1.19, r.choice([1.5, 1.42])))
    _place(out, r.uniform(0.4, 0.8) * chord * _fade(whistle, 0.08), r.uniform(0, 0.5))
    return out


def airplane(n, r):
    """A jet that passes: the roar swells, the whine falls."""
    t = np.arange(n) / RATE
    roar = _band(r.normal(size=n), 80, r.uniform(1400, 2200)) * 6
    whine = np.sin(2 * np.pi * np.cumsum(r.uniform(1900, 2900) * (1.15 - 0.2 * t / 2)) / RATE)
    centre = r.uniform(0.5, 1.5)
    return (roar + r.uniform(0.6, 1.1) * whine) * (0.35 + np.exp(-((t - centre) ** 2) * 2.5))


def helicopter(n, r):
    """Blades that chop the air ten times a second and more."""
    t = np.arange(n) / RATE
    chop = np.exp(-r.uniform(6, 10) * ((t * r.uniform(10, 17) + r.random()) % 1))
    low = np.sin(2 * np.pi * r.uniform(60, 90) * t)
    return chop * (_band(r.normal(size=n), 40, r.uniform(700, 1200)) * 3 + low) + 0.06 * np.sin(2 * np.pi * r.uniform(700, 1000) * t)


def rocket(n, r):
    """A rumble that grows, and crackles."""
    t = np.arange(n) / RATE
    rumble = _band(r.normal(size=n), 15, r.uniform(180, 280)) * 4
    crackle = (r.random(n) < r.uniform(0.002, 0.006)) * r.normal(size=n) * 5
    return (rumble + np.convolve(crackle, np.exp(-np.arange(200) / 40), "same")) * np.minimum(1, 0.25 + t * r.uniform(0.5, 2))


def robot(n, r):
    """Square beeps of steady pitches."""
    out, at, width = np.zeros(n), r.uniform(0, 0.1), r.uniform(-0.5, 0.5)
    while at < n / RATE:
        t = _time(r.uniform(0.06, 0.16))
        _place(out, np.sign(np.sin(2 * np.pi * r.choice([520, 660, 880, 1040, 1320, 1760]) * r.uniform(0.97, 1.03) * t) + width), at)
        at += t[-1] + r.uniform(0.01, 0.07)
    return out


def bird(n, r):
    """Chirps that sweep and warble."""
    out, at = np.zeros(n), r.uniform(0, 0.2)
    base = r.uniform(2600, 4200)
    while at < n / RATE:
        t = _time(r.uniform(0.06, 0.16))
        sweep = base * (1 + r.uniform(-0.25, 0.3) * t / t[-1] + 0.08 * np.sin(2 * np.pi * r.uniform(20, 45) * t))
        _place(out, np.sin(2 * np.pi * np.cumsum(sweep) / RATE) * np.sin(np.pi * t / t[-1]), at)
        at += t[-1] + r.choice([0.03, 0.08, 0.25])
    return out


def dog(n, r):
    """Barks: a pitch that leaps up and falls, rough at the start."""
    out, at = np.zeros(n), r.uniform(0, 0.25)
    base, mouth, rough = r.uniform(260, 520), r.uniform(2.2, 3.8), r.uniform(1, 2)
    while at < n / RATE:
        t = _time(r.uniform(0.13, 0.24))
        x = t / t[-1]
        phase = np.cumsum(base * (0.8 + 0.7 * np.sin(np.pi * x) - 0.25 * x)) / RATE
        bark = sum(np.sin(2 * np.pi * k * phase) / (1 + abs(k - mouth) * 0.6) for k in range(1, 10)) + rough * r.normal(size=len(t)) * np.exp(-x * 3)
        _place(out, bark * np.sin(np.pi * x**0.6) ** 1.2, at)
        at += t[-1] + r.choice([0.1, 0.25, 0.45])
    return out


def bee(n, r):
    """Wings: a buzz that wanders in pitch and loudness."""
    t = np.arange(n) / RATE
    wander = 0.07 * np.sin(2 * np.pi * r.uniform(0.6, 2) * t + r.uniform(0, 6)) + 0.015 * np.sin(2 * np.pi * 9 * t)
    return _voice(r.uniform(170, 250) * (1 + wander), 17, r.uniform(0.6, 0.85)) * (0.6 + 0.4 * np.sin(2 * np.pi * r.uniform(0.7, 2.5) * t))


def flute(n, r):
    """Almost a pure tone, with breath and vibrato; the notes are tied."""
    base, depth, at, frequency = r.uniform(520, 900), r.uniform(0.003, 0.012), 0.0, np.zeros(n)
    while at < n / RATE:
        long = r.uniform(0.2, 0.5)
        frequency[int(at * RATE) : int((at + long) * RATE)] = base * 2 ** (r.choice([0, 2, 4, 5, 7, 9, 12]) / 12)
        at += long
    t = np.arange(n) / RATE
    glide = np.convolve(np.pad(frequency, 160, "edge"), np.ones(321) / 321, "valid")
    vibrato = np.sin(2 * np.pi * r.uniform(4.5, 6.5) * t)
    phase = 2 * np.pi * np.cumsum(glide * (1 + depth * vibrato)) / RATE
    tone = np.sin(phase) + r.uniform(0.1, 0.3) * np.sin(2 * phase) + r.uniform(0.03, 0.12) * np.sin(3 * phase)
    tied = 1 - 0.75 * np.convolve(np.abs(np.diff(frequency, prepend=frequency[0])) > 1, np.hanning(800), "same").clip(0, 1)
    return (tone * (1 + 0.25 * vibrato) + _band(r.normal(size=n), 800, 5000) * r.uniform(0.08, 0.2)) * tied * np.minimum(1, t * 20)


def tap(n, r):
    """Running water: a hiss, and bubbles that sing as they close, each rising a little."""
    out = _band(r.normal(size=n), r.uniform(700, 1200), r.uniform(5000, 7500)) * r.uniform(0.08, 0.16)
    low, high = r.uniform(350, 500), r.uniform(1500, 2600)
    for at in r.uniform(0, n / RATE, int(r.uniform(70, 140) * n / RATE)):
        f, t = low * (high / low) ** r.random(), _time(0.05)
        _place(out, np.sin(2 * np.pi * f * (t + r.uniform(1, 6) * t * t)) * np.exp(-t * f * r.uniform(0.06, 0.12)) * r.uniform(0.1, 0.5), at)
    return out


def saw(n, r):
    """To and fro through wood: teeth rasp, louder and brighter on the push."""
    t = np.arange(n) / RATE
    stroke = (t * r.uniform(1.6, 3.2) + r.uniform(0, 0.3)) % 1
    push = stroke < r.uniform(0.45, 0.6)
    part = np.where(push, stroke / stroke[push].max(), (stroke - stroke[push].max()) / (1 - stroke[push].max())).clip(0, 1)
    speed = np.sin(np.pi * part)
    teeth = np.cumsum(r.uniform(90, 170) * (0.4 + speed)) / RATE % 1
    rasp = np.exp(-r.uniform(3, 6) * teeth) * speed**0.7
    centre = r.uniform(1400, 2400)
    noise = r.normal(size=n)
    forth, back = _shaped(noise, ((centre, 700, 1),)), _shaped(noise, ((centre * 0.65, 500, 1),))
    return rasp * np.where(push, forth, 0.6 * back)


def frog(n, r):
    """Croaks: slow pulses that ring in the throat, then a higher second part."""
    out, at = np.zeros(n), r.uniform(0, 0.15)
    rate, throat, ring = r.uniform(32, 60), r.uniform(450, 900), r.uniform(90, 180)
    t = _time(0.04)
    pulse = (np.sin(2 * np.pi * throat * t) + 0.5 * np.sin(2 * np.pi * 2.4 * throat * t)) * np.exp(-t * ring)
    higher = (np.sin(2 * np.pi * 1.35 * throat * t) + 0.5 * np.sin(2 * np.pi * 3.1 * throat * t)) * np.exp(-t * ring)
    while at < n / RATE:
        first, second = r.uniform(0.15, 0.3), r.choice([0, 0.1, 0.14])
        moments = np.arange(0, first, 1 / rate)
        for m in moments:
            _place(out, pulse * (0.4 + 0.6 * m / first), at + m)
        for m in np.arange(0, second, 0.7 / rate):
            _place(out, higher, at + first + m)
        at += first + second + r.uniform(0.1, 0.3)
    return out


def cricket(n, r):
    """Chirps of a few pulses of one high, steady pitch."""
    out, at = np.zeros(n), r.uniform(0, 0.15)
    f, pulses, rate = r.uniform(4000, 5400), int(r.integers(2, 5)), r.uniform(35, 60)
    gap = r.uniform(0.12, 0.3)
    t = _time(0.75 / rate)
    pulse = np.sin(2 * np.pi * f * (t - 0.4 * t * t)) * np.sin(np.pi * t / t[-1])
    while at < n / RATE:
        for i in range(pulses):
            _place(out, pulse * (0.6 + 0.4 * i / pulses), at + i / rate)
        at += pulses / rate + gap
    return out


def telephone(n, r):
    """A clapper between two gongs, or two electronic tones in turn; twenty times a second, with pauses."""
    t = np.arange(n) / RATE
    f, rate = r.uniform(1100, 1900), r.uniform(16, 26)
    other = f * r.uniform(1.12, 1.3)
    if r.random() < 0.65:
        out, ring = np.zeros(n), _time(0.5)
        decay, partials = r.uniform(8, 16), ((1, 1), (2.4, 0.5), (3.6, 0.25))
        fades = np.exp(-ring * decay)
        gongs = [fades * sum(w * np.sin(2 * np.pi * pitch * p * ring) for p, w in partials if pitch * p < 7800) for pitch in (f, other)]
        for i, at in enumerate(np.arange(0, n / RATE, 0.5 / rate)):
            _place(out, gongs[i % 2] * r.uniform(0.8, 1), at)
    else:
        turn = (t * rate) % 1 < 0.5
        phase = np.cumsum(np.where(turn, f, other)) / RATE
        out = np.sin(2 * np.pi * phase) + 0.3 * np.sin(6 * np.pi * phase)
    on, off = r.uniform(0.5, 1.1), r.uniform(0.2, 0.5)
    into = (t + r.uniform(0, 0.15)) % (on + off)
    return out * np.where(into < on, 1, np.exp(-(into - on) * 25)) * np.minimum(1, (on + off - into) * 200)


def cat(n, r):
    """Meows: the mouth opens from i over a to u while the pitch rises and falls."""
    out, at = np.zeros(n), r.uniform(0, 0.15)
    base, wide, tilt = r.uniform(480, 720), r.uniform(0.9, 1.15), r.uniform(0.4, 0.8)
    while at < n / RATE:
        t = _time(r.uniform(0.5, 0.85))
        x = t / t[-1]
        f = base * (0.8 + 0.4 * np.sin(np.pi * x**0.7) - 0.2 * x) * (1 + 0.01 * np.sin(2 * np.pi * 6 * t))
        source = _voice(f, 9, tilt) + 0.1 * r.normal(size=len(t))
        vowels = (((500, 150, 1), (2600, 350, 1.2)), ((1000, 250, 1.2), (1700, 300, 1)), ((500, 180, 1), (900, 200, 0.7)))
        weights = (np.clip(1 - 2.6 * x, 0, 1), np.clip(1 - np.abs(x - 0.45) * 2.6, 0, 1), np.clip(2.6 * x - 1.6, 0, 1))
        meow = sum(w * _shaped(source, [(c * wide, b, g) for c, b, g in v]) for v, w in zip(vowels, weights))
        _place(out, meow * _fade(t, 0.07), at)
        at += t[-1] + r.uniform(0.08, 0.3)
    return out


def duck(n, r):
    """Quacks: a low, buzzing, nasal voice, short and in rows."""
    out, at = np.zeros(n), r.uniform(0, 0.12)
    base, nose = r.uniform(150, 230), r.uniform(0.88, 1.15)
    while at < n / RATE:
        t = _time(r.uniform(0.12, 0.22))
        x = t / t[-1]
        source = np.sign(_voice(base * (1.1 - 0.3 * x), 20, 0.3)) * (0.7 + 0.3 * np.sign(np.sin(np.pi * base * t)))
        quack = _shaped(source, ((1150 * nose, 130, 1.4), (2300 * nose, 220, 1.2), (3300 * nose, 300, 0.5)))
        _place(out, quack * np.minimum(1, t * 60) * (1 - x) ** 0.5, at)
        at += t[-1] + r.choice([0.06, 0.1, 0.2])
    return out


def ambulance(n, r):
    """A siren: two tones in turn, or a pitch that climbs and sinks."""
    t = np.arange(n) / RATE
    low, rate = r.uniform(420, 680), r.uniform(1.1, 2.2)
    high = low * r.uniform(1.3, 1.42)
    if r.random() < 0.5:
        f = np.where((t * rate + r.random()) % 1 < 0.5, low, high)
    else:
        f = low * r.uniform(2, 2.6) ** (0.5 - 0.5 * np.cos(2 * np.pi * (t * rate * 0.8 + r.random())))
    passing = 1 + r.uniform(0.01, 0.04) * np.tanh(4 * (r.uniform(0.5, 2) - t))
    return np.tanh(r.uniform(1, 3) * _voice(f * passing, 5, 1.0)) * (0.8 + 0.2 * np.sin(2 * np.pi * r.uniform(0.2, 0.6) * t))


def umbrella(n, r):
    """Rain on stretched cloth: many dull drops with the cloth's own pitch, under a soft hiss."""
    out = _band(r.normal(size=n), 3000, 7900) * r.uniform(0.01, 0.035)
    cloth, decay = r.uniform(180, 380), r.uniform(110, 200)
    t = _time(0.05)
    for at in r.uniform(0, n / RATE, int(r.uniform(25, 60) * n / RATE)):
        f = cloth * r.uniform(0.8, 1.6)
        drop = np.sin(2 * np.pi * f * t) * np.exp(-t * decay) + 0.6 * r.normal(size=len(t)) * np.exp(-t * 900)
        _place(out, drop * r.uniform(0.15, 1) ** 1.5, at)
    return out


def cannon(n, r):
    """One great bang: a crack, a thump and a long low roll with an echo."""
    out, t = np.zeros(n), _time(2.5)
    shape = np.exp(-t * r.uniform(1.8, 3.2))
    roll = _band(r.normal(size=len(t)), 25, r.uniform(220, 420)) * 5 * shape
    thump = 2.5 * np.sin(2 * np.pi * (r.uniform(38, 60) * t + 5 * (1 - np.exp(-t * 12)))) * np.exp(-t * 5)
    bang = r.uniform(2, 3.5) * r.normal(size=len(t)) * np.exp(-t * r.uniform(18, 35)) + thump + roll
    bang[int(0.3 * RATE) :] += r.uniform(0.1, 0.35) * bang[: -int(0.3 * RATE)]
    for at in np.arange(r.uniform(0.02, 0.3), n / RATE, r.uniform(1.3, 2.0)):
        _place(out, bang, at)
    return out


def teapot(n, r):
    """A kettle: it simmers, hisses, and its whistle climbs and stays."""
    t = np.arange(n) / RATE
    grown = 1 / (1 + np.exp(-(t - r.uniform(0.05, 0.4)) * r.uniform(8, 20)))
    f = r.uniform(1700, 2900) * (0.8 + 0.2 * grown + 0.006 * np.sin(2 * np.pi * r.uniform(5, 12) * t) + 0.004 * np.sin(2 * np.pi * 31 * t))
    whistle = _voice(f, 2, r.uniform(1.5, 2.5)) * grown * (1 + 0.15 * np.sin(2 * np.pi * r.uniform(9, 18) * t))
    steam = _band(r.normal(size=n), 2500, 7900) * r.uniform(0.1, 0.3) * (0.3 + grown)
    return whistle + steam + _band(r.normal(size=n), 100, 500) * r.uniform(0.1, 0.3)


SOUNDS = {
    f.__name__: f
    for f in (
        clock, hammer, guitar, drum, bell, trumpet, piano, car, train, airplane, helicopter, rocket, robot, bird, dog, bee, flute, tap, saw, frog,
        cricket, telephone, cat, duck, ambulance, umbrella, cannon, teapot,
    )
}  # fmt: skip


def signature(kind: str, seconds: float, r: np.random.Generator) -> np.ndarray:
    """The sound of `kind`, which must be one of `catalogue.SOUNDING`."""
    wave = SOUNDS[kind](int(seconds * RATE), r)
    return (wave / max(1e-6, np.abs(wave).max())).astype(np.float32)
