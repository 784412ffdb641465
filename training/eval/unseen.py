"""What training never had, each beside a twin that differs in nothing else: voices, wordings, proportions, surroundings; languages."""

import numpy as np

from eval import scores, testset
from eval.lab import Lab
from eval.scores import unit
from world import captions
from world.catalogue import split

WORDINGS = 3  # captions for each pair


def _asks_texts(lab: Lab, vectors: np.ndarray) -> float:
    """R@1 of a file of each held-out pair that asks the canonical captions of every pair."""
    rows, texts = testset.build("pairs"), lab.pairs()["text"]
    held = [i for i, row in enumerate(rows) if row["held_out"]]
    relevant = np.eye(len(rows), dtype=bool)[held]
    return scores.recall(vectors @ texts.T, relevant)


def _wordings(language: str = "en", unseen: bool = False) -> list[str]:
    r = np.random.default_rng(31)
    return [captions.caption(k, c, r, language=language, unseen=unseen) for k, c in split()[1] for _ in range(WORDINGS)]


def _asking(lab: Lab, key: str, texts: list[str], each: int) -> dict[str, float]:
    """R@1 of texts that ask the files of every pair, by modality."""
    rows, vectors = testset.build("pairs"), lab.pairs()
    held = np.repeat([i for i, row in enumerate(rows) if row["held_out"]], each)
    asked, relevant = lab.texts(key, texts), np.eye(len(rows), dtype=bool)[held]
    return {m: scores.recall(asked @ vectors[m].T, relevant) for m in testset.FILES}


def measure(lab: Lab) -> dict:
    rows = testset.build("pairs")
    held = np.array([row["held_out"] for row in rows])
    files = {name: _asks_texts(lab, unit(lab.files("unseen", name))) for name in testset.UNSEEN}
    plain = {m: _asks_texts(lab, lab.files("pairs", m)[held]) for m in testset.FILES}
    trained, new = _asking(lab, "wordings", _wordings(), WORDINGS), _asking(lab, "new wordings", _wordings(unseen=True), WORDINGS)
    canonical = {
        language: _asking(lab, f"plain {language}", [captions.plain(*p, language=language) for p in split()[1]], 1) for language in ("en", "de", "es")
    }
    free = {language: _asking(lab, f"wordings {language}", _wordings(language), WORDINGS) for language in ("de", "es")}
    return {
        "voices": {"twin": files["voice twin"], "unseen": files["voice"]},
        "paraphrases": {"twin": trained, "unseen": new},
        "proportions": {m: {"twin": plain[m], "unseen": files[f"shape {n}"]} for m, n in (("image", "image"), ("point_cloud", "points"))},
        "surroundings": {m: {"twin": plain[m], "unseen": files[f"place {m}"]} for m in ("image", "video")},
        "spoken": {"en": files["voice twin"], "de": files["de"], "es": files["es"]},
        "written": canonical, "written freely": {"en": trained, **free},
    }  # fmt: skip
