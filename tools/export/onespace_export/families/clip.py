"""CLIP: text, images, and films frame by frame. transformers' CLIPModel, or OpenCLIP.

Variants of --random-init: `hf` (ViT-B/32, the default) and `openclip` (ViT-B-32). A checkpoint tells itself by its
files.
"""

from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

from .. import Refused, checkpoint, media, tokens
from ..model import Graph, Model, Options, unit
from ..pictures import OWN, Pair, token_example
from ..processors import loaded, picture_table
from ..randomise import randomise
from . import open_clip_model

DESCRIPTION = "CLIP: text and images in one space; films frame by frame."
TEMPLATES = ["a photo of a {label}."]
START, END = "<|startoftext|>", "<|endoftext|>"
SMALL = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "projection_dim": 48,
}


class Text(torch.nn.Module):
    """input_ids int64 [batch, tokens] → [batch, width]. The mask is causal: what pads behind the end token is not
    seen."""

    def __init__(self, model: CLIPModel) -> None:
        super().__init__()
        self.text_model, self.projection = model.text_model, model.text_projection

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        return self.projection(self.text_model(input_ids=input_ids).pooler_output)


class Image(torch.nn.Module):
    """pixel_values float32 [batch, 3, height, width] → [batch, width]."""

    def __init__(self, model: CLIPModel) -> None:
        super().__init__()
        self.vision_model, self.projection = model.vision_model, model.visual_projection

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return self.projection(self.vision_model(pixel_values=pixel_values).pooler_output)


def _random(options: Options) -> tuple[CLIPModel, CLIPTokenizer, CLIPImageProcessorPil]:
    merges = tokens.clip_merges()
    tokenizer = CLIPTokenizer(vocab=tokens.clip_vocabulary(merges, START, END), merges=merges, model_max_length=77)
    text = {"vocab_size": 49408, "bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    vision: dict = {"image_size": 224, "patch_size": 32}
    if options.tiny:
        text, vision = {**text, **SMALL, "vocab_size": len(tokenizer)}, {**vision, **SMALL}
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=48 if options.tiny else 512)
    config._attn_implementation = "eager"
    return randomise(CLIPModel(config), options.seed), tokenizer, CLIPImageProcessorPil()


def publish(options: Options, folder: Path) -> None:
    """A checkpoint of random weights, as transformers or OpenCLIP saves it."""
    if options.variant == "openclip":
        return open_clip_model.publish(options, folder)
    for part in _random(options):
        part.save_pretrained(folder)


def _read(path: Path) -> tuple[CLIPModel, CLIPTokenizer, CLIPImageProcessorPil]:
    model = checkpoint.pretrained(CLIPModel, path, "clip")
    return model, CLIPTokenizer.from_pretrained(path), CLIPImageProcessorPil.from_pretrained(path)


def build(options: Options, path: Path | None) -> Model:
    if options.variant not in (None, "hf", "openclip"):
        raise Refused(f"clip: variant {options.variant}: known are hf and openclip")
    if options.variant == "openclip" or open_clip_model.is_one(path):
        return open_clip_model.build(open_clip_model.CLIP, options, path)
    model, tokenizer, processor = _random(options) if path is None else _read(path)
    context, end = model.config.text_config.max_position_embeddings, tokenizer.eos_token_id

    @torch.no_grad()
    def read(data: bytes) -> np.ndarray:
        encoded = tokenizer([media.words(data)], padding=True, truncation=True, max_length=context, return_tensors="pt")
        return unit(model.get_text_features(**encoded).pooler_output[0])

    @torch.no_grad()
    def see(pictures: list) -> np.ndarray:
        return model.get_image_features(**processor(images=pictures, return_tensors="pt")).pooler_output.numpy()

    table = {
        "tokenizer": "tokenizer.json",
        "context": context,
        "pad_id": tokenizer.pad_token_id,
        "overflow": "truncate",
        "templates": TEMPLATES,
    }
    pair = Pair(
        text=Graph(Text(model), {"input_ids": {1: "tokens"}}, token_example(end)), text_table=table, read=read,
        image=Image(model), image_table=picture_table("clip", processor), see=see, original=loaded,
        width=model.config.projection_dim, scale=model.logit_scale.exp().item(), extra={},
    )  # fmt: skip
    return Model(
        name="clip" + ("-tiny" if options.tiny else ""),
        description=DESCRIPTION,
        licence=checkpoint.licence(path, options.licence),
        dimension=pair.width,
        towers=pair.towers(),
        tokenizer=tokenizer.backend_tokenizer,
        reference=f"transformers {transformers.__version__} CLIPModel, CLIPTokenizer, CLIPImageProcessorPil",
        own=OWN,
    )
