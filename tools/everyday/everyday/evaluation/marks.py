"""The marks: what the bundle has to reach on the half that nobody tuned on, and whether it does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from everyday.evaluation.languages import MARKED, NAMES
from everyday.evaluation.words import TOGETHER

Sections = dict[str, Any]
ABSENT = (KeyError, TypeError)

# Written by hand after a release was measured: the mark's name and the reason that it was missed.
_RARE = "names that ImageNet has no class for, and rare species that the sentence encoder does not know"
WHY: dict[str, str] = {
    "text → photograph, all together: R@1": _RARE,
    "text → photograph, all together: R@5": _RARE,
    "photograph → text, all together: R@1": _RARE,
    "text → sound, all together: R@1": "stamps' sounds are named by species, and single notes sound alike",
    "sound → photograph by kind, all together: R@1": "stamps' sounds: the classifier hears an animal, seldom which",
    "14 categories, zero-shot": "trees and planets have no class; three points short with 113 photographs",
    "spoken English behind typed, points of R@1": (
        "bare names by espeak-ng; sentences by two voices of flite are 5.1 behind"
    ),
    "mixed top 10: a modality's share against its share of what is relevant": (
        "calibrated, photographs stand out more from unrelated ones than sounds do; by cosine it is 1.18"
    ),
}


@dataclass(frozen=True)
class Mark:
    """`measure` takes the sections of one half, those without halves among them; a KeyError: not measured."""

    name: str
    bound: float
    at_least: bool
    measure: Callable[[Sections], float]
    unit: str = ""

    def reached(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound


def _words(section: str, collection: str, way: str, score: str) -> Callable[[Sections], float]:
    return lambda s: float(s[section]["sets"][collection][way][score])


def _by_kind(collection: str) -> Callable[[Sections], float]:
    return lambda s: float(s["sound and photograph"]["there"][collection]["R@1"])


def _behind(language: str) -> Callable[[Sections], float]:
    return lambda s: float(s["languages"]["marked"][language]["behind"])


def _graphs(modality: str) -> Callable[[Sections], float]:
    return lambda s: float(s["budgets"]["calls"][modality]["graphs"])


def _retrieval() -> list[Mark]:
    there, back = "text to media", "media to text"
    rows = [
        ("text → photograph", "photographs", "gcompris", there, "R@1", 0.50),
        ("text → photograph", "photographs", "gcompris", there, "R@5", 0.68),
        ("text → photograph", "photographs", TOGETHER, there, "R@1", 0.50),
        ("text → photograph", "photographs", TOGETHER, there, "R@5", 0.68),
        ("photograph → text", "photographs", "gcompris", back, "R@1", 0.50),
        ("photograph → text", "photographs", TOGETHER, back, "R@1", 0.50),
        ("text → sound", "sounds", "recordings", there, "R@1", 0.50),
        ("text → sound", "sounds", TOGETHER, there, "R@1", 0.50),
        ("text → shape", "shapes", "scans", there, "R@1", 0.25),
        ("text → shape", "shapes", "scans", there, "R@5", 0.60),
        ("text → shape", "shapes", TOGETHER, there, "R@1", 0.25),
        ("text → shape", "shapes", TOGETHER, there, "R@5", 0.60),
    ]
    return [
        Mark(f"{way}, {collection}: {score}", bound, True, _words(section, collection, direction, score))
        for way, section, collection, direction, score, bound in rows
    ]


MARKS = (
    *_retrieval(),
    Mark("sound → photograph by kind, recordings: R@1", 0.55, True, _by_kind("recordings")),
    Mark(f"sound → photograph by kind, {TOGETHER}: R@1", 0.55, True, _by_kind(TOGETHER)),
    *(Mark(f"{NAMES[language]} behind English, points of R@1", 8, False, _behind(language)) for language in MARKED),
    Mark("spoken English behind typed, points of R@1", 8, False,
         lambda s: float(s["speech"]["English to photographs"]["behind"])),
    Mark("14 categories, zero-shot", 0.75, True, lambda s: float(s["zero-shot"]["value"])),
    Mark("mixed top 10: a modality's share against its share of what is relevant", 1.5, False,
         lambda s: float(s["mixed"]["calibrated"]["largest ratio"])),
    Mark("text, graphs on one core", 2, False, _graphs("text"), " ms"),
    Mark("image, graphs on one core", 20, False, _graphs("image"), " ms"),
    Mark("10 s of sound, graphs on one core", 50, False, _graphs("audio"), " ms"),
    Mark("shape, graphs on one core", 200, False, _graphs("point_cloud"), " ms"),
    Mark("video of 10 s, graphs on one core", 300, False, _graphs("video"), " ms"),
    Mark("memory, all towers", 700, False, lambda s: float(s["budgets"]["memory MiB"]), " MiB"),
    Mark("from start to ready", 5, False, lambda s: float(s["budgets"]["start s"]), " s"),
)  # fmt: skip


def judged(sections: Sections) -> list[tuple[Mark, float | None, bool | None]]:
    """Every mark with what was measured and whether it was reached; None where nothing was measured."""
    out: list[tuple[Mark, float | None, bool | None]] = []
    for mark in MARKS:
        try:
            value = mark.measure(sections)
        except ABSENT:
            out.append((mark, None, None))
        else:
            out.append((mark, value, mark.reached(value)))
    return out
