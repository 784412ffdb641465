"""Retrieval scores and the tables of the model card."""

import numpy as np

from eval.testset import MODALITIES


def recall(queries: np.ndarray, gallery: np.ndarray, k: int) -> float:
    """How often the item of the same row is among the k nearest by cosine; rows are unit vectors."""
    order = np.argsort(-(queries @ gallery.T), axis=1)[:, :k]
    return float((order == np.arange(len(queries))[:, None]).any(1).mean())


def retrieval(vectors: dict[str, np.ndarray]) -> list[tuple[str, str, float, float]]:
    """(from, to, R@1, R@5) for every ordered pair of modalities."""
    return [
        (a, b, recall(vectors[a], vectors[b], 1), recall(vectors[a], vectors[b], 5)) for a in MODALITIES for b in MODALITIES if a != b
    ]


def accuracy(vectors: np.ndarray, labels: np.ndarray, wanted: list[int]) -> float:
    """How often the nearest label is the right one."""
    return float(((vectors @ labels.T).argmax(1) == np.asarray(wanted)).mean())


def tables(result: dict) -> str:
    """Markdown of everything measured."""
    size = result["pairs"]
    lines = [f"Gallery of {size}: every held-out pair once in each modality, as encoded files. Chance for R@1 is {1 / size:.3f}.", ""]
    lines += ["| | text → X R@1 | R@5 | X → text R@1 | R@5 |", "|---|---|---|---|---|"]
    found = {(a, b): (r1, r5) for a, b, r1, r5 in result["retrieval"]}
    for m in MODALITIES[1:]:
        (a1, a5), (b1, b5) = found["text", m], found[m, "text"]
        lines.append(f"| {m} | {a1:.3f} | {a5:.3f} | {b1:.3f} | {b5:.3f} |")
    lines += ["", "Between the other modalities, R@1 (row → column). Only weakly trained for:", ""]
    lines += ["| | " + " | ".join(MODALITIES[1:]) + " |", "|---" * len(MODALITIES) + "|"]
    for a in MODALITIES[1:]:
        cells = ["·" if a == b else f"{found[a, b][0]:.3f}" for b in MODALITIES[1:]]
        lines.append(f"| {a} | " + " | ".join(cells) + " |")
    lines += ["", "Zero-shot classification by text labels, accuracy:", "", "| | among | accuracy |", "|---|---|---|"]
    lines += [f"| {what} | {among} | {score:.3f} |" for what, among, score in result["zero_shot"]]
    if "parity" in result:
        lines += ["", "Parity: cosine of the service's vector and the Python reference's, same files:", "", "| | files | least | mean |", "|---|---|---|---|"]
        lines += [f"| {m} | {n} | {low:.6f} | {mean:.6f} |" for m, n, low, mean in result["parity"]]
    return "\n".join(lines)
