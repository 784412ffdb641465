"""Who finds whom: galleries of every pair, galleries of individuals, and signature sounds."""

import numpy as np

from eval import scores, testset
from eval.lab import Lab
from eval.scores import MODALITIES, ORDERED
from world.catalogue import NAMES, SOUNDING

V0_KINDS = 36  # the first bundle knew the first so many kinds


def first_places(vectors: dict[str, np.ndarray], queries: np.ndarray | None = None, gallery: np.ndarray | None = None) -> dict[str, float]:
    """R@1 of every ordered pair; rows belong together. Masks choose who asks and who is there to be found."""
    size = len(vectors["text"])
    queries = np.ones(size, bool) if queries is None else queries
    gallery = np.ones(size, bool) if gallery is None else gallery
    relevant = np.eye(size, dtype=bool)[queries][:, gallery]
    return {f"{a} > {b}": scores.recall(vectors[a][queries] @ vectors[b][gallery].T, relevant) for a, b in ORDERED}


def mean(found: dict[str, float]) -> float:
    return float(np.mean(list(found.values())))


def galleries(lab: Lab) -> dict:
    """Every kind in every colour, once in each modality: R@1 of the ordered pairs."""
    rows, vectors = testset.build("pairs"), lab.pairs()
    held = np.array([row["held_out"] for row in rows])
    known = np.array([NAMES.index(row["kind"]) < V0_KINDS for row in rows])
    every, unseen = first_places(vectors), first_places(vectors, held)
    among_held = first_places(vectors, held, held)
    return {
        "size": len(rows), "held out": int(held.sum()), "all": every, "mean": mean(every), "least": min(every.values()),
        "held-out queries": unseen, "held-out mean": mean(unseen), "held-out least": min(unseen.values()),
        "among held-out mean": mean(among_held), "chance": 1 / len(rows),
        "v0 size": int(known.sum()), "v0 kinds": first_places(vectors, known, known), "v0 mean": mean(first_places(vectors, known, known)),
    }  # fmt: skip


def individuals(lab: Lab) -> dict:
    """500 individuals of held-out pairs, of all sizes, materials and motions: everything about every ordered pair."""
    rows, vectors, table = testset.individuals(), lab.individuals(), {}
    for a, b in ORDERED:
        relevant = scores.agreement(testset.facts(rows, a), testset.facts(rows, b))
        table[f"{a} > {b}"] = scores.retrieval(vectors[a], vectors[b], relevant)
    return {"size": len(rows), "pairs": table}


def signatures(lab: Lab) -> dict:
    """A kind's own sound carries the kind alone: the same measures, and how often the first answer is of the right kind."""
    heard, rows = lab.files("sounds", "sound"), testset.build("sounds")
    things, vectors = testset.build("pairs"), lab.pairs()
    table, precision = {}, {}
    wanted = np.array([[q["kind"] == t["kind"] for t in things] for q in rows])
    sounding = np.array([t["kind"] in SOUNDING for t in things])
    for m in MODALITIES:
        table[f"sound > {m}"] = scores.retrieval(heard, vectors[m], wanted)
        table[f"{m} > sound"] = scores.retrieval(vectors[m][sounding], heard, wanted.T[sounding])
        precision[m] = table[f"sound > {m}"]["R@1"]
    return {"sounds": len(rows), "gallery": len(things), "kinds": len(SOUNDING), "pairs": table, "precision": precision, "mean": mean(precision)}
