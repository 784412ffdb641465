"""One collection of photographs, sounds, shapes and texts: who is among the first ten, calibrated and not?"""

from collections import Counter, defaultdict
from typing import Any

import grpc
import numpy as np

from everyday.evaluation import scores
from everyday.evaluation.collection import Collection
from everyday.evaluation.items import Item
from everyday.evaluation.kinds import KINDS, kind
from everyday.evaluation.lab import Lab

TOP = 10
# The texts of the collection: descriptions in a language that is not asked in, or each would be its own question.
LANGUAGE = "fr"
MODALITIES = ("image", "audio", "point_cloud", "text")

Entry = tuple[str, str, Item]  # id, modality, what it shows or says


def entries(items: list[Item], towers: set[str]) -> list[Entry]:
    """Everything that a tower takes, and once for every described thing its text."""
    found = [(f"{n}", str(item.modality), item) for n, item in enumerate(items) if item.modality in towers]
    described = {item.thing: item for item in items if LANGUAGE in item.texts}
    return [*found, *((f"text {n}", "text", item) for n, item in enumerate(described.values()))]


def questions(found: list[Entry]) -> dict[str, set[str]]:
    """Question → the ids of what is relevant; only what two modalities can answer with three items is asked."""
    out: dict[str, set[str]] = {}
    for name in KINDS:
        right = [(key, modality) for key, modality, item in found if kind(item.label) == name]
        if len(right) >= 3 and len({modality for _, modality in right}) >= 2:
            out[name] = {key for key, _ in right}
    return out


def shares(answers: list[list[str]], relevant: list[set[str]], whose: dict[str, str]) -> dict[str, Any]:
    """Of each modality: its share of the first ten and of what is relevant, and their ratio; means over questions."""
    top, right, among = defaultdict[str, float](float), defaultdict[str, float](float), []
    for answer, wanted in zip(answers, relevant, strict=True):
        for key in answer[:TOP]:
            top[whose[key]] += 1 / min(TOP, len(answer)) / len(answers)
        for key in wanted:
            right[whose[key]] += 1 / len(wanted) / len(answers)
        among.append(len(wanted & {*answer[: len(wanted)]}) / len(wanted))
    ratio = {m: top[m] / right[m] for m in MODALITIES if right[m]}
    return {
        "top": dict(top), "relevant": dict(right), "ratio": ratio, "largest ratio": max(ratio.values()),
        "R-precision": float(np.mean(among)), "R-precision interval": scores.interval(np.array(among)),
        "precision at 10": float(np.mean([len(w & {*a[:TOP]}) / TOP for a, w in zip(answers, relevant, strict=True)])),
    }  # fmt: skip


def measure(lab: Lab) -> dict[str, Any]:
    found = entries(lab.items, lab.embedder.service.towers())
    collection = Collection(lab.embedder.service, f"mixed-{lab.half}")
    refused = collection.fill({key: item.texts[LANGUAGE] if m == "text" else item.file for key, m, item in found})
    found = [entry for entry in found if entry[0] not in refused]
    whose, asked = {key: modality for key, modality, _ in found}, questions(found)
    out: dict[str, Any] = {
        "items": dict(Counter(whose.values())), "n": len(asked), "questions": sorted(asked),
        "refused": sorted(refused.values()),
        "chance": float(np.mean([len(wanted) / len(found) for wanted in asked.values()])),
    }  # fmt: skip
    for way, calibrate in (("cosine", False), ("calibrated", True)):
        try:
            answers = [collection.search(said, max(TOP, len(asked[said])), calibrate) for said in asked]
        except grpc.RpcError as error:
            out[way] = {"not measured": str(error.details())}
            continue
        out[way] = shares(answers, list(asked.values()), whose)
    return out
