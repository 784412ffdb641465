"""Makes what the processors of published models, torch and Pillow give for the pictures of the folder above.

    python make.py        needs torch, torchvision, Pillow, safetensors, transformers 5.23, open_clip 3.3

Each case has the manifest's table (`spec`), and its tensors in `expected.safetensors`: `NAME.N`, float32 or int64.
Sides are small; the processors are the models' own classes.
"""

import json
from pathlib import Path

import numpy as np
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors.numpy import save_file
from torchvision.transforms import functional
from transformers import CLIPImageProcessor, SiglipImageProcessor
from transformers.models.gemma4 import image_processing_gemma4 as gemma4

HERE = Path(__file__).parent
SOURCES = ["rgb.png", "wide.png", "tall.png", "tiny.png"]
CLIP = {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]}
HALF = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
PLAIN = {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]}
cases = []
expected = {}


def picture(file):
    with Image.open(HERE.parent / file) as image:
        return image.convert("RGB")


# Pillow 13 resizes these down before across; one value of each is then a step off. Earlier versions never do.
ODD = ("open-clip-squash-tall", "lanczos-tall")


def case(name, file, spec, *tensors, most=0.0):
    """`most`: the largest difference that is allowed, in 255ths before normalisation."""
    for number, tensor in enumerate(tensors):
        whole = np.issubdtype(np.asarray(tensor).dtype, np.integer)
        expected[f"{name}.{number}"] = np.ascontiguousarray(tensor, "<i8" if whole else "<f4")
    kinds = ["i64" if np.issubdtype(np.asarray(tensor).dtype, np.integer) else "f32" for tensor in tensors]
    shapes = [list(np.asarray(tensor).shape) for tensor in tensors]
    if name in ODD:
        most = 1.0
    cases.append({"name": name, "file": file, "spec": spec, "kinds": kinds, "shapes": shapes, "most": most})


def processors():
    for file in SOURCES:
        stem = file.split(".")[0]
        image = picture(file)
        # Hugging Face's CLIP cuts with `//`, torchvision (open_clip) with `round`: an odd excess shows which.
        sides = {"shortest_edge": 27}, {"height": 24, "width": 24}
        found = CLIPImageProcessor(size=sides[0], crop_size=sides[1])(image, return_tensors="np")["pixel_values"][0]
        spec = {"width": 24, "height": 24, "resize": "shortest-edge", "resize_to": 27, "filter": "bicubic", "resample": "u8-torch", "centre": "floor", **CLIP}
        case(f"clip-{stem}", file, spec, found)
        found = SiglipImageProcessor(size={"height": 24, "width": 20})(image, return_tensors="np")["pixel_values"][0]
        case(f"siglip-{stem}", file, {"width": 20, "height": 24, "resize": "squash", "filter": "bicubic", "resample": "u8-torch", **HALF}, found)
        for mode, resize in (("shortest", "shortest-edge"), ("squash", "squash")):
            config = PreprocessCfg(size=24, mean=tuple(CLIP["mean"]), std=tuple(CLIP["std"]), interpolation="bicubic", resize_mode=mode)
            found = image_transform_v2(config, is_train=False)(image).numpy()
            case(f"open-clip-{mode}-{stem}", file, {"width": 24, "height": 24, "resize": resize, "filter": "bicubic", **CLIP}, found)
    # transformers lays what is transparent over white; ImageBind calls `convert("RGB")`, which shows what was hidden.
    # (open_clip calls it after the resize: pictures of few colours are then resized to the nearest pixel.)
    for file in ("rgba.png", "la.png", "holes.png", "alpha.webp", "bits.png", "palette.gif"):
        with Image.open(HERE.parent / file) as image:
            found = SiglipImageProcessor(size={"height": 24, "width": 24})(image.copy(), return_tensors="np")["pixel_values"][0]
            config = PreprocessCfg(size=24, mean=(0.5,) * 3, std=(0.5,) * 3, interpolation="bicubic", resize_mode="squash")
            shown = image_transform_v2(config, is_train=False)(image.convert("RGB")).numpy()
        spec = {"width": 24, "height": 24, "resize": "squash", "filter": "bicubic", **HALF}
        case(f"white-{file}", file, spec | {"resample": "u8-torch"}, found)
        case(f"shown-{file}", file, spec | {"alpha": "drop"}, shown)
    gemma4._SUPPORTED_SOFT_TOKENS = (70, 20)
    processor = gemma4.Gemma4ImageProcessor(patch_size=4, max_soft_tokens=20, pooling_kernel_size=3)
    for file in SOURCES:
        found = processor(picture(file), return_tensors="np")
        spec = {
            "resize": "multiple-of", "filter": "bicubic", "resample": "u8-torch", **PLAIN, "patches": {"size": 4, "max_patches": 180, "pool": 3},
        }
        positions = found["image_position_ids"][0]
        case(f"gemma-{file.split('.')[0]}", file, spec, found["pixel_values"][0], positions)


def floats():
    """torch on float tensors: nothing is rounded."""
    for file in SOURCES:
        stem = file.split(".")[0]
        tensor = torch.from_numpy(np.array(picture(file))).permute(2, 0, 1)[None].float() / 255
        for kind in ("bilinear", "bicubic"):
            for antialias in (True, False):
                for height, width in ((16, 21), (90, 110)):
                    found = torch.nn.functional.interpolate(tensor, (height, width), mode=kind, align_corners=False, antialias=antialias)
                    name = f"float-{kind}{'' if antialias else '-plain'}-{width}-{stem}"
                    spec = {"width": width, "height": height, "resize": "squash", "filter": kind, "antialias": antialias, "resample": "f32"}
                    if width == 21 or stem == "tiny":
                        case(name, file, spec | PLAIN, found[0].numpy(), most=0.001)
        found = torch.nn.functional.interpolate(tensor, (16, 21), mode="nearest")
        case(f"float-nearest-{stem}", file, {"width": 21, "height": 16, "resize": "squash", "filter": "nearest", "resample": "f32"} | PLAIN, found[0].numpy(), most=0.001)
        # Shorter side to size by torch's bilinear, the long side rounded down; the centre by `ceil` (ImageBind's films).
        height, width = tensor.shape[2:]
        size = (20, int(width / height * 20)) if width > height else (int(height / width * 20), 20)
        whole = torch.nn.functional.interpolate(tensor, size, mode="bilinear", align_corners=False)[0].numpy()
        top, left = -((20 - size[0]) // 2), -((20 - size[1]) // 2)
        spec = {"width": 20, "height": 20, "resize": "shortest-edge", "filter": "bilinear", "antialias": False, "resample": "f32", "centre": "ceil"}
        mean, std = np.float32(CLIP["mean"])[:, None, None], np.float32(CLIP["std"])[:, None, None]
        case(f"float-ceil-{stem}", file, spec | CLIP, (whole[:, top : top + 20, left : left + 20] - mean) / std, most=0.001)


def filters():
    """Pillow's other filters, and a cut before the resize."""
    kinds = {"lanczos": Image.LANCZOS, "box": Image.BOX, "nearest": Image.NEAREST}
    for file in SOURCES:
        stem, image = file.split(".")[0], picture(file)
        for kind, filter in kinds.items():
            found = np.asarray(image.resize((21, 16), filter), "f4").transpose(2, 0, 1) / 255
            case(f"{kind}-{stem}", file, {"width": 21, "height": 16, "resize": "squash", "filter": kind} | PLAIN, found)
        # A square of 7/8 of the shorter side, cut out of the centre and then brought to size.
        width, height = image.size
        side = round(min(width, height) * 21 / 24)
        cut = functional.center_crop(image, [side, side]).resize((21, 21), Image.BICUBIC)
        spec = {"width": 21, "height": 21, "resize": "shortest-edge", "resize_to": 24, "order": "crop-resize", "filter": "bicubic"}
        case(f"cut-first-{stem}", file, spec | PLAIN, np.asarray(cut, "f4").transpose(2, 0, 1) / 255)


if __name__ == "__main__":
    processors()
    floats()
    filters()
    (HERE / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    save_file(expected, HERE / "expected.safetensors")
