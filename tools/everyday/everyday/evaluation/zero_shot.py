"""Which of 14 categories a photograph is of, asked of the service's Classify; nothing was trained for it."""

import time
from typing import Any

import grpc
import numpy as np
from tqdm import tqdm

from everyday.evaluation import scores, sets, stamps
from everyday.evaluation.embed import PATIENCE, PAUSE, TRY_AGAIN
from everyday.evaluation.lab import Lab
from everyday.evaluation.service import Failed

LABELS = tuple(sorted({name for _, name in stamps.CATEGORIES if name}))
TEMPLATES = ("{}", "a photo of a {}", "a picture of a kind of {}")


def _first(lab: Lab, data: bytes) -> str:
    """The most probable label."""
    pb = lab.embedder.types
    request = pb.ClassifyRequest(
        media=pb.Media(data=data), labels=[pb.Label(examples=[pb.Media(text=name)]) for name in LABELS],
        templates=TEMPLATES,
    )  # fmt: skip
    for _ in range(PATIENCE):
        try:
            return str(lab.embedder.service.searching.Classify(request, timeout=60).labels[0].label)
        except grpc.RpcError as error:
            if error.code() not in TRY_AGAIN:
                raise
            time.sleep(PAUSE)
    raise Failed("zero-shot: the service stays full")


def measure(lab: Lab) -> dict[str, Any]:
    items = [item for item in sets.of(lab.items, "image", "stamps") if item.category]
    told = [_first(lab, item.file.read_bytes()) for item in tqdm(items, desc="zero-shot", leave=False)]
    right = np.array([name == item.category for name, item in zip(told, items, strict=True)])
    each = {name: np.array([item.category == name for item in items]) for name in LABELS}
    return scores.share(right, 1 / len(LABELS)) | {
        "labels": list(LABELS), "templates": list(TEMPLATES),
        "each": {name: {"n": int(m.sum()), "value": float(right[m].mean())} for name, m in each.items() if m.any()},
        "mean of the categories": float(np.mean([right[m].mean() for m in each.values() if m.any()])),
    }  # fmt: skip
