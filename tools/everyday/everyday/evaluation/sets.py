"""All evaluation sets, one half at a time."""

import argparse
from collections import Counter
from pathlib import Path

from everyday.evaluation import photographs, recordings, shapes, stamps
from everyday.evaluation.items import HALVES, Half, Item, Modality
from everyday.evaluation.meshes import UPRIGHT
from everyday.packages import cache_folder

TITLES = {
    "gcompris": "photographs of GCompris", "stamps": "cut-out photographs of Tux Paint",
    "stock": "photographs of scenes and things",
    "recordings": "recordings", "samples": "notes and samples", "stamp sounds": "sounds of Tux Paint's stamps",
    "scans": "scans and meshes of CGAL", "furniture": "models of household things",
}  # fmt: skip


def load(cache: Path, half: Half, up: str = "y") -> list[Item]:
    """Every item of one half, shapes turned so that `up` points up."""
    every = [
        *photographs.load(cache), *stamps.load(cache), *recordings.load(cache), *shapes.load(cache, up, UPRIGHT[up]),
    ]  # fmt: skip
    return [item for item in every if item.half == half]


def of(items: list[Item], modality: Modality, collection: str | None = None) -> list[Item]:
    return [i for i in items if i.modality == modality and (collection is None or i.collection == collection)]


def collections(items: list[Item], modality: Modality) -> list[str]:
    """In the order in which they are loaded."""
    return list(dict.fromkeys(item.collection for item in of(items, modality)))


def sizes(items: list[Item]) -> dict[str, dict[str, int]]:
    """How many items and how many different things every set has."""
    count = Counter(item.collection for item in items)
    return {
        name: {"items": n, "things": len({i.thing for i in items if i.collection == name})} for name, n in count.items()
    }


if __name__ == "__main__":
    argparse.ArgumentParser(description="Counts the evaluation sets; looks at no result.").parse_args()
    for each in HALVES:
        for title, counted in sizes(load(cache_folder(), each)).items():
            print(f"{each:5} {title:13} {counted['items']:4} items {counted['things']:4} things")
