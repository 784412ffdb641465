"""Random numbers for mesh builders, whose ranges keep an end that training never sees."""

import numpy as np

SEEN = 0.85  # of every range, counted from its first end


class Ranges:
    """What a builder needs of a numpy Generator; `uniform` knows which part of a range is held out.

    Trained individuals draw from the first 85 % of every range. Unseen ones draw about every other number from
    the rest, the first one always, so that no unseen individual could have been a trained one.
    """

    def __init__(self, r: np.random.Generator, unseen: bool = False):
        self.r, self.unseen = r, unseen
        self.random, self.integers, self.choice, self.normal = r.random, r.integers, r.choice, r.normal
        self._first = True

    def uniform(self, low: float = 0.0, high: float = 1.0, size=None):
        """From low..high; a float, or an array when `size` says so."""
        part = self.r.random(size) * SEEN
        if self.unseen:
            beyond = self._first | (self.r.random(size) < 0.5)
            part = part + beyond * (SEEN + self.r.random(size) * (1 - SEEN) - part)
            self._first = False
        return low + (high - low) * part
