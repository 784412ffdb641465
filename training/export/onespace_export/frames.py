"""What the families of images share: examples for export, and films seen frame by frame through the image tower."""

from collections.abc import Callable

import numpy as np
import torch

from . import media
from .model import Tensors, Tower, mean_of_units

FRAMES, SEGMENT_MS, SEGMENTS = 8, 10_000, 64


def picture_example(shape: tuple[int, ...]) -> Callable[[int], Tensors]:
    return lambda batch: (torch.randn(batch, *shape, generator=torch.Generator().manual_seed(batch)),)


def token_example(vocabulary: int, end: int, length: int = 16) -> Callable[[int], Tensors]:
    """Ids with an end token somewhere in each row, as every tokenised text has."""

    def example(batch: int) -> Tensors:
        ids = torch.randint(5, min(vocabulary - 2, end) if end > 5 else vocabulary - 2, (batch, length), generator=torch.Generator().manual_seed(batch))
        for row in range(batch):
            ids[row, 4 + 3 * row :] = end
        return (ids,)

    return example


def tower(image: dict, see: Callable[[list], np.ndarray], width: int, scale: float, pick: str = "middle", **extra) -> Tower:
    """The video tower of a family of images: `image` is its image preprocessing, `see` gives native vectors of pictures."""
    table = {"frames": FRAMES, "segment_ms": SEGMENT_MS, "max_segments": SEGMENTS}
    table |= {k: v for k, v in image.items() if k != "background"}
    table |= {"image_tower": True, **({"pick": pick} if pick != "middle" else {})}
    picker = {"middle": media.middles, "linspace": media.linspaced}[pick]

    def reference(data: bytes) -> np.ndarray:
        return mean_of_units(see(media.film(data, FRAMES, SEGMENT_MS, picker)))

    places = "in the middle of its share" if pick == "middle" else "trunc(linspace(0, N − 1, 8)) of the N frames"
    rule = f"{FRAMES} frames of each {SEGMENT_MS // 1000} s ({places}), each through the image tower; mean of the unit vectors, unit again"
    return Tower(
        preprocess=table, reference=reference, native_dimension=width, shares="image", logit_scale=scale, extra=extra, rule=rule, parity=0.999
    )  # fmt: skip
