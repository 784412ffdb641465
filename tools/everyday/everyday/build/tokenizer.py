"""A sentencepiece model of unigrams as a `tokenizer.json` of the tokenizers library."""

import base64
import json
import struct
from pathlib import Path
from typing import Any

from . import protobuf

# Fields of ModelProto: its pieces (text, score), and its normalizer, of which the map of characters.
PIECE, NORMALIZER = 1, 3
TEXT, SCORE = 1, 2
CHARSMAP = 2
UNKNOWN, START, END = "<unk>", "<s>", "</s>"
# What sentencepiece writes for a space.
SPACE = "\u2581"


def convert(model: Path) -> str:
    """The text of a tokenizer.json that gives the ids of the sentencepiece model, with START before and END behind.

    Runs of characters that it has no piece for become one unknown, as in sentencepiece.
    """
    pieces, charsmap = _read(model.read_bytes())
    if [text for text, _ in pieces[:3]] != [UNKNOWN, START, END]:
        raise ValueError(f"{model.name} begins with the pieces {pieces[:3]}")
    metaspace = {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "always", "split": False}
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_special(number, pieces[number][0]) for number in range(3)],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap).decode()},
            {"type": "Strip", "strip_left": True, "strip_right": True},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
        ]},
        "pre_tokenizer": metaspace,
        "post_processor": _template(),
        "decoder": metaspace,
        "model": {"type": "Unigram", "unk_id": 0, "vocab": pieces, "byte_fallback": False},
    }  # fmt: skip
    return json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":"))


def _read(model: bytes) -> tuple[list[tuple[str, float]], bytes]:
    pieces, charsmap = [], b""
    for field, value in protobuf.fields(model):
        if not isinstance(value, bytes):
            continue
        inner = protobuf.last(value)
        if field == PIECE:
            (score,) = struct.unpack("<f", struct.pack("<I", protobuf.number(inner, SCORE)))
            pieces.append((protobuf.message(inner, TEXT).decode(), score))
        elif field == NORMALIZER:
            charsmap = protobuf.message(inner, CHARSMAP)
    return pieces, charsmap


def _special(number: int, content: str) -> dict[str, Any]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": number, "content": content, **flags}


def _template() -> dict[str, Any]:
    text = {"Sequence": {"id": "A", "type_id": 0}}
    start, end = ({"SpecialToken": {"id": token, "type_id": 0}} for token in (START, END))
    tokens = {token: {"id": token, "ids": [number], "tokens": [token]} for number, token in ((1, START), (2, END))}
    # A pair of texts is never asked for; the library wants to know of one.
    pair = [text, {"Sequence": {"id": "B", "type_id": 0}}]
    return {"type": "TemplateProcessing", "single": [start, text, end], "pair": pair, "special_tokens": tokens}
