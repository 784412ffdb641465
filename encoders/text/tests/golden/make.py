#!/usr/bin/env python3
"""Makes the tokenizers of the tests and what they give for some texts: python3 make.py

Needs the `tokenizers` package. word_piece.json is a lower-casing WordPiece of the BERT kind, byte_bpe.json a
byte-level BPE of the GPT kind; both are trained on the few sentences below.
"""

import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = Path(__file__).parent
CORPUS = [
    "a red cup on a wooden table", "two dogs bark behind the grey house", "rain falls on the tin roof at night",
    "the blue car turns left", "a violin plays a slow melody", "chairs, tables and lamps of every size",
    "ein roter Becher steht auf dem Tisch", "un chien aboie derrière la maison", "红色杯子放在桌子上", "кошка спит",
]
TEXTS = [
    "a red cup", "A RED CUP!", "Ein roter Becher – 红色杯子", "", " \t\n ", "naïve café", "🙂 the dog", "x" * 300,
    "the blue car turns left and the two dogs bark behind the grey house while rain falls on the tin roof",
]


def word_piece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def byte_bpe():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<pad>", "<end>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A <end>", special_tokens=[("<end>", 1)])
    return tokenizer


golden = {}
for name, tokenizer in [("word_piece", word_piece()), ("byte_bpe", byte_bpe())]:
    tokenizer.save(str(HERE / f"{name}.json"), pretty=False)
    tokenizer.enable_truncation(16)
    golden[name] = [{"text": text, "ids": tokenizer.encode(text).ids} for text in TEXTS]
(HERE / "ids.json").write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")
