"""PE-Core (Perception Encoder): text, images squashed to size, and films frame by frame; OpenCLIP's layout.

--random-init is PE-Core-L-14-336; --tiny keeps its 336 pixels and 14-pixel patches.
"""

from pathlib import Path

import open_clip
import timm

from .. import Refused
from ..model import Model, Options
from . import open_clip_model

# facebookresearch/perception_models, core/vision_encoder/transforms.py: squashed, bilinear, −1 to 1.
HALF = (0.5, 0.5, 0.5)
PREPROCESS = {"size": 336, "mean": HALF, "std": HALF, "interpolation": "bilinear", "resize_mode": "squash"}


def _small(vocabulary: int) -> open_clip.CustomTextCLIP:
    name = "vit_pe_core_tiny_patch16_384"
    vision = {
        "image_size": 336,
        "timm_model_name": name,
        "timm_model_pretrained": False,
        "timm_pool": "map",
        "timm_proj": None,
    }
    text = {**open_clip_model.SMALL_TEXT, "context_length": 32, "vocab_size": vocabulary}
    model = open_clip.CustomTextCLIP(48, vision, text)
    model.visual.trunk = timm.create_model(
        name, num_classes=48, global_pool="map", img_size=336, patch_size=14, embed_dim=64, depth=2, num_heads=4,
        attn_pool_num_heads=4, ref_feat_shape=(24, 24),
    )  # fmt: skip
    return model


PE_CORE = open_clip_model.Family(
    "pe_core",
    "PE-Core-L-14-336",
    "PE-Core: text and images in one space; films frame by frame.",
    _small,
    PREPROCESS,
    pick="linspace",
)


def build(options: Options, path: Path | None) -> Model:
    if path is not None and not open_clip_model.is_one(path):
        raise Refused(
            f"pe_core: {path} has no open_clip_config.json: export the checkpoint in OpenCLIP's layout (timm/PE-Core-*)"
        )
    return open_clip_model.build(PE_CORE, options, path)
