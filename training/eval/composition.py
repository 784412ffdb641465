"""Things put together: a picture and words added up, and two things in one picture."""

import numpy as np

from eval import scores, testset
from eval.lab import Lab
from world.catalogue import COLOURS, NAMES


def recolour(lab: Lab) -> dict:
    """Picture + new colour - old colour finds the picture of that, among every kind in every colour."""
    colours = list(COLOURS)
    words = lab.texts("colours", [f"something {c}" for c in colours])
    pictures, rows = lab.files("more", "image"), testset.build("more")
    gallery = testset.build("pairs")
    r, wanted, asked = np.random.default_rng(2), [], []
    for row, picture in zip(rows, pictures):
        old = colours.index(row["colour"])
        new = int(r.choice([c for c in range(len(colours)) if c != old]))
        asked.append(picture + words[new] - words[old])
        wanted.append(len(colours) * NAMES.index(row["kind"]) + new)
    found = (scores.unit(np.stack(asked)) @ lab.files("pairs", "image").T).argmax(1)
    right = found == np.array(wanted)
    kind = [gallery[f]["kind"] == gallery[w]["kind"] for f, w in zip(found, wanted)]
    colour = [gallery[f]["colour"] == gallery[w]["colour"] for f, w in zip(found, wanted)]
    return {
        "queries": len(rows), "gallery": len(gallery), "R@1": float(right.mean()), "kind": float(np.mean(kind)),
        "colour": float(np.mean(colour)), "chance": 1 / len(gallery),
    }  # fmt: skip


def scenes(lab: Lab) -> dict:
    """Two things in a relation, among scenes of which three show the same two things otherwise."""
    rows = testset.build("scenes")
    pictures, texts = lab.files("scenes", "scene"), lab.texts("scenes", [row["text"] for row in rows])
    own, bases = np.eye(len(rows), dtype=bool), np.array([row["base"] for row in rows])
    same = bases[:, None] == bases[None]
    held, relation = np.array([row["held_out"] for row in rows]), np.array([row["relation"] for row in rows])
    out = {"size": len(rows), "chance": 1 / len(rows)}
    for name, table in (("text > image", texts @ pictures.T), ("image > text", pictures @ texts.T)):
        right = table.argmax(1) == np.arange(len(rows))
        out[name] = {
            "R@1": scores.recall(table, own), "R@5": scores.recall(table, own, 5), "both things": scores.recall(table, same),
            "which of the four": scores.recall(np.where(same, table, -2), own), "with a held-out pair": scores.recall(table[held], own[held]),
            "by relation": {str(w): float(right[relation == w].mean()) for w in np.unique(relation)},
        }  # fmt: skip
    return out
