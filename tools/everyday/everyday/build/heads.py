"""What stands behind each network: from what it gives to a vector of the space.

A vector has three parts. In the first all modalities meet. The second is how a picture looks and the third how a
recording sounds, from the layer below the classes: by it the same thing is found again among a thousand of its class.
Texts have zeros there, so that for them a picture's rank among pictures does not depend on it.
"""

from dataclasses import dataclass

import numpy as np

from . import audio, colours, image
from .graph import Array, Graph, floats
from .space import SHARED

LOOK, SOUND = 64, 64
DIMENSION = SHARED + LOOK + SOUND
# The logits are divided by it before the softmax: 1 to 2 are alike, more loses.
TEMPERATURE = 1.5
# The squares of the shares that looks and sounds have in the vectors of pictures and recordings.
LOOK_SHARE, SOUND_SHARE = 0.3, 0.4
# Where the classes come to less than this, a classifier has no name for what it was given: its word counts for less.
UNNAMED = 0.04
COLOUR_SHARE = 0.25
# How features are projected: a seed.
SEED = 2026


@dataclass(frozen=True)
class Senses:
    """Directions of the classes of pictures [1000, 256], sounds [521, 256] and colours [11, 256]."""

    seen: Array
    heard: Array
    colours: Array


def projection(features: int, length: int) -> Array:
    """Orthonormal columns in random directions, which keep distances (Johnson and Lindenstrauss 1984)."""
    random = np.random.default_rng(SEED).standard_normal((features, length))
    return floats(np.linalg.qr(random)[0])


def _parts(graph: Graph, named: str, features: str, columns: Array, share: float) -> tuple[str, str]:
    """The two parts of a vector, together of length 1: `named` is what the classes come to, not of unit length.

    Features are none below 0; their roots keep one of them from deciding alone.
    """
    own = graph.unit(graph.op("MatMul", graph.op("Sqrt", features), graph.half(columns)))
    length = graph.op("ReduceL2", named, axes=[1], keepdims=1)
    square = graph.op("Mul", length, length)
    trust = graph.op("Div", square, graph.op("Add", square, floats(UNNAMED**2)))
    trust = graph.op("Mul", trust, floats(1 - share))
    first = graph.op("Mul", graph.unit(named), graph.op("Sqrt", trust))
    return first, graph.op("Mul", own, graph.op("Sqrt", graph.op("Sub", floats(1), trust)))


def _zeros(graph: Graph, like: str, length: int) -> str:
    return graph.op("MatMul", like, np.zeros((SHARED, length), np.float32))


def text(graph: Graph, shared: str) -> str:
    return graph.op("Concat", shared, _zeros(graph, shared, LOOK + SOUND), axis=1, out="embedding")


def picture(graph: Graph, pixels: str, outputs: tuple[str, str], senses: Senses) -> str:
    features, logits = outputs
    probabilities = graph.op("Softmax", graph.op("Div", logits, floats(TEMPERATURE)), axis=-1)
    named = graph.op("MatMul", probabilities, graph.half(senses.seen))
    # The colours weigh as much beside a sure word as beside an unsure one.
    length = graph.op("ReduceL2", named, axes=[1], keepdims=1)
    coloured = graph.op("MatMul", colours.shares(graph, pixels), floats(senses.colours * COLOUR_SHARE))
    named = graph.op("Add", named, graph.op("Mul", coloured, length))
    first, look = _parts(graph, named, features, projection(image.FEATURES, LOOK), LOOK_SHARE)
    return graph.op("Concat", first, look, _zeros(graph, first, SOUND), axis=1, out="embedding")


def recording(graph: Graph, outputs: tuple[str, str], senses: Senses) -> str:
    features, scores = outputs
    named = graph.op("MatMul", scores, graph.half(senses.heard))
    first, sound = _parts(graph, named, features, projection(audio.FEATURES, SOUND), SOUND_SHARE)
    return graph.op("Concat", first, _zeros(graph, first, LOOK), sound, axis=1, out="embedding")


def place(graph: Graph, sentences: str, mean: Array, axes: Array) -> str:
    """Unit vectors of the sentence encoder to the shared part."""
    return graph.unit(graph.op("MatMul", graph.op("Sub", sentences, floats(mean)), floats(axes)))
