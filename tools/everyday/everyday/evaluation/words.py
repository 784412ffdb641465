"""Words and things: does a typed word find its photograph, sound or shape, and does each of these find its word?"""

from typing import Any

from everyday.evaluation import scores, sets
from everyday.evaluation.items import Item, Modality
from everyday.evaluation.lab import Lab

TOGETHER = "all together"


def questions(items: list[Item]) -> dict[str, str]:
    """One question for every thing: the label of the first item that shows it."""
    asked: dict[str, str] = {}
    for item in items:
        asked.setdefault(item.thing, item.label)
    return asked


def _both(lab: Lab, modality: Modality, collection: str | None) -> dict[str, Any] | None:
    items, media = lab.embedded(modality, collection)
    if not items:
        return None
    asked = questions(items)
    texts = lab.embedder.texts(asked.values(), "questions")
    right = scores.same(list(asked), [item.thing for item in items])
    return {
        "text to media": scores.retrieval(texts, media, right),
        "media to text": scores.retrieval(media, texts, right.T),
    }


def measure(lab: Lab, modality: Modality) -> dict[str, Any]:
    """Of every set by itself, and with all sets in one gallery."""
    if not lab.has(modality):
        return {"not measured": f"the bundle has no tower for {modality}"}
    names = sets.collections(lab.items, modality)
    found = {name: _both(lab, modality, name) for name in names}
    found[TOGETHER] = _both(lab, modality, None)
    return {"sets": {name: table for name, table in found.items() if table is not None}}


def photographs(lab: Lab) -> dict[str, Any]:
    return measure(lab, "image")


def sounds(lab: Lab) -> dict[str, Any]:
    return measure(lab, "audio")


def shapes(lab: Lab) -> dict[str, Any]:
    return measure(lab, "point_cloud")
