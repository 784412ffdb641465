"""Speech against faster-whisper with the same weights.

    python -m everyday.whisper_compare hear MODEL SET OUT [--compute int8] [--threads 2] [--language given]
    python -m everyday.whisper_compare compare SET THEIRS OURS...

SET is a list of `{"file", "text", "language", "kind"}`, the text as it was spoken or null, the files WAV of one
channel of 16 bits at 16 kHz. `hear` lets faster-whisper (which is not among this package's dependencies) hear them,
greedily and without what it can do beyond that; MODEL is a folder with `model.bin`, `config.json`, `tokenizer.json`
and `vocabulary.txt`. `cargo run --example transcribe` of encoders/runtime hears them with the service's own code.
Both write one JSON object a line, and `compare` tells how often the texts are the same, the error rates and the times.
"""

from __future__ import annotations

import argparse
import json
import time
import unicodedata
import wave
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

Rows = dict[str, dict[str, Any]]


def samples(path: str) -> np.ndarray:
    """The samples of a WAV file."""
    with wave.open(path) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768


def plain(text: str) -> str:
    """Letters and figures alone, in small letters."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", text).casefold() if letter.isalnum())


def words(text: str) -> list[str]:
    """The words of a text; of Chinese its signs."""
    found = [plain(word) for word in text.split()]
    if any("一" <= letter <= "鿿" for letter in text):
        return list("".join(found))
    return [word for word in found if word]


def errors(spoken: list[str], heard: list[str]) -> int:
    """How many words were left out, put in or mistaken (Levenshtein's distance)."""
    row = list(range(len(heard) + 1))
    for at, word in enumerate(spoken, 1):
        before, row[0] = row[:], at
        for place, other in enumerate(heard, 1):
            row[place] = min(before[place] + 1, row[place - 1] + 1, before[place - 1] + (word != other))
    return row[-1]


def rate(rows: Rows, heard: Rows, common: list[str]) -> float:
    """The word error rate."""
    spoken = [(words(rows[file]["text"]), words(heard[file]["text"])) for file in common if rows[file].get("text")]
    return sum(errors(*pair) for pair in spoken) / max(1, sum(len(pair[0]) for pair in spoken))


def compare(rows: Rows, theirs: Rows, ours: Rows) -> dict[str, Any]:
    """How two hearings of a set go together."""
    common = [file for file in ours if file in theirs and file in rows]
    same = {file: plain(ours[file]["text"]) == plain(theirs[file]["text"]) for file in common}
    exact = sum(ours[file]["text"].strip() == theirs[file]["text"].strip() for file in common)
    kinds = sorted({rows[file]["kind"] for file in common})
    of_kind = {kind: [same[file] for file in common if rows[file]["kind"] == kind] for kind in kinds}
    return {
        "files": len(common),
        "same": round(sum(same.values()) / len(common), 3),
        "same_to_the_letter": round(exact / len(common), 3),
        "same_by_kind": {kind: round(sum(all_of) / len(all_of), 3) for kind, all_of in of_kind.items()},
        "word_errors": [round(rate(rows, heard, common), 3) for heard in (theirs, ours)],
        "median_ms": [round(median(heard[file]["ms"] for file in common)) for heard in (theirs, ours)],
    }


def hear(model: Path, rows: Rows, out: Path, compute: str, threads: int, given: bool) -> None:
    """Lets faster-whisper hear a set."""
    from faster_whisper import WhisperModel

    whisper = WhisperModel(str(model), device="cpu", compute_type=compute, cpu_threads=threads)
    with out.open("w") as lines:
        for file, row in rows.items():
            sound, start = samples(file), time.perf_counter()
            segments, info = whisper.transcribe(
                sound, language=row["language"] if given else None, beam_size=1, temperature=0, vad_filter=False,
                condition_on_previous_text=False,
            )  # fmt: skip
            text = "".join(segment.text for segment in segments).strip()
            found = {"file": file, "text": text, "language": info.language, "ms": 1000 * (time.perf_counter() - start)}
            lines.write(json.dumps(found, ensure_ascii=False) + "\n")


def read(path: Path) -> Rows:
    """What was heard, by file."""
    return {row["file"]: row for row in map(json.loads, path.read_text().splitlines())}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    hearing = commands.add_parser("hear")
    for name in ("model", "set", "out"):
        hearing.add_argument(name, type=Path)
    hearing.add_argument("--compute", default="int8")
    hearing.add_argument("--threads", type=int, default=2)
    hearing.add_argument("--language", choices=["given", "auto"], default="given")
    comparing = commands.add_parser("compare")
    comparing.add_argument("set", type=Path)
    comparing.add_argument("theirs", type=Path)
    comparing.add_argument("ours", type=Path, nargs="+")
    args = parser.parse_args()
    rows = {row["file"]: row for row in json.loads(args.set.read_text())}
    if args.command == "hear":
        hear(args.model, rows, args.out, args.compute, args.threads, args.language == "given")
        return
    for path in args.ours:
        print(path.name, json.dumps(compare(rows, read(args.theirs), read(path)), ensure_ascii=False))


if __name__ == "__main__":
    main()
