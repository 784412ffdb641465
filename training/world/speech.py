"""Speech from libespeak-ng, called in process: some hundreds of clips a second."""

import ctypes
from functools import cache

import numpy as np

ACCENTS = ("en-us", "en-us", "en", "en-gb-x-rp", "en-gb-scotland", "en-029", "en-gb-x-gbclan")
VARIANTS = (
    "", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5", "adam", "Alex", "Alicia", "Andrea", "Andy",
    "Annie", "belinda", "benjamin", "david", "edward", "Gene", "john", "linda", "mike", "paul", "rob", "robert", "steph", "klatt2",
)  # fmt: skip
RATE, VOLUME, PITCH, RANGE = 1, 2, 3, 4
SYNCHRONOUS, UTF8 = 2, 1


class Speaker:
    """The one espeak-ng voice of this process (the library keeps global state)."""

    def __init__(self):
        self.lib = ctypes.CDLL("libespeak-ng.so.1")
        self.rate = self.lib.espeak_Initialize(SYNCHRONOUS, 0, None, 0)
        if self.rate <= 0:
            raise RuntimeError("espeak-ng did not start")
        self.chunks: list[np.ndarray] = []
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        self.callback = kind(self._collect)
        self.lib.espeak_SetSynthCallback(self.callback)

    def _collect(self, wave, count, _events):
        if wave and count > 0:
            self.chunks.append(np.ctypeslib.as_array(wave, (count,)).copy())
        return 0

    def say(self, text: str, voice: str, rate: int, pitch: int, spread: int) -> np.ndarray:
        """float32 samples in -1..1 at `self.rate`."""
        if self.lib.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"no such voice: {voice}")
        for parameter, value in ((RATE, rate), (VOLUME, 100), (PITCH, pitch), (RANGE, spread)):
            self.lib.espeak_SetParameter(parameter, value, 0)
        self.chunks = []
        data = text.encode()
        self.lib.espeak_Synth(data, len(data) + 1, 0, 0, 0, UTF8, None, None)
        self.lib.espeak_Synchronize()
        return np.concatenate(self.chunks).astype(np.float32) / 32768 if self.chunks else np.zeros(1, np.float32)


@cache
def speaker() -> Speaker:
    return Speaker()


def say(text: str, r: np.random.Generator) -> tuple[np.ndarray, int]:
    """(samples, rate): `text` in a random voice, silence trimmed, at most 1.9 s."""
    s = speaker()
    variant = VARIANTS[int(r.integers(len(VARIANTS)))]
    voice = ACCENTS[int(r.integers(len(ACCENTS)))] + (f"+{variant}" if variant else "")
    rate = int(r.integers(135, 215))
    while True:
        wave = s.say(text, voice, rate, int(r.integers(25, 80)), int(r.integers(20, 80)))
        loud = np.flatnonzero(np.abs(wave) > 0.01)
        wave = wave[loud[0] : loud[-1] + 1] if len(loud) else wave
        if len(wave) <= 1.9 * s.rate or rate > 400:
            return wave, s.rate
        rate = int(rate * 1.2)
