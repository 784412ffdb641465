"""What is said of each class of a classifier: the texts that its direction in the space is made of.

`names/imagenet.en.tsv` and `names/audioset.en.tsv` are this project's own words for the classes, `names/*.LANGUAGE.tsv`
their names in other languages; the rest is WordNet's (Miller 1995).
"""

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .wordnet import Nouns

NAMES = Path(__file__).resolve().parents[1] / "names"
# The languages of the text tower in which the classes have names here, besides English.
LANGUAGES = ("ar", "de", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh")
# Hypernyms that say nothing: everything is one.
EMPTY_KINDS = frozenset((
    "entity", "physical entity", "object", "whole", "matter", "abstraction", "thing", "causal agent", "unit", "part",
    "artifact", "instrumentality", "organism", "living thing",
))  # fmt: skip
KINDS = 4
# The share of a hypernym in that of the one below it.
FADING = 0.6
# What a group of texts weighs beside the class's first name, which weighs 1.
NAMES_WEIGHT, SYNONYMS, GLOSS, HYPERNYMS = 1, 1, 0.5, 0.5
CATEGORIES, ALIKE, SEEN_WITH, OTHER_LANGUAGES = 0.3, 0.3, 0.2, 2
# Classes of sounds that fire on nearly everything keep this much of their direction; none, and a recording of nothing
# but silence would have no direction at all.
GENERIC_SHARE = 0.05


@dataclass
class Class:
    """Texts with their weights, and the names that mean it, each with its language."""

    texts: list[tuple[str, float]] = field(default_factory=list)
    words: list[tuple[str, str]] = field(default_factory=list)
    share: float = 1.0

    def add(self, texts: Sequence[str], weight: float, fading: float | None = None) -> None:
        """Texts that share a weight, or of which each has so much of the weight of the one before."""
        for place, text in enumerate(texts):
            self.texts.append((text, weight * fading**place if fading else weight / len(texts)))

    def name(self, language: str, words: Iterable[str]) -> None:
        self.words += ((language, word) for word in dict.fromkeys(words))


def listed(cell: str) -> list[str]:
    """The texts of a cell, `|` between them, without what stands in brackets to tell meanings apart."""
    return [text.split(" (")[0].strip() for text in cell.split("|") if text.strip()]


def rows(dataset: str, language: str) -> list[list[str]]:
    """The lines of a list of names, one a class, in the order of the classifier."""
    with (NAMES / f"{dataset}.{language}.tsv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    if [line[0] for line in lines] != [str(number) for number in range(len(lines))]:
        raise ValueError(f"{dataset}.{language}.tsv does not count its classes from 0")
    return [line[1:] for line in lines]


def _translate(classes: Sequence[Class], dataset: str) -> None:
    for language in LANGUAGES:
        for one, line in zip(classes, rows(dataset, language), strict=True):
            words = listed(line[0])
            one.add(words, OTHER_LANGUAGES / len(LANGUAGES))
            one.name(language, words)


def imagenet(synsets: Path, names: Path, nouns: Nouns) -> list[Class]:
    """The 1000 classes: `synsets` lists their numbers in WordNet in order, `names` is a JSON list of readable names."""
    numbers = [int(line.lstrip("n")) for line in synsets.read_text().split()]
    classes = []
    for number, name, line in zip(numbers, json.loads(names.read_text()), rows("imagenet", "en"), strict=True):
        own, kinds, alike, seen_with = (listed(cell) for cell in line)
        lemmas = nouns.lemmas[number]
        one = Class()
        one.add([name], 1)
        one.add(own, NAMES_WEIGHT)
        one.add(lemmas, SYNONYMS)
        one.add([f"{lemmas[0]}: {nouns.gloss[number]}"], GLOSS)
        one.add([kind for kind in nouns.kinds(number) if kind not in EMPTY_KINDS][:KINDS], HYPERNYMS, FADING)
        one.add(kinds, CATEGORIES, FADING)
        one.add(alike, ALIKE)
        one.add(seen_with, SEEN_WITH)
        # Further synonyms are mostly Latin, and what is merely alike is named by its first words.
        one.name("en", [name, *own, *lemmas[:2], *alike[:2]])
        classes.append(one)
    _translate(classes, "imagenet")
    return classes


def audioset(class_map: Path) -> list[Class]:
    """The 521 classes, whose table has the readable name in its third column."""
    with class_map.open(encoding="utf-8", newline="") as file:
        names = [row[2] for row in csv.reader(file)][1:]
    classes = []
    for name, line in zip(names, rows("audioset", "en"), strict=True):
        own, kinds = listed(line[0]), listed(line[1])
        pieces = [piece.strip() for piece in name.replace("(", ",").replace(")", "").split(",")]
        one = Class(share=GENERIC_SHARE if line[2] == "1" else 1.0)
        one.add([name], 1)
        one.add([piece for piece in pieces if piece != name], 0.5 * max(len(pieces) - 1, 1))
        one.add(own, NAMES_WEIGHT)
        one.add(kinds, CATEGORIES, FADING)
        one.name("en", own)
        classes.append(one)
    _translate(classes, "audioset")
    return classes
