"""One thing to be found, and the half of its set that it belongs to."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Half = Literal["tune", "held"]
Modality = Literal["text", "image", "audio", "video", "point_cloud"]
HALVES: tuple[Half, ...] = ("tune", "held")

ARTICLE = re.compile(r"^(an?|the|our|some|two)\s+", re.IGNORECASE)


@dataclass(frozen=True)
class Item:
    """`name`: the path within its package, without the ending: a picture and its own sound share it. `texts` by
    language."""

    file: Path
    name: str
    label: str
    modality: Modality
    collection: str
    texts: dict[str, str] = field(default_factory=dict)
    category: str | None = None

    @property
    def thing(self) -> str:
        """What it is, whoever wrote the label: two items of one thing are both right."""
        return thing(self.label)

    @property
    def half(self) -> Half:
        return half(self.name)


def half(name: str) -> Half:
    """Decided by the name alone, so that no set that is added later moves anything."""
    return HALVES[hashlib.sha256(name.encode()).digest()[0] & 1]


def thing(label: str) -> str:
    """`A frog` and `frog` are one thing."""
    return ARTICLE.sub("", label.strip().rstrip(".!")).lower()


def readable(name: str) -> str:
    """A file's name as words: `measuringTape6` becomes `measuring tape`."""
    name = re.sub(r"[\s_-]*\d+$", "", name)
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.sub(r"[_\s-]+", " ", name).strip().lower()
