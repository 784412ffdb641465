"""The bundle without a service: the reference preprocessing, ONNX Runtime and the alignments.

Parity is measured against it; `python -m eval.without_service` runs the evaluation through it, to steer by.
"""

import hashlib
import tomllib
from pathlib import Path

import numpy as np
import onnxruntime
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from tqdm import tqdm

import reference
from eval.scores import unit


BUNDLE = Path(__file__).parent.parent.parent / "bundles" / "diorama"
MODALITY = {
    ".txt": "text", ".jpg": "image", ".png": "image", ".webp": "image", ".mp3": "audio", ".wav": "audio", ".ogg": "audio", ".flac": "audio",
    ".mp4": "video", ".webm": "video", ".ply": "point_cloud",
}  # fmt: skip


class Tower:
    """One graph with its alignment."""

    def __init__(self, bundle: Path, table: dict, threads: int = 1):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(bundle / table["model"]), options, providers=["CPUExecutionProvider"])
        self.inputs = table["inputs"]
        self.alignment = load_file(str(bundle / table["alignment"])) if "alignment" in table else None

    def run(self, *arrays: np.ndarray) -> np.ndarray:
        """Unit vectors of a batch."""
        native = self.session.run(None, dict(zip(self.inputs, arrays)))[0]
        if self.alignment is not None:
            native = native @ self.alignment["weight"].T + self.alignment["bias"]
        return unit(native)


class Reference:
    """Embeds files and texts; `name` tells bundles apart. No service means no AAC: the reference reads what libsndfile reads."""

    unreadable = (".aac",)

    def __init__(self, bundle: Path = BUNDLE):
        manifest = (bundle / "bundle.toml").read_text()
        self.name = "offline-" + hashlib.sha256(manifest.encode()).hexdigest()[:16]
        self.towers = {name: Tower(bundle, table) for name, table in tomllib.loads(manifest)["towers"].items()}
        self.tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))

    def file(self, path: str) -> np.ndarray:
        """The unit vector of one file; samples of a long file are averaged and the mean is made unit again."""
        modality = MODALITY[Path(path).suffix]
        if modality == "text":
            return self.text(Path(path).read_text())
        samples = getattr(reference, modality)(path)
        batch = np.stack(samples) if isinstance(samples, list) else samples[None]
        return unit(self.towers[modality].run(np.ascontiguousarray(batch, np.float32)).mean(0))

    def text(self, text: str) -> np.ndarray:
        ids, mask = reference.tokens(self.tokenizer.encode(text).ids)
        return self.towers["text"].run(ids[None], mask[None])[0]

    def files(self, label: str, paths: list[str]) -> np.ndarray:
        return np.stack([self.file(p) for p in tqdm(paths, desc=label)])

    def texts(self, label: str, texts: list[str]) -> np.ndarray:
        return np.stack([self.text(t) for t in tqdm(texts, desc=label)])
