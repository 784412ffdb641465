"""The shared space: which directions of the text tower it has, and where the classes of each classifier lie in it.

A picture is the convex combination of the directions of its classes, by their probabilities (ConSE: Norouzi et al.,
*Zero-Shot
Learning by Convex Combination of Semantic Embeddings*, 2014). Directions are those of texts, minus the mean of all
classes,
on the principal axes of the classes; long axes are shortened, since on those all classes differ from all others alike
and
little is said of which one it is (a part of whitening: Su et al., *Whitening Sentence Representations*, 2021).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .classes import Class
from .graph import Array, floats

# The leading values of a vector, in which all modalities meet.
SHARED = 256
# The exponent of that shortening: 0 leaves axes as they are, 1 makes them equally long.
WHITENING = 0.4
Embed = Callable[[Sequence[str]], Array]


def unit(rows: NDArray[np.floating]) -> Array:
    return floats(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12))


@dataclass(frozen=True)
class Space:
    """`mean` [512] and `axes` [512, 256]: a text's unit vector, minus the mean, times the axes, scaled to unit
    length."""

    mean: Array
    axes: Array

    def place(self, texts: Array) -> Array:
        """Unit vectors of the text tower, or means of them, to unit vectors of the space."""
        return unit((texts - self.mean) @ self.axes)


def directions(classes: Sequence[Class], embed: Embed) -> Array:
    """The unit mean of each class's texts by their weights, in the text tower's own space: `[classes, 512]`."""
    every = embed([text for one in classes for text, _ in one.texts])
    rows, start = [], 0
    for one in classes:
        weights = floats([weight for _, weight in one.texts])
        rows.append(weights @ every[start : start + len(weights)])
        start += len(weights)
    return unit(np.stack(rows))


def found(directions: Array) -> Space:
    """The space of the classes of pictures: their mean and their axes."""
    mean = directions.mean(0)
    _, lengths, axes = np.linalg.svd(unit(directions - mean).astype(np.float64), full_matrices=False)
    # The sign of an axis means nothing: it is such that its largest value is positive, on every machine.
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(1)])
    shortened = (axes * signs[:, None]).T * (lengths / lengths[0]) ** -WHITENING
    return Space(mean, floats(shortened[:, :SHARED]))
