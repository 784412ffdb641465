"""Spoken questions: what is said is understood as typed words are, where the service returns a speech track."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from everyday.evaluation import scores, stamps
from everyday.evaluation.embed import Content, Vectors
from everyday.evaluation.items import Item, Modality
from everyday.evaluation.kept import Vector
from everyday.evaluation.lab import Lab
from everyday.evaluation.languages import NAMES, asked
from everyday.evaluation.words import questions

# The track in which the service answers what was said.
TRACK = "TRACK_SPEECH"
# Language of the descriptions → voice of espeak-ng.
VOICES = {
    "en": "en-gb", "de": "de", "fr": "fr-fr", "es": "es", "ru": "ru", "zh_CN": "cmn", "it": "it", "pt": "pt",
}  # fmt: skip
# In these somebody reads the descriptions out.
READ = ("en", "fr", "es", "ru")
NONE = "no transcriber"
# People ask in sentences, and not with the voice of espeak-ng: two voices of flite, which speaks English alone.
SENTENCE = "Show me a photograph of {}."
FLITE = ("slt", "rms")


def said(text: str, language: str, out: Path) -> Path:
    """Spoken by espeak-ng, once."""
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["espeak-ng", "-v", VOICES[language], "-s", "150", "-w", str(out), text], check=True)
    return out


def asked_in_a_sentence(item: Item, voice: str, folder: Path) -> tuple[str, Path]:
    """What is asked, and the recording of it by a voice of flite, made once."""
    label = item.texts["en"]
    text, out = SENTENCE.format(label[0].lower() + label[1:]), folder / voice / _file(item)
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(out)], check=True)
    return text, out


def in_place(found: list[Vector | None], dimension: int) -> Vectors:
    """A recording in which nothing was understood is a vector of zeros: as near to everything, it finds nothing."""
    nothing = np.zeros(dimension, np.float32)
    return np.stack([nothing if vector is None else vector for vector in found])


@dataclass(frozen=True)
class Spoken:
    """Asks in speech and in typed words, for the same things."""

    lab: Lab

    def heard(self, paths: list[Path], language: str = "") -> list[Vector | None]:
        """`language` is told to the service; otherwise it finds out."""
        contents = [Content(str(p), p.read_bytes(), track=TRACK, language=language) for p in paths]
        return self.lab.embedder.contents(contents, "speech")

    def compare(
        self, items: list[Item], paths: list[Path], modality: Modality, typed: list[str], language: str
    ) -> dict[str, Any]:
        there, gallery = self.lab.embedded(modality)
        found = self.heard(paths)
        understood = sum(vector is not None for vector in found)
        right = scores.same([item.thing for item in items], [item.thing for item in there])
        ways = {
            "spoken": in_place(found, gallery.shape[1]),
            "told": in_place(self.heard(paths, language.split("_")[0]), gallery.shape[1]),
            "typed": self.lab.embedder.texts(typed, "typed"),
        }
        out: dict[str, Any] = {way: scores.retrieval(vectors, gallery, right) for way, vectors in ways.items()}
        first = {way: (scores.ranks(vectors @ gallery.T, right) <= 1).astype(float) for way, vectors in ways.items()}
        points = 100 * (first["typed"] - first["spoken"])
        return out | {
            "understood": understood, "behind": float(points.mean()), "behind interval": scores.interval(points),
        }  # fmt: skip


def measure(lab: Lab) -> dict[str, Any]:
    """Eight languages to photographs; English also to sounds and shapes; and recordings of people."""
    made = lab.cache / "made/speech" / lab.half
    if not lab.embedder.service.hears:
        return {"not measured": NONE}
    spoken, out = Spoken(lab), dict[str, Any]()
    photographs, _ = lab.embedded("image")
    several = list(asked(photographs, tuple(VOICES)).values())
    for language in VOICES:
        paths = [said(i.texts[language], language, made / language / _file(i)) for i in several]
        typed = [item.texts[language] for item in several]
        out[f"{NAMES[language]} to photographs"] = spoken.compare(several, paths, "image", typed, language)
    for voice in FLITE:
        pairs = [asked_in_a_sentence(item, voice, made) for item in several]
        typed, paths = [text for text, _ in pairs], [path for _, path in pairs]
        out[f"English sentences, {voice}, to photographs"] = spoken.compare(several, paths, "image", typed, "en")
    modalities: tuple[tuple[Modality, str], ...] = (("audio", "sounds"), ("point_cloud", "shapes"))
    for modality, name in modalities:
        if lab.has(modality):
            items, _ = lab.embedded(modality)
            first = [next(i for i in items if i.thing == each) for each in questions(items)]
            paths = [said(i.label, "en", made / name / _file(i)) for i in first]
            out[f"English to {name}"] = spoken.compare(first, paths, modality, [i.label for i in first], "en")
    for language in READ:
        recorded = stamps.spoken(lab.cache, language)
        read = [item for item in photographs if item.name in recorded and language in item.texts]
        if read:
            paths, typed = [recorded[item.name] for item in read], [item.texts[language] for item in read]
            out[f"{NAMES[language]}, read by people, to photographs"] = spoken.compare(
                read, paths, "image", typed, language
            )
    return out


def _file(item: Item) -> str:
    return item.name.replace("/", "_") + ".wav"
