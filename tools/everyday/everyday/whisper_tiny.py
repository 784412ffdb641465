"""A Whisper of a few hundred kilobytes whose weights are drawn by chance, and what is heard with it: for tests.

    python -m everyday.whisper_tiny OUT

It hears nothing that makes sense, but all that happens on the way from sound to text happens. Matrices are stored in
bytes and widened before they are used, so that every processor gives the same text.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import tokenizers

from . import whisper_reference as reference
from .whisper import Card, Rule, write
from .whisper_graphs import Precision
from .whisper_weights import Array, Sizes, tiny

LANGUAGES = ["en", "de", "fr"]
SPECIAL = [
    "<|endoftext|>", "<|startoftranscript|>", *(f"<|{name}|>" for name in LANGUAGES), "<|translate|>", "<|transcribe|>",
    "<|startoflm|>", "<|startofprev|>", "<|nocaptions|>", "<|notimestamps|>",
]  # fmt: skip
# Two seconds, so that three of them make a long recording.
RULE = Rule(most=2_000, pad=500, least=1_000)
CARD = Card("tiny", "1", "Apache-2.0", "", "drawn by chance", "")
SEED = 25
# By how much more than drawn: where a token stands, what is heard, times; and how much of the end is in the last place.
POSITIONS, SOUND, TIMES, END = 8.0, 8.0, 0.5, 60.0


def tokenizer() -> tokenizers.Tokenizer:
    """One token for each byte, and the special ones."""
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    model = tokenizers.models.BPE(vocab={letter: at for at, letter in enumerate(alphabet)}, merges=[])
    made = tokenizers.Tokenizer(model)
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    made.add_special_tokens([tokenizers.AddedToken(name, special=True, normalized=False) for name in SPECIAL])
    return made


def sound(number: int, length: int) -> reference.Floats:
    """A square wave that rises, louder and softer, in whole numbers: any language can compute it."""
    at = np.arange(length, dtype=np.int64)
    high = (at * at // (40 + 9 * number) + at * (3 + number)) % 320 < 160
    return (np.where(high, 1, -1) * ((at // 1600) % 4) / 16).astype(np.float32)


def weights(seed: int) -> dict[str, Array]:
    """Weights under which a window ends after some words."""
    times = RULE.most // 20 + 1
    sizes = Sizes(80, 32, 2, 1, 2, RULE.most // 20, 240, 256 + len(SPECIAL) + times)
    arrays = tiny(seed, sizes)
    # What stands where says more than what was said last, or the model would say one word for ever.
    arrays["decoder/position_encodings/encodings"] *= POSITIONS
    for layer in range(sizes.decoder_layers):
        arrays[f"decoder/layer_{layer}/attention/linear_2/weight"] *= SOUND
    table = arrays["decoder/embeddings/weight"]
    # The later, the more the model thinks of ending.
    later = np.linspace(0, END, sizes.context, dtype=np.float32)[:, None]
    arrays["decoder/position_encodings/encodings"] += later * table[256]
    table[256 + len(SPECIAL) :] *= TIMES
    return arrays


def space() -> int:
    """The token of a space."""
    return sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet()).index("Ġ")


def unsaid() -> list[int]:
    """The bytes that are no letters of English and no space: a text that can be read."""
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    return [at for at, letter in enumerate(alphabet) if letter not in "Ġabcdefghijklmnopqrstuvwxyz"]


def ids() -> reference.Tokens:
    """The tokens that mean something."""
    at = {name: 256 + place for place, name in enumerate(SPECIAL)}
    return reference.Tokens(
        end=at["<|endoftext|>"], start=at["<|startoftranscript|>"], transcribe=at["<|transcribe|>"],
        no_speech=at["<|nocaptions|>"], no_timestamps=at["<|notimestamps|>"],
        languages=[at[f"<|{name}|>"] for name in LANGUAGES],
        suppress=[*unsaid(), *(at[name] for name in SPECIAL[1:-1])], suppress_begin=[space(), 256],
    )  # fmt: skip


def heard(folder: Path, number: int, length: int) -> dict[str, object]:
    """What the reference hears in one window of sound."""
    mel = reference.log_mel(sound(number, length))
    frames = mel.shape[1] - 1
    padded = min(RULE.most // 10, -(-max(frames + RULE.pad // 10, RULE.least // 10) // 50) * 50)
    window = reference.window(reference.Whisper(folder), ids(), np.pad(mel[:, :frames], ((0, 0), (0, padded - frames))))
    words, made = tokenizer(), []
    for start, end, tokens in reference.split(ids(), window.tokens, frames):
        text = words.decode([token for token in tokens if token < ids().end])
        if start < end and text.strip():
            made.append([10 * start, 10 * end, text])
    return {
        "number": number, "length": length, "text": "".join(text for *_, text in made).strip(),
        "segments": [[start, end, text.strip()] for start, end, text in made], "tokens": window.tokens,
        "language": LANGUAGES[ids().languages.index(window.language)], "probability": round(window.probability, 6),
        "no_speech": round(window.no_speech, 6), "log_probability": round(window.log_probability, 6),
    }  # fmt: skip


def make(out: Path, seed: int = SEED) -> list[dict[str, object]]:
    """Writes the model, and what it hears."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "tokenizer.source.json"
    tokenizer().save(str(path))
    marks = ids()
    config = {"lang_ids": marks.languages, "suppress_ids": marks.suppress, "suppress_ids_begin": marks.suppress_begin}
    write(weights(seed), path, config, out, CARD, Precision("blocks", block=32, accuracy=0), RULE)
    path.unlink()
    return [heard(out, number, length) for number, length in ((0, 24_000), (1, 32_000), (2, 9_000), (3, 17_123))]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    windows = make(out)
    mel = reference.log_mel(sound(1, 4_000))
    golden = {"windows": windows, "mel": {"number": 1, "length": 4_000, "values": mel.round(6).tolist()}}
    (out / "expected.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
