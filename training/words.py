"""The tokenizer: byte-level BPE learnt from the captions, so that any UTF-8 becomes tokens."""

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from preprocessing import TEXT
from reference import tokens
from world import captions
from world.catalogue import COLOURS, MOTIONS, NAMES

VOCABULARY = 2048
CACHE = Path(__file__).parent / ".cache"


def corpus(count: int = 60000):
    """Captions of every kind and colour: words are shared by the pairs that are held out, so nothing leaks."""
    r = np.random.default_rng(3)
    for i in range(count):
        kind, colour = NAMES[int(r.integers(len(NAMES)))], list(COLOURS)[int(r.integers(len(COLOURS)))]
        motion = MOTIONS[int(r.integers(len(MOTIONS)))] if r.random() < 0.3 else None
        yield captions.caption(kind, colour, r, motion, language=("en", "de", "en", "es")[i % 4])


def build() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, min_frequency=8, special_tokens=["[PAD]", "[CLS]"], initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A", special_tokens=[("[CLS]", tokenizer.token_to_id("[CLS]"))])
    return tokenizer


def load() -> Tokenizer:
    """The tokenizer of this training run, built the first time."""
    path = CACHE / TEXT["tokenizer"]
    if not path.exists():
        CACHE.mkdir(exist_ok=True)
        build().save(str(path))
    return Tokenizer.from_file(str(path))


def batch(tokenizer: Tokenizer, texts: list[str]):
    """(ids, mask) int64 [B, T], padded to the longest."""
    rows = [tokens(e.ids) for e in tokenizer.encode_batch(texts)]
    longest = max(len(ids) for ids, _ in rows)
    pad = lambda row: np.pad(row, (0, longest - len(row)), constant_values=TEXT["pad_id"])  # noqa: E731
    return np.stack([pad(ids) for ids, _ in rows]), np.stack([pad(mask) for _, mask in rows])
