"""The tokenizer: byte-level BPE learnt from the captions, so that any UTF-8 becomes tokens."""

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from preprocessing import TEXT
from reference import tokens
from world import captions
from world.catalogue import COLOURS, MOTIONS, NAMES, RELATIONS

VOCABULARY = 2048
CACHE = Path(__file__).parent / ".cache"


def corpus(count: int = 60000):
    """Captions of every kind and colour, of scenes too: words are shared by the pairs that are held out, so nothing leaks."""
    r = np.random.default_rng(3)
    pick = lambda options: options[int(r.integers(len(options)))]  # noqa: E731
    for i in range(count):
        language, pair = ("en", "de", "en", "es")[i % 4], (pick(NAMES), pick(list(COLOURS)))
        if r.random() < 0.3:
            yield captions.scene_caption([pair, (pick(NAMES), pick(list(COLOURS)))], pick(RELATIONS), r, language=language)
        else:
            yield captions.caption(*pair, r, pick(MOTIONS) if r.random() < 0.3 else None, language=language)


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


def batches(tokenizer: Tokenizer, texts: list[str]):
    """(numbers of the texts, ids, mask) for the texts of each padded length."""
    by: dict[int, list] = {}
    for number, encoded in enumerate(tokenizer.encode_batch(texts)):
        ids, mask = tokens(encoded.ids)
        by.setdefault(len(ids), []).append((number, ids, mask))
    for rows in by.values():
        numbers, ids, mask = zip(*rows)
        yield list(numbers), np.stack(ids), np.stack(mask)


def batch(tokenizer: Tokenizer, texts: list[str]):
    """(ids, mask) int64 [B, T], padded to the longest."""
    rows = [tokens(e.ids) for e in tokenizer.encode_batch(texts)]
    longest = max(len(ids) for ids, _ in rows)
    pad = lambda row: np.pad(row, (0, longest - len(row)), constant_values=TEXT["pad_id"])  # noqa: E731
    return np.stack([pad(ids) for ids, _ in rows]), np.stack([pad(mask) for _, mask in rows])
