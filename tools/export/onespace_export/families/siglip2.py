"""SigLIP 2 at a fixed resolution: text, images squashed to size, and films frame by frame; scored by a sigmoid.

Such checkpoints (google/siglip2-*-patch*-N) are of transformers' class SiglipModel. NaFlex is refused.
"""

import json
from pathlib import Path

import numpy as np
import torch
import transformers
from tokenizers import processors as post
from transformers import GemmaTokenizer, Siglip2Tokenizer, SiglipConfig, SiglipImageProcessorPil, SiglipModel

from .. import Refused, checkpoint, media, tokens
from ..model import Graph, Model, Options, unit
from ..pictures import OWN, Pair, token_example
from ..processors import loaded, picture_table
from ..randomise import randomise

TEMPLATES = ["This is a photo of {label}."]
CONTEXT = 64
Parts = tuple[SiglipModel, Siglip2Tokenizer, SiglipImageProcessorPil]
SMALL = {"hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4, "num_hidden_layers": 2}
NAFLEX = (
    "siglip2: naflex is refused: it takes patches of any aspect ratio with a mask and positions resized for each "
    "picture, which neither "
    "the graph nor the manifest can say; export a fixed-resolution checkpoint (siglip2-*-patch*-N)"
)


class Text(torch.nn.Module):
    """input_ids int64 [batch, 64] → [batch, width]: no mask, the last position is read, so padding is part of the
    input."""

    def __init__(self, model: SiglipModel) -> None:
        super().__init__()
        self.text_model = model.text_model

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        return self.text_model(input_ids=input_ids).pooler_output


class Image(torch.nn.Module):
    """pixel_values float32 [batch, 3, height, width] → [batch, width]."""

    def __init__(self, model: SiglipModel) -> None:
        super().__init__()
        self.vision_model = model.vision_model

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return self.vision_model(pixel_values=pixel_values).pooler_output


def _random(options: Options, kind: type = Siglip2Tokenizer) -> Parts:
    vocabulary, merges = tokens.gemma()
    tokenizer = kind(vocab=vocabulary, merges=merges, padding_side="right", model_max_length=CONTEXT)
    tokenizer.backend_tokenizer.post_processor = post.TemplateProcessing(
        single="$A <eos>", special_tokens=[("<eos>", tokenizer.eos_token_id)]
    )
    text = {
        "vocab_size": 256000,
        "max_position_embeddings": CONTEXT,
        "pad_token_id": 0,
        "bos_token_id": 2,
        "eos_token_id": 1,
    }
    vision: dict = {"image_size": 224, "patch_size": 16}
    if options.tiny:
        text, vision = {**text, **SMALL, "vocab_size": len(tokenizer)}, {**vision, **SMALL}
    config = SiglipConfig(text_config=text, vision_config=vision)
    config._attn_implementation = "eager"
    model = randomise(SiglipModel(config), options.seed)
    with torch.no_grad():
        # What SigLIP's training starts from: t = ln 10, b = −10 (Zhai et al. 2023).
        model.logit_scale.fill_(np.log(10))
        model.logit_bias.fill_(-10)
    return model, tokenizer, SiglipImageProcessorPil()


def publish(options: Options, folder: Path) -> None:
    """A checkpoint of random weights; the variant `gemma` names the tokenizer class that most published ones name."""
    for part in _random(options, GemmaTokenizer if options.variant == "gemma" else Siglip2Tokenizer):
        part.save_pretrained(folder)


def _read(path: Path) -> Parts:
    kind = json.loads((path / "config.json").read_text()).get("model_type") if (path / "config.json").exists() else None
    if kind == "siglip2":
        raise Refused(NAFLEX)
    if kind != "siglip":
        raise Refused(f"siglip2: {path} is a checkpoint of {kind}, not of siglip")
    # Checkpoints name GemmaTokenizer as well, which keeps capitals; the authors' own text is lower case.
    tokenizer = Siglip2Tokenizer.from_pretrained(path)
    probe = tokenizer("a", padding="max_length", max_length=8)["input_ids"]
    if tokenizer.padding_side != "right" or probe[-1] != tokenizer.pad_token_id or tokenizer.eos_token_id not in probe:
        raise Refused(f'siglip2: the tokenizer makes {probe} of "a": expected text, <eos>, then padding on the right')
    return checkpoint.pretrained(SiglipModel, path, "siglip2"), tokenizer, SiglipImageProcessorPil.from_pretrained(path)


def build(options: Options, path: Path | None) -> Model:
    if options.variant == "naflex":
        raise Refused(NAFLEX)
    if options.variant not in (None, "gemma"):
        raise Refused(f"siglip2: variant {options.variant} is not known")
    model, tokenizer, processor = _random(options) if path is None else _read(path)
    context = model.config.text_config.max_position_embeddings

    @torch.no_grad()
    def read(data: bytes) -> np.ndarray:
        encoded = tokenizer(
            [media.words(data)], padding="max_length", truncation=True, max_length=context, return_tensors="pt"
        )
        return unit(model.get_text_features(input_ids=encoded["input_ids"]).pooler_output[0])

    @torch.no_grad()
    def see(pictures: list) -> np.ndarray:
        return model.get_image_features(**processor(images=pictures, return_tensors="pt")).pooler_output.numpy()

    table = {
        "tokenizer": "tokenizer.json",
        "context": context,
        "pad_id": tokenizer.pad_token_id,
        "overflow": "truncate",
        "pad": "context",
    }
    pair = Pair(
        text=Graph(
            Text(model), {"input_ids": {}}, token_example(tokenizer.eos_token_id, context, tokenizer.pad_token_id)
        ),
        text_table={**table, "templates": TEMPLATES},
        read=read,
        image=Image(model),
        image_table=picture_table("siglip2", processor),
        see=see,
        original=loaded,
        width=model.config.vision_config.hidden_size,
        scale=model.logit_scale.exp().item(),
        extra={"scoring": "sigmoid", "logit_bias": round(model.logit_bias.item(), 6)},
    )
    return Model(
        name="siglip2" + ("-tiny" if options.tiny else ""),
        description="SigLIP 2: text and images in one space; films frame by frame.",
        licence=checkpoint.licence(path, options.licence),
        dimension=pair.width,
        towers=pair.towers(),
        tokenizer=tokenizer.backend_tokenizer,
        reference=f"transformers {transformers.__version__} SiglipModel, Siglip2Tokenizer, SiglipImageProcessorPil",
        own=OWN,
    )
