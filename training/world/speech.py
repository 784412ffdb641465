"""Speech from libespeak-ng, called in process: some hundreds of clips a second."""

import ctypes
from functools import cache

import numpy as np

# language -> accents; the unseen ones, and the unseen variants of the voice, are heard only where `unseen` is asked for
TRAINED_ACCENTS = {
    "en": ("en-us", "en-us", "en", "en-gb-scotland", "en-029", "en-gb-x-gbclan"),
    "de": ("de",),
    "es": ("es", "es-419"),
}
UNSEEN_ACCENTS = {"en": ("en-gb-x-rp", "en-gb-x-gbcwmd", "en-us-nyc"), "de": (), "es": ()}
TRAINED_VARIANTS = (
    "", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "adam", "Alex", "Alicia", "Andrea", "Andy", "Annie", "belinda",
    "benjamin", "david", "edward", "Gene", "john", "linda", "mike", "paul", "rob", "robert", "steph", "klatt2", "Denis", "Diogo", "Hugo",
    "Jacky", "Mario", "boris", "caleb", "ed", "gustave", "iven", "marcelo", "max", "pablo", "sandro", "travis",
)  # fmt: skip
UNSEEN_VARIANTS = (
    "m8", "f5", "Lee", "Marco", "Michael", "anika", "antonio", "aunty", "grandpa", "iven3", "klatt4", "michel", "miguel", "pedro", "quincy", "shelby",
    "steph2", "victor", "zac",
)  # fmt: skip
RATE, VOLUME, PITCH, RANGE = 1, 2, 3, 4
SYNCHRONOUS, UTF8 = 2, 1
LONGEST = 2.9  # seconds; what takes longer is said faster


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
        """float32 samples in -1..1 at `self.rate`; rate in words a minute, pitch and spread 0..99."""
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


def voice(r: np.random.Generator, language: str = "en", unseen: bool = False) -> str:
    """Accent and variant as espeak-ng writes them; of an unseen voice the variant is always one never trained on, the accent often."""
    accents = TRAINED_ACCENTS[language]
    if unseen and UNSEEN_ACCENTS[language] and r.random() < 0.5:
        accents = UNSEEN_ACCENTS[language]
    variants = UNSEEN_VARIANTS if unseen else TRAINED_VARIANTS
    variant = variants[int(r.integers(len(variants)))]
    return accents[int(r.integers(len(accents)))] + (f"+{variant}" if variant else "")


def say(text: str, r: np.random.Generator, language: str = "en", unseen: bool = False) -> tuple[np.ndarray, int]:
    """(samples, rate): `text` in a random voice, silence trimmed, at most LONGEST.

    The voice and how it speaks follow from `r`; espeak-ng's own flutter goes on from the clip before, so samples differ a little.
    """
    s = speaker()
    chosen, rate = voice(r, language, unseen), int(r.integers(120, 221))
    pitch, spread = int(r.integers(20, 86)), int(r.integers(20, 86))
    while True:
        wave = s.say(text, chosen, rate, pitch, spread)
        loud = np.flatnonzero(np.abs(wave) > 0.01)
        wave = wave[loud[0] : loud[-1] + 1] if len(loud) else wave
        if len(wave) <= LONGEST * s.rate or rate > 400:
            return wave[: int(LONGEST * s.rate)], s.rate
        rate = int(rate * 1.15)
