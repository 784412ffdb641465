"""OpenCLIP's models (CLIP's and PE-Core's layouts): a directory with open_clip_config.json and weights, or random
ones."""

import gzip
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import open_clip
import torch
from open_clip.tokenizer import SimpleTokenizer
from open_clip.transform import PreprocessCfg, image_transform_v2
from safetensors.torch import save_file

from .. import Refused, checkpoint, media, tokens
from ..model import Graph, Model, Options, unit
from ..pictures import OWN, Pair, token_example
from ..randomise import randomise

# open_clip.tokenizer: ftfy, unescaped twice, stripped; white space collapsed; lower case.
CLEAN = ["ftfy", "html-unescape", "html-unescape", "strip", "collapse-whitespace", "lowercase"]
START, END = "<start_of_text>", "<end_of_text>"
SMALL_VISION = {"image_size": 224, "layers": 2, "width": 64, "head_width": 16, "patch_size": 32}
SMALL_TEXT = {"width": 64, "heads": 4, "layers": 2}


# A model, its tokenizer, its preprocessing, and the merges of its vocabulary.
Parts = tuple[torch.nn.Module, SimpleTokenizer, PreprocessCfg, list[tuple[str, str]]]


@dataclass
class Family:
    """What differs between CLIP and PE-Core. `small` makes the tiny model of a vocabulary size."""

    name: str
    built_in: str
    description: str
    small: Callable[[int], torch.nn.Module]
    preprocess: dict = field(default_factory=dict)
    templates: list[str] = field(default_factory=lambda: ["a photo of a {label}."])
    pick: str = "middle"


def _small_clip(vocabulary: int) -> open_clip.CLIP:
    return open_clip.CLIP(48, SMALL_VISION, {**SMALL_TEXT, "context_length": 77, "vocab_size": vocabulary})


CLIP = Family("clip", "ViT-B-32", "OpenCLIP: text and images in one space; films frame by frame.", _small_clip)


def is_one(path: Path | None) -> bool:
    return path is not None and path.is_dir() and (path / "open_clip_config.json").exists()


class Text(torch.nn.Module):
    """input_ids int64 [batch, context] → [batch, width]: OpenCLIP always computes its whole context, and traced
    attention keeps its length."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        return self.model.encode_text(input_ids)


def _check_text(family: str, model: torch.nn.Module, config: dict) -> None:
    """Refuses the text towers that `Text` is not."""
    text, tower = config.get("text_cfg", {}), getattr(model, "text", model)
    for key in ("hf_model_name", "hf_tokenizer_name", "embed_cls", "no_causal_mask", "tokenizer_kwargs"):
        if text.get(key):
            raise Refused(
                f"{family}: text_cfg.{key} = {text[key]}: only CLIP's own text tower and tokenizer are exported from "
                "this layout"
            )
    pool = getattr(model, "text_pool_type", None) or getattr(tower, "pool_type", None)
    if pool != "argmax" or tower.attn_mask is None or tower.text_projection is None:
        raise Refused(f"{family}: a text tower with pool {pool} is not exported from this layout")


def _random(family: Family, options: Options) -> Parts:
    size = {"size": 224, **family.preprocess}
    if not options.tiny:
        model = open_clip.create_model(family.built_in)
        tokenizer = SimpleTokenizer(context_length=model.context_length)
        return model, tokenizer, PreprocessCfg(**{**size, "size": model.visual.image_size}), list(tokenizer.bpe_ranks)
    merges = tokens.clip_merges()
    with tempfile.NamedTemporaryFile(suffix=".gz") as file:
        file.write(gzip.compress("\n".join(["#version: 0.2", *(" ".join(m) for m in merges)]).encode()))
        file.flush()
        tokenizer = SimpleTokenizer(bpe_path=file.name)
    model = family.small(tokenizer.vocab_size)
    tokenizer.context_length = getattr(model, "text", model).context_length
    return model, tokenizer, PreprocessCfg(**size), merges


def publish(options: Options, folder: Path) -> None:
    """CLIP's layout with random weights as OpenCLIP saves it, with the published vocabulary, which is no file of it."""
    how = PreprocessCfg(size=SMALL_VISION["image_size"])
    said = {"mean": how.mean, "std": how.std, "interpolation": how.interpolation, "resize_mode": how.resize_mode}
    layout = {"embed_dim": 48, "vision_cfg": SMALL_VISION, "text_cfg": {**SMALL_TEXT, "context_length": 77}}
    config = {"model_cfg": layout, "preprocess_cfg": said}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    model = randomise(open_clip.create_model(f"local-dir:{folder}", load_weights=False), options.seed)
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")


def _read(family: Family, path: Path) -> Parts:
    config = json.loads((path / "open_clip_config.json").read_text())
    model = open_clip.create_model(f"local-dir:{path}", load_weights=False)
    _check_text(family.name, model, config["model_cfg"])
    weights = sorted(path.glob("open_clip_model.safetensors")) or sorted(path.glob("open_clip_pytorch_model.bin"))
    checkpoint.load(model, checkpoint.tensors(weights[0] if weights else path), family.name)
    tokenizer = SimpleTokenizer(context_length=model.context_length)
    settings = {k: v for k, v in config["preprocess_cfg"].items() if k != "mode"}
    return model, tokenizer, PreprocessCfg(**{"size": model.visual.image_size, **settings}), list(tokenizer.bpe_ranks)


def _picture_table(family: str, how: PreprocessCfg) -> dict:
    resize = {"shortest": "shortest-edge", "squash": "squash"}.get(how.resize_mode)
    if resize is None:
        raise Refused(f"{family}: resize_mode {how.resize_mode} is not known here")
    height, width = (how.size, how.size) if isinstance(how.size, int) else how.size
    table = {"width": width, "height": height, "resize": resize, "filter": how.interpolation, "antialias": True}
    return table | {"background": list(media.WHITE), "mean": list(how.mean), "std": list(how.std)}


def build(family: Family, options: Options, path: Path | None) -> Model:
    model, tokenizer, how, merges = _random(family, options) if path is None else _read(family, path)
    model = randomise(model, options.seed) if path is None else model.eval()
    transform, context = image_transform_v2(how, is_train=False), tokenizer.context_length

    @torch.no_grad()
    def read(data: bytes) -> np.ndarray:
        return unit(model.encode_text(tokenizer([media.words(data)]))[0])

    @torch.no_grad()
    def see(pictures: list) -> np.ndarray:
        return model.encode_image(torch.stack([transform(p) for p in pictures])).numpy()

    table = {
        "tokenizer": "tokenizer.json",
        "context": context,
        "pad_id": 0,
        "overflow": "truncate",
        "pad": "context",
        "clean": CLEAN,
        "templates": family.templates,
    }
    pair = Pair(
        text=Graph(Text(model), {"input_ids": {}}, token_example(tokenizer.eot_token_id, context, pad=0)),
        text_table=table,
        read=read,
        image=model.visual,
        image_table=_picture_table(family.name, how),
        see=see,
        original=media.opened,
        width=see([media.blank()]).shape[1],
        scale=model.logit_scale.exp().item(),
        extra={},
        pick=family.pick,
    )
    return Model(
        name=family.name.replace("_", "-") + ("-tiny" if options.tiny else ""),
        description=family.description,
        licence=checkpoint.licence(path, options.licence),
        dimension=pair.width,
        towers=pair.towers(),
        tokenizer=tokens.clip_tokenizer(merges, START, END),
        reference=f"open_clip {open_clip.__version__} SimpleTokenizer, image_transform_v2",
        own=OWN,
    )
