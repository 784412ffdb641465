"""Questions in other languages: the same photographs and labels, asked in every language that is compared."""

from typing import Any

import numpy as np

from everyday.evaluation import scores
from everyday.evaluation.items import Item
from everyday.evaluation.lab import Lab

# As Tux Paint names them. The first five beside English have a mark.
COMPARED = ("en", "de", "fr", "es", "ru", "zh_CN", "it", "pt", "nl", "pl", "tr", "ja", "ko", "ar", "th")
MARKED = ("de", "fr", "es", "ru", "zh_CN")
# Languages that the text tower was not made for.
BEYOND = ("sv", "el", "hi")
NAMES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "ru": "Russian", "zh_CN": "Chinese",
    "it": "Italian", "pt": "Portuguese", "nl": "Dutch", "pl": "Polish", "tr": "Turkish", "ja": "Japanese",
    "ko": "Korean", "ar": "Arabic", "th": "Thai", "sv": "Swedish", "el": "Greek", "hi": "Hindi",
}  # fmt: skip


def asked(items: list[Item], languages: tuple[str, ...]) -> dict[str, Item]:
    """The first item of every thing that has a description in all of them, by thing."""
    out: dict[str, Item] = {}
    for item in items:
        if all(language in item.texts for language in languages):
            out.setdefault(item.thing, item)
    return out


def _compared(lab: Lab, items: list[Item], gallery: np.ndarray, languages: tuple[str, ...]) -> dict[str, Any]:
    """Every language, and how far it falls behind English on the same questions (points of R@1, with its interval)."""
    questions = asked(items, languages)
    right = scores.same(list(questions), [item.thing for item in items])
    found, hits = {}, {}
    for language in languages:
        texts = lab.embedder.texts([item.texts[language] for item in questions.values()], language)
        found[language] = scores.retrieval(texts, gallery, right)
        hits[language] = (scores.ranks(texts @ gallery.T, right) <= 1).astype(float)
        behind = 100 * (hits["en"] - hits[language])
        found[language]["behind"], found[language]["behind interval"] = float(behind.mean()), scores.interval(behind)
    return found


def measure(lab: Lab) -> dict[str, Any]:
    items, gallery = lab.embedded("image", "stamps")
    return {
        "compared": _compared(lab, items, gallery, COMPARED),
        "marked": _compared(lab, items, gallery, ("en", *MARKED)),
        "beyond": {name: _compared(lab, items, gallery, ("en", name))[name] for name in BEYOND},
    }
