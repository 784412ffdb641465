"""The evaluation through the reference code, without a service: python -m eval.offline. It steers; `served` is published."""

from pathlib import Path

import numpy as np
import torch

import golden
import train
import words
from eval import scores, testset
from world import captions
from world.catalogue import COLOURS, MOTIONS, NAMES


class Reference:
    """Embeds files and texts with PyTorch and the reference preprocessing."""

    def __init__(self):
        self.tokenizer = words.load()
        saved = torch.load(train.CHECKPOINT, weights_only=True)
        self.step = saved["step"]
        self.space = train.averaged(saved["shadow"], self.tokenizer.get_vocab_size())

    def files(self, modality: str, paths: list[str]) -> np.ndarray:
        return np.stack([golden.embed(self.space, self.tokenizer, modality, Path(p)) for p in paths])

    @torch.no_grad()
    def texts(self, texts: list[str]) -> np.ndarray:
        ids, mask = words.batch(self.tokenizer, texts)
        return self.space.read(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()


def evaluate(embedder) -> tuple[dict, dict[str, np.ndarray]]:
    """Everything that is measured, by anything that has `files` and `texts`; also the vectors by modality."""
    index = testset.build()
    pairs, sounds = index["pairs"], index["sounds"]
    vectors = {m: embedder.files(m, [p["files"][m] for p in pairs]) for m in testset.MODALITIES}
    kinds = embedder.texts([captions.article(f"a {k}") for k in NAMES])
    colours = embedder.texts([f"something {c}" for c in COLOURS])
    motions = embedder.texts([f"something {m}" for m in MOTIONS])
    zero_shot = []
    for m in testset.MODALITIES[1:]:
        zero_shot.append((f"{m}: kind", len(NAMES), scores.accuracy(vectors[m], kinds, [NAMES.index(p["kind"]) for p in pairs])))
    for m in testset.MODALITIES[1:]:
        zero_shot.append((f"{m}: colour", len(COLOURS), scores.accuracy(vectors[m], colours, [list(COLOURS).index(p["colour"]) for p in pairs])))
    zero_shot.append(("video: motion", len(MOTIONS), scores.accuracy(vectors["video"], motions, [MOTIONS.index(p["motion"]) for p in pairs])))
    heard = embedder.files("audio", [s["file"] for s in sounds])
    zero_shot.append(("signature sounds: kind", len(NAMES), scores.accuracy(heard, kinds, [NAMES.index(s["kind"]) for s in sounds])))
    return {"pairs": len(pairs), "retrieval": scores.retrieval(vectors), "zero_shot": zero_shot}, vectors


if __name__ == "__main__":
    torch.set_num_threads(1)
    reference = Reference()
    print(f"step {reference.step}\n" + scores.tables(evaluate(reference)[0]))
