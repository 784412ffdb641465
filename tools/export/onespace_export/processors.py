"""transformers' image processors as [towers.image.preprocess]: what the manifest cannot say is refused."""

from typing import Any

from PIL import Image
from transformers.image_utils import load_image

from . import Refused, media


def loaded(data: bytes) -> Image.Image:
    """A picture as transformers loads it: upright, RGB as Pillow converts it."""
    return load_image(media.opened(data))


# PIL.Image.Resampling
FILTERS = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box"}


def picture_table(family: str, processor: Any) -> dict:
    """The table of a processor of the PIL backend that resizes, may crop, rescales by 1/255 and normalises."""
    size, edge = processor.size, processor.size.get("shortest_edge")
    crop = processor.crop_size if processor.do_center_crop else None
    settings = (
        f"size {dict(size)}, crop {crop and dict(crop)}, resample {processor.resample}, "
        f"rescale_factor {processor.rescale_factor}"
    )
    ordinary = (
        processor.do_resize
        and processor.do_rescale
        and processor.do_normalize
        and abs(processor.rescale_factor - 1 / 255) < 1e-9
    )
    if not ordinary or int(processor.resample) not in FILTERS:
        raise Refused(f"{family}: an image processor that the manifest cannot say: {settings}")
    if edge and crop:
        table = {"width": crop["width"], "height": crop["height"], "resize": "shortest-edge"}
        if (edge, edge) != (crop["width"], crop["height"]):
            table["resize_to"] = edge
        # transformers cuts at half the excess rounded down, torchvision (and OpenCLIP) at Python's round().
        table["centre"] = "floor"
    elif size.get("height") and size.get("width") and not crop:
        table = {"width": size["width"], "height": size["height"], "resize": "squash"}
    else:
        raise Refused(f"{family}: neither the shorter edge and a crop nor a size: {settings}")
    table |= {"filter": FILTERS[int(processor.resample)], "antialias": True, "background": list(media.WHITE)}
    return table | {"mean": list(processor.image_mean), "std": list(processor.image_std)}
