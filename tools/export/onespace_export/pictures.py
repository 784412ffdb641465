"""What families of text and images share: their three towers, films seen frame by frame through the image tower."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from . import media
from .model import Graph, Reference, Tensors, Tower, mean_of_units, unit

FRAMES, SEGMENT_MS, SEGMENTS = 8, 10_000, 8  # every frame is a sample, and one media has at most 64
# What of these references no authors published.
OWN = "which frames of a film are looked at"
# The least cosine of films: decoders differ by a step here and there.
FILM_MARK = 0.9999
PICK = {"middle": media.middles, "linspace": media.linspaced}
PLACE = {"middle": "each in the middle of its eighth", "linspace": "trunc(linspace(0, N − 1, 8)) of its N frames"}


@dataclass
class Pair:
    """A model of text and images: modules to export, tables, the references `read` (a text's unit vector) and `see`
    (native vectors of PIL pictures), and the picture that the `original` pipeline makes of a file before that. `extra`
    are further keys of each tower's table."""

    text: Graph
    text_table: dict
    read: Reference
    image: torch.nn.Module
    image_table: dict
    see: Callable[[list], np.ndarray]
    original: Callable[[bytes], Image.Image]
    width: int
    scale: float
    extra: dict
    pick: str = "middle"

    def towers(self) -> dict[str, Tower]:
        """Text, image and video; without video where the manifest has no word for what its frames would need."""
        shape = (3, self.image_table["height"], self.image_table["width"])
        common: dict[str, Any] = {"native_dimension": self.width, "logit_scale": self.scale, "extra": self.extra}
        image = Graph(self.image, {"pixel_values": {}}, example(shape))
        towers = {
            "text": Tower(
                graph=self.text, preprocess=self.text_table, reference=self.read, original=self.read, **common
            ),
            "image": Tower(
                graph=image,
                preprocess=self.image_table,
                reference=lambda data: unit(self.see([media.picture(data)])[0]),
                original=lambda data: unit(self.see([self.original(data)])[0]),
                **common,
            ),
            "video": Tower(
                shares="image",
                preprocess=self.film_table(),
                reference=self.watch,
                parity=FILM_MARK,
                rule=self.rule(),
                **common,
            ),
        }
        if "resize_to" in self.image_table:
            del towers["video"]
        return towers

    def film_table(self) -> dict:
        table = {"frames": FRAMES, "segment_ms": SEGMENT_MS, "max_segments": SEGMENTS}
        table |= {k: v for k, v in self.image_table.items() if k != "background"}
        return table | ({"pick": self.pick} if self.pick != "middle" else {}) | {"image_tower": True}

    def watch(self, data: bytes) -> np.ndarray:
        return mean_of_units(self.see(media.film_frames(data, FRAMES, SEGMENT_MS, PICK[self.pick])))

    def rule(self) -> str:
        return (
            f"{FRAMES} frames of every {SEGMENT_MS // 1000} s, {PLACE[self.pick]}, through the image tower; "
            "mean of unit vectors, unit again"
        )


def example(shape: tuple[int, ...]) -> Callable[[int], Tensors]:
    """Random inputs of [batch, *shape]."""
    return lambda batch: (torch.randn(batch, *shape, generator=torch.Generator().manual_seed(batch)),)


def token_example(end: int, length: int | None = None, pad: int | None = None) -> Callable[[int], Tensors]:
    """Ids below `end`, then an end token and padding, as every tokenised text has.

    Without `length` it follows the batch, so that a graph that keeps the length that it was traced with is found out.
    """

    def ids(batch: int) -> Tensors:
        rows = torch.randint(
            5, max(end, 300), (batch, length or 8 * batch), generator=torch.Generator().manual_seed(batch)
        )
        for row in range(batch):
            rows[row, 4 + 3 * row :] = end if pad is None else pad
            rows[row, 4 + 3 * row] = end
        return (rows,)

    return ids
