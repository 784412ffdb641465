"""Texts to vectors by the text graph that is shipped, so that classes lie where questions will."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer
from tqdm import tqdm

from .graph import Array

BATCH = 64


def session(model: Path | bytes, threads: int = 2) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


class Sentences:
    """Vectors of texts, kept in a file from one run to the next by the digest of graph and tokenizer."""

    def __init__(self, model: bytes, tokenizer: str, cache: Path) -> None:
        self.model, self.tokenizer = model, Tokenizer.from_str(tokenizer)
        self.tokenizer.enable_padding(pad_id=0)
        digest = hashlib.sha256(model + tokenizer.encode()).hexdigest()[:16]
        self.file = cache / f"sentences-{digest}.npz"
        self.known: dict[str, Array] = {}
        if self.file.exists():
            with np.load(self.file) as kept:
                self.known = dict(zip(kept["texts"].tolist(), kept["vectors"], strict=True))

    def __call__(self, texts: Sequence[str]) -> Array:
        """Unit vectors `[texts, 512]`."""
        new = sorted({text for text in texts if text not in self.known}, key=lambda text: (len(text), text))
        if new:
            self._embed(new)
        return np.stack([self.known[text] for text in texts])

    def _embed(self, texts: list[str]) -> None:
        graph = session(self.model)
        for start in tqdm(range(0, len(texts), BATCH), desc="class texts", disable=len(texts) < 50 * BATCH):
            batch = texts[start : start + BATCH]
            encoded = self.tokenizer.encode_batch(batch)
            feed = {
                "input_ids": np.array([one.ids for one in encoded], np.int64),
                "attention_mask": np.array([one.attention_mask for one in encoded], np.int64),
            }
            self.known.update(zip(batch, graph.run(None, feed)[0], strict=True))
        np.savez(self.file, texts=np.array(list(self.known)), vectors=np.stack(list(self.known.values())))
