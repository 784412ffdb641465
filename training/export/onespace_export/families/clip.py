"""CLIP: text, images, and films frame by frame. transformers' CLIPModel, or OpenCLIP.

Variants of --random-init: `hf` (ViT-B/32, the default) and `openclip` (ViT-B-32). A checkpoint tells itself by its files.
"""

from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

from .. import Refused, checkpoint, frames, media, tokens
from ..model import Graph, Model, Options, Tower, unit
from ..randomise import randomise
from . import open_clip_model

TEMPLATES = ["a photo of a {label}."]
START, END = "<|startoftext|>", "<|endoftext|>"


class Text(torch.nn.Module):
    def __init__(self, model: CLIPModel):
        super().__init__()
        self.model = model

    def forward(self, input_ids):
        return self.model.get_text_features(input_ids=input_ids).pooler_output


class Image(torch.nn.Module):
    def __init__(self, model: CLIPModel):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        return self.model.get_image_features(pixel_values=pixel_values).pooler_output


def _random(options: Options) -> tuple[CLIPModel, CLIPTokenizer, CLIPImageProcessorPil]:
    merges = tokens.clip_merges()
    tokenizer = CLIPTokenizer(vocab=tokens.clip_vocabulary(merges, START, END), merges=merges, model_max_length=77)
    text = {"vocab_size": 49408, "bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    vision: dict = {"image_size": 224, "patch_size": 32}
    if options.tiny:
        small = {"hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4, "num_hidden_layers": 2, "projection_dim": 48}
        text, vision = {**text, **small, "vocab_size": len(tokenizer)}, {**vision, **small}
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=48 if options.tiny else 512)
    config._attn_implementation = "eager"
    return randomise(CLIPModel(config), options.seed), tokenizer, CLIPImageProcessorPil()


def _read(path: Path) -> tuple[CLIPModel, CLIPTokenizer, CLIPImageProcessorPil]:
    model = checkpoint.pretrained(CLIPModel, path)
    return model, CLIPTokenizer.from_pretrained(path), CLIPImageProcessorPil.from_pretrained(path)


def image_table(processor) -> dict:
    """[towers.image.preprocess] of a CLIP image processor; refuses settings that the manifest cannot say."""
    size, crop, names = processor.size, processor.crop_size, {2: "bilinear", 3: "bicubic"}
    edge = size.get("shortest_edge")
    if not (processor.do_resize and processor.do_center_crop and processor.do_rescale and processor.do_normalize and edge):
        raise Refused("clip: the image processor does not resize the shorter edge, crop, rescale and normalise")
    if int(processor.resample) not in names or abs(processor.rescale_factor - 1 / 255) > 1e-9:
        raise Refused(f"clip: resample {processor.resample} with rescale_factor {processor.rescale_factor} is not known here")
    table = {"width": crop["width"], "height": crop["height"], "resize": "shortest-edge"}
    if edge != crop["width"] or edge != crop["height"]:
        table["resize_to"] = edge
    table |= {"filter": names[int(processor.resample)], "antialias": True, "background": list(media.WHITE)}
    return table | {"mean": list(processor.image_mean), "std": list(processor.image_std)}


def build(options: Options, path: Path | None) -> Model:
    if options.variant not in (None, "hf", "openclip"):
        raise Refused(f"clip: variant {options.variant}: known are hf and openclip")
    if options.variant == "openclip" or open_clip_model.is_one(path):
        return open_clip_model.build("clip", "ViT-B-32", options, path)
    model, tokenizer, processor = _random(options) if path is None else _read(path)
    context = model.config.text_config.max_position_embeddings

    @torch.no_grad()
    def text(data: bytes) -> np.ndarray:
        encoded = tokenizer([data.decode()], padding=True, truncation=True, max_length=context, return_tensors="pt")
        return unit(model.get_text_features(**encoded).pooler_output[0])

    @torch.no_grad()
    def see(pictures: list) -> np.ndarray:
        return model.get_image_features(**processor(images=pictures, return_tensors="pt")).pooler_output.numpy()

    table, vocabulary = image_table(processor), len(tokenizer)
    sides, scale, width = (3, table["height"], table["width"]), model.logit_scale.exp().item(), model.config.projection_dim
    ids = frames.token_example(vocabulary, tokenizer.eos_token_id)
    towers = {
        "text": Tower(
            graph=Graph(Text(model), {"input_ids": {1: "tokens"}}, ids), reference=text, native_dimension=width, logit_scale=scale,
            preprocess={"tokenizer": "tokenizer.json", "context": context, "pad_id": tokenizer.pad_token_id, "overflow": "truncate", "templates": TEMPLATES},
        ),
        "image": Tower(
            graph=Graph(Image(model), {"pixel_values": {}}, frames.picture_example(sides)), preprocess=table, native_dimension=width,
            reference=lambda data: unit(see([media.picture(data)])[0]), logit_scale=scale,
        ),
        "video": frames.tower(table, see, width, scale),
    }  # fmt: skip
    return Model(
        name="clip" + ("-tiny" if options.tiny else ""), description="CLIP: text and images in one space; films frame by frame.",
        licence=checkpoint.licence(path, options.licence) if path else "Apache-2.0", dimension=width, towers=towers,
        tokenizer=tokenizer.backend_tokenizer, reference=f"transformers {transformers.__version__} CLIPModel",
    )  # fmt: skip
