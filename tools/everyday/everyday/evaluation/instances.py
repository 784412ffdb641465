"""The same photograph or recording again: altered copies ask the whole gallery, then others of the same thing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from everyday.evaluation import altered, scores
from everyday.evaluation.embed import Content, known
from everyday.evaluation.items import Modality
from everyday.evaluation.lab import Lab


def _measure(
    lab: Lab, modality: Modality, changes: list[str], make: Callable[[Path, str, str], bytes]
) -> dict[str, Any]:
    if not lab.has(modality):
        return {"not measured": f"the bundle has no tower for {modality}"}
    items, gallery = lab.embedded(modality)
    out: dict[str, Any] = {}
    for change in changes:
        copies = [Content(f"{item.name}, {change}", make(item.file, item.name, change)) for item in items]
        kept, vectors = known(lab.embedder.contents(copies, change))
        out[change] = scores.retrieval(vectors, gallery, np.eye(len(items), dtype=bool)[kept])
    return {"copies": out, "same thing": _same_thing(gallery, [item.thing for item in items])}


def _same_thing(vectors: np.ndarray, things: list[str]) -> dict[str, Any]:
    """Every item of a thing that has several asks for the others; it is not in the gallery itself."""
    similar = vectors @ vectors.T
    right = scores.same(things, things) & ~np.eye(len(things), dtype=bool)
    asked = np.flatnonzero(right.any(axis=1))
    others = ~np.eye(len(things), dtype=bool)[asked]
    rows = similar[asked][others].reshape(len(asked), -1)
    return scores.ranked(rows, right[asked][others].reshape(len(asked), -1))


def photographs(lab: Lab) -> dict[str, Any]:
    return _measure(lab, "image", list(altered.PICTURES), altered.picture)


def sounds(lab: Lab) -> dict[str, Any]:
    return _measure(lab, "audio", list(altered.SOUNDS), altered.sound)
