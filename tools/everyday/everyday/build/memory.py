"""What the text tower is told of names: a question that is nearly the name of a class, in any language, moves towards
it.

A sentence encoder knows how words are used, and rare names ("echidna", "сорока") hardly; a list of names knows those
and
nothing else. The last layer of the text tower looks a question up among names and adds the directions of the classes
that it finds, each by how near its name is (a memory of keys and values, as in Khandelwal et al., *Generalization
through Memorization*, 2020). A question that is near no name stays as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .classes import Class
from .graph import FLOAT, Array, Graph, floats, ints
from .space import Embed, Space, unit

# Leading values of a vector by which names are looked up.
KEY = 112
NEAREST = 32
# How fast a name counts for less as its cosine falls: by e for each 1 / SHARPNESS.
SHARPNESS = 9.0
# How much of a class is added to a question that is its name.
STRENGTH = 2.0
# Nobody asks in bare dictionary words. A name is where its usual forms are on the average.
ARTICLES = {
    "en": ("A {}", "The {}"), "de": ("Ein {}", "Eine {}"), "es": ("Un {}", "Una {}"), "fr": ("Un {}", "Une {}"),
    "it": ("Un {}", "Una {}"), "nl": ("Een {}",), "pt": ("Um {}", "Uma {}"), "tr": ("Bir {}",),
    "zh": ("一只{}", "一个{}", "{}。", "一只{}。"),
}  # fmt: skip


@dataclass(frozen=True)
class Memory:
    """`keys` [names, 112] of unit length, and the row of `values` [classes, 256] that each means."""

    keys: Array
    meant: NDArray[np.int64]
    values: Array


def forms(name: str, language: str) -> list[str]:
    """A name as it stands in a dictionary, at the start of a line, and after an article."""
    capital = name[:1].upper() + name[1:]
    return list(dict.fromkeys([name, capital, *(form.format(name) for form in ARTICLES.get(language, ()))]))


def found(lists: Sequence[tuple[Sequence[Class], Array]], space: Space, embed: Embed) -> Memory:
    """The memory of several classifiers: their classes and the directions of these."""
    written: list[list[str]] = []
    meant: list[int] = []
    start = 0
    for some, _ in lists:
        for number, one in enumerate(some, start):
            names = {(name.lower(), language): forms(name, language) for language, name in one.words}
            written += names.values()
            meant += [number] * len(names)
        start += len(some)
    every = space.place(embed([form for name in written for form in name]))
    starts = np.cumsum([0, *(len(name) for name in written[:-1])])
    keys = unit(np.add.reduceat(every, starts, axis=0)[:, :KEY])
    return Memory(keys, np.array(meant, np.int64), np.concatenate([values for _, values in lists]))


def layer(graph: Graph, questions: str, memory: Memory) -> str:
    """Unit vectors `[batch, 256]` to unit vectors that know names. Keys are bytes, as whole numbers multiply faster."""
    scale = floats(np.abs(memory.keys).max() / 127)
    keys = np.round(memory.keys / scale).astype(np.int8).T
    asked = graph.unit(graph.op("Slice", questions, ints(0), ints(KEY), ints(1)))
    names = ["question", "question_scale", "question_zero"]
    byte, byte_scale, zero = graph.ops("DynamicQuantizeLinear", asked, outs=names)
    near = graph.op("Cast", graph.op("MatMulInteger", byte, keys, zero), to=FLOAT)
    near = graph.op("Mul", near, graph.op("Mul", byte_scale, scale))
    best, places = graph.ops("TopK", near, ints(NEAREST), outs=["best", "places"], axis=1)
    weight = graph.op("Exp", graph.op("Mul", graph.op("Sub", best, floats(1)), floats(SHARPNESS)))
    total = graph.op("Max", graph.op("ReduceSum", weight, ints(1), keepdims=1), floats(1))
    weight = graph.op("Unsqueeze", graph.op("Div", weight, total), ints(1))
    values = graph.op("Gather", graph.half(memory.values), graph.op("Gather", memory.meant.astype(np.int32), places))
    added = graph.op("Squeeze", graph.op("MatMul", weight, values), ints(1))
    return graph.unit(graph.op("Add", questions, graph.op("Mul", added, floats(STRENGTH))))
