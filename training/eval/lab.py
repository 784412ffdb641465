"""The test set and its vectors: what every measurement takes. Vectors are kept in the cache by bundle and test set."""

from pathlib import Path

import numpy as np

from eval import testset
from eval.scores import MODALITIES, cut


class Lab:
    """Rows of the test set and vectors from an embedder, which has a `name`, `files` and `texts`."""

    def __init__(self, embedder):
        self.embedder = embedder
        self.folder = testset.TRAINING / ".cache" / f"vectors-{embedder.name[:24]}-{testset.digest()}"

    def _kept(self, key: str, wanted: list[str], embed) -> np.ndarray:
        """The vectors under a key, as long as they are of the same inputs."""
        path = self.folder / f"{key.replace(' ', '-').replace('/', '-')}.npz"
        if path.exists():
            kept = np.load(path)
            if kept["inputs"].tolist() == wanted:
                return kept["vectors"]
        vectors = embed(key, wanted)
        self.folder.mkdir(parents=True, exist_ok=True)
        np.savez(path, inputs=np.array(wanted), vectors=vectors)
        return vectors

    def files(self, plan: str, name: str) -> np.ndarray:
        """[rows, D] of the file `name` of every row of a plan; the files are made if need be."""
        paths = [row["files"][name] for row in testset.build(plan)]
        relative = [str(Path(p).relative_to(testset.folder())) for p in paths]
        return self._kept(f"{plan} {name}", relative, lambda key, _: self.embedder.files(key, paths))

    def texts(self, key: str, texts: list[str]) -> np.ndarray:
        return self._kept(f"text {key}", texts, self.embedder.texts)

    def pairs(self, dimension: int = 256) -> dict[str, np.ndarray]:
        """Vectors by modality of every kind in every colour; the texts are the canonical captions."""
        out = {m: self.files("pairs", m) for m in testset.FILES}
        out["text"] = self.texts("pairs", [row["plain"] for row in testset.pairs()])
        return {m: cut(out[m], dimension) for m in MODALITIES}

    def individuals(self) -> dict[str, np.ndarray]:
        """Vectors by modality of the rows of `testset.individuals()`; the texts are captions of all sorts."""
        held = np.array([row["held_out"] for row in testset.pairs()])
        out = {m: np.concatenate([self.files("pairs", m)[held], self.files("more", m)]) for m in testset.FILES}
        out["text"] = self.texts("individuals", [row["text"] for row in testset.individuals()])
        return out

    def calibration(self) -> tuple[dict[str, np.ndarray], dict[str, list[dict]]]:
        """(vectors, rows) by modality of training pairs; audio is speech, then signature sounds."""
        rows = testset.build("calibration")
        vectors = {m: self.files("calibration", m) for m in testset.FILES}
        vectors["text"] = self.texts("calibration", [row["text"] for row in rows])
        by = {m: [{"kind": row["kind"], "colour": row["colour"]} for row in rows] for m in MODALITIES}
        sounds = testset.build("calibration_sounds")
        vectors["audio"] = np.concatenate([vectors["audio"], self.files("calibration_sounds", "sound")])
        by["audio"] = by["audio"] + [{"kind": row["kind"]} for row in sounds]
        return vectors, by
