"""The marks: what the bundle has to reach, what was measured, and why where it was not."""

from collections.abc import Callable
from dataclasses import dataclass

WHOLE = "diorama"  # the slot of the bundle that ships; the others are compared with it

# Written by hand after a measurement: the mark's name and the reason that it was missed.
WHY: dict[str, str] = {}


@dataclass(frozen=True)
class Mark:
    """`measure` takes all slots; a KeyError means that it was not measured."""

    name: str
    bound: float
    at_least: bool
    measure: Callable[[dict], float]
    unit: str = ""


def _zero_shot(modality: str):
    def found(slots: dict) -> float:
        return next(r["prompts"] for r in slots[WHOLE]["zero_shot"]["zero_shot"] if (r["what"], r["modality"]) == ("kind", modality))

    return found


def _points_lost(twin: float, other: float) -> float:
    return 100 * (twin - other)


def _paraphrases(slots: dict) -> float:
    found = slots[WHOLE]["unseen"]["paraphrases"]
    mean = lambda rows: sum(rows.values()) / len(rows)  # noqa: E731
    return _points_lost(mean(found["twin"]), mean(found["unseen"]))


def _dimension(size: str):
    return lambda slots: _points_lost(*(slots[WHOLE]["ablation"]["dimensions"][d]["mean"] for d in ("256", size)))


def _budget(tower: str):
    return lambda slots: slots[WHOLE]["speed"]["towers"][tower]["median"]


MARKS = (
    Mark("Every pair in the gallery: mean R@1 of the 20 ordered pairs", 0.90, True, lambda s: s[WHOLE]["retrieval"]["mean"]),
    Mark("Every pair in the gallery: the least of them", 0.80, True, lambda s: s[WHOLE]["retrieval"]["least"]),
    Mark("Sound to kind, precision@1, mean over galleries", 0.85, True, lambda s: s[WHOLE]["sounds"]["mean"]),
    Mark("Scenes of two things, R@1, the lower of both directions", 0.70, True,
         lambda s: min(s[WHOLE]["scenes"][d]["R@1"] for d in ("text > image", "image > text"))),
    Mark("Motion of films, held-out kind x motion", 0.90, True, lambda s: s[WHOLE]["zero_shot"]["motion"]["held out"]),
    Mark("Zero-shot kind from images of held-out pairs", 0.95, True, _zero_shot("image")),
    Mark("Zero-shot kind from point clouds of held-out pairs", 0.95, True, _zero_shot("point_cloud")),
    Mark("Unseen voices lose, points", 10, False,
         lambda s: _points_lost(s[WHOLE]["unseen"]["voices"]["twin"], s[WHOLE]["unseen"]["voices"]["unseen"])),
    Mark("Unseen paraphrases lose, points", 5, False, _paraphrases),
    Mark("int8 loses, points of the mean R@1", 1, False, lambda s: _points_lost(s[WHOLE]["retrieval"]["mean"], s["int8"]["retrieval"]["mean"])),
    Mark("Dimension 128 loses, points of the mean R@1", 5, False, _dimension("128")),
    Mark("Dimension 64 loses, points of the mean R@1", 5, False, _dimension("64")),
    Mark("Parity with the reference, least cosine", 0.999, True, lambda s: min(row["least"] for row in s[WHOLE]["parity"].values())),
    Mark("All weights", 40, False, lambda s: s[WHOLE]["speed"]["megabytes"], " MB"),
    Mark("All weights, int8", 15, False, lambda s: s["int8"]["speed"]["megabytes"], " MB"),
    Mark("Text at batch 1", 3, False, _budget("text"), " ms"),
    Mark("Image at batch 1", 15, False, _budget("image"), " ms"),
    Mark("Audio of 10 s at batch 1", 20, False, _budget("audio"), " ms"),
    Mark("Points at batch 1", 15, False, _budget("point_cloud"), " ms"),
    Mark("Video at batch 1", 90, False, _budget("video"), " ms"),
)  # fmt: skip


def judged(slots: dict) -> list[tuple[Mark, float | None, bool | None]]:
    """Every mark with what was measured and whether it was reached; None where nothing was measured."""
    out = []
    for mark in MARKS:
        try:
            value = mark.measure(slots)
        except KeyError:
            out.append((mark, None, None))
            continue
        out.append((mark, value, value >= mark.bound if mark.at_least else value <= mark.bound))
    return out
