"""ImageBind: text, pictures, recordings, films, depth maps, thermal pictures and motion in one space.

Neither its code nor its weights are here: both are non-commercial. A user exports a checkpoint that they hold
(imagebind_huge.pth, or the same state as .safetensors). --random-init is "huge"; --tiny has narrow trunks.
"""

from pathlib import Path

import numpy as np
import torch
from open_clip.tokenizer import SimpleTokenizer

from ... import Refused, checkpoint, tokens
from ... import media as shared
from ...model import Graph, Model, Options, Tower, mean_of_units, unit
from ...pictures import FILM_MARK, example, token_example
from ...randomise import randomise
from ..clip import END, START
from ..open_clip_model import CLEAN
from . import media, sensors
from .modules import HUGE, PARAMETERS, SIDE, TINY, ImageBind, Motion, Road, TextRoad
from .words import vocabulary

LICENCE = "CC-BY-NC-SA-4.0"
NOTICE = (
    "ImageBind's LICENSE file, model card and package metadata say CC-BY-NC-SA 4.0, its README says CC-BY-NC 4.0; the "
    "stricter one is taken. "
    "Non-commercial use only. The graphs were written by modules of onespace's own, from a checkpoint that the user "
    "holds."
)
AUDIO_RULE = (
    "up to 6 s the reference's three clips of 2 s; a longer recording has a clip for every 2 s, at most 64, spread "
    "evenly, as the paper "
    "evaluates (the reference keeps three); mean of unit vectors, unit again"
)
FILM_RULE = (
    "5 clips of 2 s in 3 crops of every 10 s, at most 4 times 10 s, spread evenly (the reference has 5 clips of the "
    "whole film, however long); "
    "mean of unit vectors, unit again (the reference does not scale the mean)"
)


@torch.no_grad()
def _sharpen(model: ImageBind) -> None:
    """Takes most of the mean out of random kernels over depth and heat: the norm behind them would else make every even
    patch the same, and planes of few colours nearly alike."""
    for name in ("depth", "thermal"):
        patches = model.modality_preprocessors[name]
        kernels = getattr(patches, patches.name).proj.weight
        kernels -= 0.98 * kernels.mean((1, 2, 3), keepdim=True)


def _load(options: Options, path: Path | None) -> ImageBind:
    model = ImageBind(TINY if options.tiny else HUGE)
    found = sum(p.numel() for p in model.parameters())
    if not options.tiny and found != PARAMETERS:
        raise Refused(f"imagebind: {found} parameters instead of {PARAMETERS}: the modules are not the published ones")
    if path is None:
        randomise(model, options.seed)
        _sharpen(model)
    else:
        checkpoint.load(model, checkpoint.tensors(path), "imagebind")
    return model.eval()


def _preprocess(original: bool) -> dict[str, dict]:
    """The tables of each tower; `original`: pictures are read as the authors read them."""
    statistics = {"mean": list(media.MEAN), "std": list(media.STD)}
    picture = {"width": media.SIDE, "height": media.SIDE, "resize": "shortest-edge"}
    as_pillow = {"alpha": "drop", "turn": "stored", "deep_grey": "clip"}
    look = as_pillow if original else {"background": list(shared.WHITE)}
    fbank = {
        "kind": "kaldi_fbank",
        "n_mels": media.BINS,
        "frames": media.FRAMES,
        "window": "hanning",
        "subtract_mean": True,
    }
    fbank |= {"pad_value": 0.0, "mean": media.AUDIO_MEAN, "std": media.AUDIO_STD}
    clips = {"count": media.AUDIO_CLIPS, "spread": "even", "per_window_over_ms": 1000 * media.LONG_SECONDS}
    milliseconds = 1000 * media.CLIP_SECONDS
    audio = {
        "sample_rate": media.RATE,
        "channels": "first",
        "window_ms": milliseconds,
        "hop_ms": milliseconds,
        "max_windows": media.MOST_CLIPS,
    }
    film = {
        "frames": media.CLIP_FRAMES,
        "segment_ms": 1000 * media.SEGMENT_SECONDS,
        "max_segments": media.MOST_SEGMENTS,
        "pick": "clips",
    }
    film |= {
        "clips": {"count": media.FILM_CLIPS, "clip_ms": milliseconds},
        "crops": 3,
        "layout": "channels-frames",
        "centre": "ceil",
    }
    return {
        "text": {
            "tokenizer": "tokenizer.json",
            "context": HUGE.context,
            "pad_id": 0,
            "overflow": "truncate",
            "clean": CLEAN,
        },
        "image": {**picture, "filter": "bicubic", "antialias": True, **look, **statistics},
        "audio": {**audio, "resampler": "torchaudio", "clips": clips, "channel_axis": True, "front_end": fbank},
        "video": {**film, **picture, "filter": "bilinear", "antialias": False, "resample": "f32", **statistics},
        **sensors.tables(),
    }


def _references(model: ImageBind, words: SimpleTokenizer) -> tuple[dict, dict]:
    """Files to the unit vectors of the whole: by the rules, and as the original for what was published with loaders."""

    def views(name: str, inputs: torch.Tensor) -> np.ndarray:
        with torch.no_grad():
            return torch.cat([Road(model, name)(one) for one in inputs.split(4)]).numpy()

    @torch.no_grad()
    def read(data: bytes) -> np.ndarray:
        return unit(TextRoad(model, "text")(words([shared.words(data)]))[0])

    return {
        "text": read,
        "image": lambda data: unit(views("vision", media.picture(shared.picture(data)))[0]),
        "audio": lambda data: mean_of_units(views("audio", media.recording(data))),
        "video": lambda data: mean_of_units(views("vision", media.film(data))),
        "depth": lambda data: unit(views("depth", sensors.depth(data))[0]),
        "thermal": lambda data: unit(views("thermal", sensors.thermal(data))[0]),
        "imu": lambda data, media_type="": mean_of_units(views("imu", sensors.motion(data, media_type))),
    }, {
        "text": read,
        "image": lambda data: unit(views("vision", media.picture(shared.stored(data)))[0]),
        "audio": lambda data: mean_of_units(views("audio", media.original_recording(data))),
        "video": lambda data: mean_of_units(views("vision", media.original_film(data))),
    }


def build(options: Options, path: Path | None) -> Model:
    if options.variant not in (None, "original"):
        raise Refused(
            f"imagebind: variant {options.variant}: known is original, whose pictures are read as Pillow does"
        )
    words, merges = vocabulary(options.tiny)
    model = _load(options, path)
    dimension = model.modality_heads["vision"][-1].out_features
    tables, (references, originals) = _preprocess(options.variant == "original"), _references(model, words)
    if options.variant == "original":
        references["image"] = originals["image"]
    text = model.scale("text")
    # One graph for pictures and films: its input may have four axes or five.
    vision = Graph(Road(model, "vision"), {"pixel_values": {}}, _vision_example, any_rank=("pixel_values",))
    graphs = {
        "text": Graph(
            TextRoad(model, "text"),
            {"input_ids": {1: "tokens"}},
            token_example(words.eot_token_id, pad=0),
            output="text_embedding",
        ),
        "image": vision,
        "audio": Graph(Road(model, "audio"), {"input_features": {}}, example((1, media.BINS, media.FRAMES))),
        "depth": Graph(Road(model, "depth"), {"depth": {}}, example((1, SIDE, SIDE))),
        "thermal": Graph(Road(model, "thermal"), {"thermal": {}}, example((1, SIDE, SIDE))),
        "imu": Graph(Road(model, "imu"), {"imu": {}}, example((Motion.CHANNELS, Motion.LENGTH))),
    }
    # A label's vector is scaled by `text`, what it is compared with by its own scale.
    scales = {"text": text, "image": text, "video": text}
    scales |= {name: text * model.scale(name) for name in ("audio", "depth", "thermal", "imu")}
    rules = {"audio": AUDIO_RULE, "video": FILM_RULE, **sensors.RULES}
    towers = {
        name: Tower(
            graph=graphs.get(name),
            shares="image" if name == "video" else None,
            preprocess=table,
            reference=references[name],
            original=originals.get(name),
            native_dimension=dimension,
            logit_scale=scales[name],
            rule=rules.get(name, ""),
            parity=FILM_MARK if name == "video" else Tower.parity,
        )
        for name, table in tables.items()
    }
    return Model(
        name="imagebind" + ("-tiny" if options.tiny else "-huge"),
        description=_description(model),
        dimension=dimension,
        towers=towers,
        licence=options.licence or LICENCE,
        usage="non-commercial",
        notice=NOTICE,
        tokenizer=tokens.clip_tokenizer(merges, START, END),
        reference=(
            "torchaudio, torchvision and Pillow as ImageBind's loaders call them; open_clip's SimpleTokenizer with "
            "ImageBind's spelling of special tokens"
        ),
        own="the modules, after ImageBind's, which no registry has; which clips and crops; depth, thermal and motion",
    )


def _vision_example(batch: int) -> tuple[torch.Tensor, ...]:
    """Pictures for an odd batch, films of two frames for an even one, of which the graph is traced."""
    shape = (3, media.SIDE, media.SIDE) if batch % 2 else (3, media.CLIP_FRAMES, media.SIDE, media.SIDE)
    return example(shape)(batch)


def _description(model: ImageBind) -> str:
    scales = ", ".join(
        f"{name} {model.scale(name):g}" for name in ("vision", "text", "audio", "depth", "thermal", "imu")
    )
    return (
        "ImageBind: text, images, audio, video, depth maps, thermal pictures and motion in one space. Vectors are of "
        "unit length; the scales that the reference multiplies them by "
        f"are stripped: {scales}. Depth, thermal and motion were published without loaders: their preprocessing is not "
        "confirmed by the authors."
    )
