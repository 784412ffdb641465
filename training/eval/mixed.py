"""One collection of all modalities: does a text find more than texts, before and after calibration?"""

import numpy as np

from eval import calibration, scores, testset
from eval.lab import Lab
from eval.scores import MODALITIES

TOP = 10


def measure(lab: Lab) -> dict:
    """Canonical captions of the held-out pairs ask the individuals in all modalities at once."""
    rows, vectors = testset.individuals(), lab.individuals()
    asked = [row for row in testset.build("pairs") if row["held_out"]]
    queries = lab.texts("mixed", [row["plain"] for row in asked])
    table = calibration.table(lab)
    scale = {item: (mean, std) for query, item, mean, std in table if query == "text"}
    cosines = {m: queries @ vectors[m].T for m in MODALITIES}
    relevant = scores.agreement(testset.facts(asked, "point_cloud"), testset.facts(rows, "point_cloud"))  # kind and colour
    calibrated = {m: (c - scale[m][0]) / scale[m][1] for m, c in cosines.items()}
    out = {"items": len(rows) * len(MODALITIES), "queries": len(asked), "relevant": float(relevant.sum(1).mean()) * (len(MODALITIES) - 1)}
    out |= {"before": _top(cosines, relevant), "after": _top(calibrated, relevant)}
    return out | {"calibration": table, "gap": _gap(vectors)}


def _top(found: dict[str, np.ndarray], relevant: np.ndarray) -> dict:
    """Of the ten best: the share that is relevant and no text, the share that is relevant at all, and who is there."""
    everything = np.concatenate([found[m] for m in MODALITIES], 1)
    best = scores.ranking(everything)[:, :TOP]
    whose, row = best // relevant.shape[1], best % relevant.shape[1]
    right = np.take_along_axis(relevant, row, 1)
    possible = np.minimum(TOP, (len(MODALITIES) - 1) * relevant.sum(1))
    other = (right & (whose != MODALITIES.index("text"))).sum(1)
    return {
        "other modalities": float((other / possible).mean()), "relevant": float(right.mean()),
        "shares": {m: float((whose == i).mean()) for i, m in enumerate(MODALITIES)},
    }  # fmt: skip


def _gap(vectors: dict[str, np.ndarray]) -> dict[str, float]:
    """The distance between the middle of the texts and that of each other modality."""
    middle = {m: v.mean(0) for m, v in vectors.items()}
    return {m: float(np.linalg.norm(middle[m] - middle["text"])) for m in MODALITIES if m != "text"}
