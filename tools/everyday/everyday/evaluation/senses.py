"""Sounds and photographs of one kind, shapes and photographs of one thing: never trained on a pair of them."""

from typing import Any

from everyday.evaluation import scores, sets
from everyday.evaluation.items import Item, Modality
from everyday.evaluation.kinds import kind
from everyday.evaluation.lab import Lab
from everyday.evaluation.words import TOGETHER


def _kinds(items: list[Item]) -> list[str]:
    return [kind(item.label) or "" for item in items]


def _across(lab: Lab, first: Modality, second: Modality) -> dict[str, Any]:
    """Both ways, by kind, each set of the first by itself too; the galleries hold everything, of a kind or of none."""
    if not (lab.has(first) and lab.has(second)):
        return {"not measured": f"the bundle has no tower for {first if not lab.has(first) else second}"}
    (a, av), (b, bv) = lab.embedded(first), lab.embedded(second)
    asked, found = _kinds(a), _kinds(b)
    right = scores.same(asked, found)
    right[[not name for name in asked]] = False
    there = {}
    for collection in sets.collections(lab.items, first):
        rows = [i for i, item in enumerate(a) if item.collection == collection]
        there[collection] = scores.retrieval(av[rows], bv, right[rows])
    there[TOGETHER] = scores.retrieval(av, bv, right)
    kinds = sorted(({*asked} & {*found}) - {""})
    return {"kinds": kinds, "there": there, "back": scores.retrieval(bv, av, right.T)}


def sounds(lab: Lab) -> dict[str, Any]:
    return _across(lab, "audio", "image")


def shapes(lab: Lab) -> dict[str, Any]:
    return _across(lab, "point_cloud", "image")
