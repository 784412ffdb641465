"""Zero-shot classification: labels given as prompts, as pictures and as sounds; motions of films."""

import numpy as np

from eval import scores, testset
from eval.lab import Lab
from world import captions
from world.catalogue import COLOURS, MOTIONS, NAMES, SOUNDING

SHOWN = 5  # pictures that stand for a label


def prompts(lab: Lab, fact: str, names) -> np.ndarray:
    """[names, D]: the mean of the prompt ensemble; kinds are asked for as such and in every colour."""
    texts = [captions.zero_shot(**{fact: name}) for name in names]
    if fact == "kind":
        for name, group in zip(names, texts):
            group += [text for colour in COLOURS for text in captions.zero_shot(kind=name, colour=colour)]
    vectors = lab.texts(f"prompts {fact}", [t for group in texts for t in group])
    return scores.mean_vectors(vectors, [name for name, group in zip(names, texts) for _ in group], names)


def shown(lab: Lab, fact: str, names) -> np.ndarray:
    """[names, D]: the mean of a few pictures, of training pairs only, so that no query is its own label."""
    rows, pictures = testset.build("pairs"), lab.files("pairs", "image")
    r, labels = np.random.default_rng(1), []
    for name in names:
        fitting = [i for i, row in enumerate(rows) if row[fact] == name and not row["held_out"]]
        labels.append(pictures[r.permutation(fitting)[:SHOWN]].mean(0))
    return scores.unit(np.stack(labels))


def heard(lab: Lab) -> np.ndarray:
    """[sounding kinds, D]: the mean of each kind's signature sounds."""
    rows = testset.build("sounds")
    return scores.mean_vectors(lab.files("sounds", "sound"), [row["kind"] for row in rows], SOUNDING)


def measure(lab: Lab) -> dict:
    every, individuals = testset.build("pairs"), testset.individuals()
    all_vectors, vectors = lab.pairs(), lab.individuals()
    rows = []
    for fact, names in (("kind", NAMES), ("colour", tuple(COLOURS))):
        by_text, by_picture = prompts(lab, fact, names), shown(lab, fact, names)
        for m in testset.FILES:
            wanted = [names.index(row[fact]) for row in individuals]
            rows.append({
                "what": fact, "modality": m, "among": len(names),
                "prompts": scores.accuracy(vectors[m], by_text, wanted), "pictures": scores.accuracy(vectors[m], by_picture, wanted),
                "prompts, all pairs": scores.accuracy(all_vectors[m], by_text, [names.index(row[fact]) for row in every]),
            })  # fmt: skip
    return {"zero_shot": rows, "sounds": _by_sounds(lab, individuals, vectors), "motion": _motions(lab)}


def _by_sounds(lab: Lab, rows: list[dict], vectors: dict[str, np.ndarray]) -> dict:
    labels = heard(lab)
    sounding = np.array([row["kind"] in SOUNDING for row in rows])
    wanted = [SOUNDING.index(row["kind"]) for row in rows if row["kind"] in SOUNDING]
    return {"among": len(SOUNDING), **{m: scores.accuracy(vectors[m][sounding], labels, wanted) for m in ("text", *testset.FILES)}}


def _motions(lab: Lab) -> dict:
    """Films of held-out kind x motion pairs, and of trained ones."""
    labels = prompts(lab, "motion", MOTIONS)
    more, pairs = testset.build("more"), testset.build("pairs")
    films = np.concatenate([lab.files("more", "video"), lab.files("pairs", "video")])
    new = np.array([row["new_motion"] for row in more] + [False] * len(pairs))
    wanted = np.array([MOTIONS.index(row["motion"]) for row in more + pairs])
    each = {m: scores.accuracy(films[wanted == i], labels, wanted[wanted == i]) for i, m in enumerate(MOTIONS)}
    return {
        "among": len(MOTIONS), "films": int(new.sum()), "held out": scores.accuracy(films[new], labels, wanted[new]),
        "trained": scores.accuracy(films[~new], labels, wanted[~new]), "each": each,
    }  # fmt: skip
