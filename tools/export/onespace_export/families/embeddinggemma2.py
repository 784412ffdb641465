"""EmbeddingGemma 2: text, pictures, recordings and films through one text model, of transformers' own classes.

Three graphs: vision_encoder and audio_encoder make soft tokens, model reads them among token ids. A film's frames go
through vision_encoder one by one, and each one's tokens stand between the markers of a picture.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from tokenizers import processors as post
from transformers import AutoTokenizer, EmbeddingGemma2Config, EmbeddingGemma2Model, GemmaTokenizer
from transformers.models.embedding_gemma2.processing_embedding_gemma2 import EmbeddingGemma2Processor
from transformers.models.embedding_gemma2.video_processing_embedding_gemma2 import EmbeddingGemma2VideoProcessor
from transformers.models.gemma4.feature_extraction_gemma4 import Gemma4AudioFeatureExtractor
from transformers.models.gemma4.image_processing_pil_gemma4 import Gemma4ImageProcessorPil
from transformers.video_utils import VideoMetadata

from .. import Refused, checkpoint, media, tokens
from ..model import Graph, Model, Options, Reference, Stage, Tower, mean_of_units, unit
from ..pictures import FILM_MARK
from ..processors import loaded
from ..randomise import randomise
from .embeddinggemma2_graphs import Audio, Fusion, Vision, audio_example, fusion_example, vision_example

# The model card: 8,192 tokens, what to put around questions and documents, vectors that may be cut.
CONTEXT, MATRYOSHKA = 8192, [512, 256, 128]
PROMPT, DOCUMENT = "task: search result | query: {text}", "title: none | text: {text}"
# Soft tokens of a picture at most, and of each frame of a film (the model card).
SOFT_TOKENS, FRAME_TOKENS = 280, 140
# The feature extractor cuts what is longer than 480,000 samples. `audio_seq_length` of the processor cuts nothing.
WINDOW_MS, MAX_WINDOWS = 30_000, 60
# Longer films are looked at whole as well: a segment is as long as a film may be.
FILM_MS = 3 * 60 * 60 * 1000
# The model has no scale of its own; this is CLIP's, so that labels get probabilities at all.
SCALE = 100.0
LICENCE = "Apache-2.0 AND LicenseRef-Gemma"
NOTICE = (
    "Statements about the licence conflict: the model card says Apache-2.0 and asks that deployments adhere to the "
    "Gemma Prohibited Use Policy; "
    "other pages of its publisher and the MTEB registry say Gemma license. Both are named here; which one binds you is "
    "yours to decide."
)
REASON = "its authors say bfloat16 or float32 only: activations overflow in float16 and every vector becomes NaN"
RULES = {
    "audio": (
        "resampled by torchaudio's windowed sinc (the reference leaves that to the caller); longer than 30 s: windows "
        "of 30 s, "
        "the last one ends with the recording; mean of unit vectors, unit again (the reference cuts)"
    )
}
SPECIAL = {
    "image_token": "<|image|>", "boi_token": "<|image>", "eoi_token": "<image|>",
    "audio_token": "<|audio|>", "boa_token": "<|audio>", "eoa_token": "<audio|>",
}  # fmt: skip
VIDEO = "<|video|>"
# What stands before, for and after soft tokens; a film's frames are marked as pictures.
MARKERS = {"image": ("boi", "image", "eoi"), "audio": ("boa", "audio", "eoa"), "video": ("boi", "video", "eoi")}


def _tokenizer() -> GemmaTokenizer:
    """Gemma's layout with a small vocabulary, the markers behind it."""
    vocabulary, merges = tokens.gemma()
    for name in (*SPECIAL.values(), VIDEO):
        vocabulary[name] = len(vocabulary)
    tokenizer = GemmaTokenizer(vocab=vocabulary, merges=merges, padding_side="right", extra_special_tokens=SPECIAL)
    ends = [(name, tokenizer.convert_tokens_to_ids(name)) for name in ("<bos>", "<eos>")]
    tokenizer.backend_tokenizer.post_processor = post.TemplateProcessing(single="<bos> $A <eos>", special_tokens=ends)
    return tokenizer


def _random(options: Options) -> tuple[EmbeddingGemma2Model, EmbeddingGemma2Processor]:
    tokenizer = _tokenizer()
    places = {"image_token_id": tokenizer.image_token_id, "audio_token_id": tokenizer.audio_token_id}
    places["video_token_id"] = tokenizer.convert_tokens_to_ids(VIDEO)
    text, vision, audio, pictures = {}, {}, {}, {"max_soft_tokens": SOFT_TOKENS}
    films = {"max_soft_tokens": FRAME_TOKENS}
    if options.tiny:
        small = {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 2}
        text = {
            **small,
            "num_hidden_layers": 6,
            "vocab_size": len(tokenizer),
            "intermediate_size": 64,
            "num_key_value_heads": 1,
            "head_dim": 16,
        }
        text |= {"global_head_dim": 32, "hidden_size_per_layer_input": 16, "embedding_dim": 48, "sliding_window": 8}
        vision = {
            **small,
            "intermediate_size": 64,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "position_embedding_size": 256,
        }
        audio = {**small, "subsampling_conv_channels": [128, 8], "output_proj_dims": 48}
        pictures, films = {"max_soft_tokens": 140}, {"max_soft_tokens": 70, "max_frames": 8}
    config = EmbeddingGemma2Config(
        text_config=text,
        vision_config={"model_type": "gemma4_vision", **vision},
        audio_config={"model_type": "gemma4_audio", **audio},
        **places,
    )
    for part in (config, config.text_config, config.vision_config, config.audio_config):
        part._attn_implementation = "eager"
    model = randomise(EmbeddingGemma2Model(config), options.seed)
    eyes = Gemma4ImageProcessorPil(**pictures), EmbeddingGemma2VideoProcessor(**films)
    return model, _processor(tokenizer, eyes[0], Gemma4AudioFeatureExtractor(), eyes[1])


def _processor(
    tokenizer: GemmaTokenizer,
    pictures: Gemma4ImageProcessorPil,
    recordings: Gemma4AudioFeatureExtractor,
    films: EmbeddingGemma2VideoProcessor,
) -> EmbeddingGemma2Processor:
    return EmbeddingGemma2Processor(
        feature_extractor=recordings, image_processor=pictures, tokenizer=tokenizer, video_processor=films
    )


def publish(options: Options, folder: Path) -> None:
    """A checkpoint of random weights."""
    for part in _random(options):
        part.save_pretrained(folder)


def _read(path: Path) -> tuple[EmbeddingGemma2Model, EmbeddingGemma2Processor]:
    tokenizer = AutoTokenizer.from_pretrained(path, padding_side="right")
    pictures = Gemma4ImageProcessorPil.from_pretrained(path)
    recordings = Gemma4AudioFeatureExtractor.from_pretrained(path)
    model = checkpoint.pretrained(EmbeddingGemma2Model, path, "embeddinggemma2")
    films = EmbeddingGemma2VideoProcessor.from_pretrained(path)
    return model, _processor(tokenizer, pictures, recordings, films)


def _patches(eyes: Gemma4ImageProcessorPil | EmbeddingGemma2VideoProcessor) -> dict:
    """What pictures and films have in common."""
    pool, size = eyes.pooling_kernel_size, eyes.patch_size
    shifted = eyes.do_normalize and (list(eyes.image_mean) != [0.0] * 3 or list(eyes.image_std) != [1.0] * 3)
    if shifted or abs(eyes.rescale_factor - 1 / 255) > 1e-9 or int(eyes.resample) != 3:
        raise Refused(f"embeddinggemma2: an image or video processor that the manifest cannot say: {eyes}")
    patches = {"size": size, "max_patches": eyes.max_soft_tokens * pool**2, "pool": pool}
    table = {"resize": "multiple-of", "filter": "bicubic", "antialias": True}
    return table | {"mean": [0.0] * 3, "std": [1.0] * 3, "patches": patches}


def _film_table(films: EmbeddingGemma2VideoProcessor) -> dict:
    if films.add_timestamps or films.fps is None or films.max_frames is None or films.overflow_strategy != "uniform":
        raise Refused(f"embeddinggemma2: a video processor that the manifest cannot say: {films}")
    table = {
        "frames": films.max_frames,
        "segment_ms": FILM_MS,
        "max_segments": 1,
        "pick": "rate",
        "rate": float(films.fps),
    }
    return table | _patches(films) | {"resample": "u8-torch"}


def _sound_table(recordings: Gemma4AudioFeatureExtractor) -> dict:
    odd = (
        recordings.preemphasis
        or recordings.dither
        or recordings.input_scale_factor != 1
        or recordings.per_bin_mean is not None
    )
    if odd or recordings.per_bin_stddev is not None:
        raise Refused(f"embeddinggemma2: a feature extractor that the manifest cannot say: {recordings}")
    mel = {
        "kind": "gemma_mel",
        "n_fft": recordings.fft_length,
        "win_length": recordings.frame_length,
        "hop_length": recordings.hop_length,
    }
    mel |= {"n_mels": recordings.feature_size, "f_min": recordings.min_frequency, "f_max": recordings.max_frequency}
    mel |= {"floor": float(recordings.mel_floor)}
    table = {
        "sample_rate": recordings.sampling_rate,
        "channels": "mean",
        "window_ms": WINDOW_MS,
        "hop_ms": WINDOW_MS,
        "max_windows": MAX_WINDOWS,
    }
    return table | {"resampler": "torchaudio", "short": "keep", "layout": "time-mel", "front_end": mel}


def _around(tokenizer: GemmaTokenizer, around: tuple[str, str, str], frames: bool) -> dict:
    """[towers.X.tokens]: the ids before and after the soft tokens, of all or of each frame, and the one that stands for
    each."""
    first, place, last = around
    ids, each = tokenizer(f"{first}{place}{last}")["input_ids"], tokenizer.convert_tokens_to_ids(place)
    if ids.count(each) != 1:
        raise Refused(
            f"embeddinggemma2: the tokenizer makes {ids} of {first}{place}{last}; {each} should be there once"
        )
    at, named = ids.index(each), {"ids": "input_ids", "mask": "attention_mask", "each": each}
    if not frames:
        return named | {"before": ids[:at], "after": ids[at + 1 :]}
    return named | {
        "before": ids[: at - 1],
        "frame_before": ids[at - 1 : at],
        "frame_after": ids[at + 1 : at + 2],
        "after": ids[at + 2 :],
    }


def _references(
    model: EmbeddingGemma2Model, processor: EmbeddingGemma2Processor
) -> dict[str, tuple[Reference, Reference]]:
    """Files to unit vectors, by the rule and as the original, by transformers' processor and model; then
    SentenceTransformers' mean over tokens."""
    rate = processor.feature_extractor.sampling_rate

    @torch.no_grad()
    def embed(**given: Any) -> np.ndarray:
        inputs = processor(**given, return_tensors="pt")
        states, mask = model(**inputs).last_hidden_state[0], inputs["attention_mask"][0].bool()
        return unit(states[mask].mean(0))

    def hear(data: bytes) -> np.ndarray:
        wave, own = media.recording(data)
        size = rate * WINDOW_MS // 1000
        return mean_of_units(
            [embed(audio=w) for w in media.windows(media.resampled(wave.mean(1), own, rate), size, size)]
        )

    def hear_the_beginning(data: bytes) -> np.ndarray:
        wave, own = media.recording(data)
        return embed(audio=media.resampled(wave.mean(1), own, rate))

    def read(data: bytes) -> np.ndarray:
        return embed(
            text=[PROMPT.format(text=media.words(data))], text_kwargs={"truncation": True, "max_length": CONTEXT}
        )

    def watch(data: bytes, original: bool = False) -> np.ndarray:
        film = media.shown(data)
        rate, count = film.stated if original else film.rate, len(film.frames)
        said = VideoMetadata(total_num_frames=count, fps=float(rate), duration=float(count / rate))
        return embed(videos=[np.stack(film.frames)], video_metadata=[said])

    return {
        "text": (read, read),
        "image": (lambda data: embed(images=media.picture(data)), lambda data: embed(images=loaded(data))),
        "audio": (hear, hear_the_beginning),
        "video": (watch, lambda data: watch(data, original=True)),
    }


def _media(model: EmbeddingGemma2Model, processor: EmbeddingGemma2Processor) -> dict[str, tuple[Stage, dict, dict]]:
    """What is particular to pictures, recordings and films: (stage, preprocessing, markers)."""
    config, pictures, recordings = model.config, processor.image_processor, processor.feature_extractor
    films = processor.video_processor
    # Traced at the most patches that either has.
    patches = max(eyes.max_soft_tokens * eyes.pooling_kernel_size**2 for eyes in (pictures, films))
    axes = {"pixel_values": {1: "patches"}, "pixel_position_ids": {1: "patches"}}
    seen = Graph(Vision(model), axes, vision_example(config, patches), "image_features", "rows")
    heard = Graph(
        Audio(model),
        {"input_features": {1: "frames"}},
        audio_example(recordings.feature_size),
        "audio_features",
        "rows",
    )
    around = {
        kind: (getattr(processor, f"{a}_token"), getattr(processor, f"{b}_token"), getattr(processor, f"{c}_token"))
        for kind, (a, b, c) in MARKERS.items()
    }
    return {
        "image": (
            Stage("vision_encoder.onnx", seen),
            _patches(pictures) | {"background": list(media.WHITE)},
            _around(processor.tokenizer, around["image"], False),
        ),
        "audio": (
            Stage("audio_encoder.onnx", heard),
            _sound_table(recordings),
            _around(processor.tokenizer, around["audio"], False),
        ),
        "video": (
            Stage("vision_encoder.onnx", seen, {"into": "video_features", "frames": True}),
            _film_table(films),
            _around(processor.tokenizer, around["video"], True),
        ),
    }


def _towers(model: EmbeddingGemma2Model, processor: EmbeddingGemma2Processor) -> dict[str, Tower]:
    """Text, image, audio: all of them end in the text model."""
    config = model.config
    nothing = {f"{kind}_features": [0, config.text_config.hidden_size] for kind in ("image", "video", "audio")}
    axes = {
        "input_ids": {1: "tokens"},
        "attention_mask": {1: "tokens"},
        **{name: {0: name.replace("features", "rows")} for name in nothing},
    }
    fusion = Graph(Fusion(model), axes, fusion_example(config), output="sentence_embedding")
    text = {
        "tokenizer": "tokenizer.json",
        "context": CONTEXT,
        "pad_id": processor.tokenizer.pad_token_id,
        "overflow": "truncate",
    }
    references = _references(model, processor)
    common: dict[str, Any] = {"native_dimension": config.text_config.embedding_dim, "logit_scale": SCALE}

    def empty(but: str) -> list[dict]:
        return [{"name": name, "shape": shape} for name, shape in nothing.items() if name != but]

    towers = {
        "text": Tower(
            preprocess={**text, "prompt": PROMPT, "document_prompt": DOCUMENT},
            reference=references["text"][0],
            original=references["text"][1],
            graph=fusion,
            file="model.onnx",
            extra={"inputs": ["input_ids", "attention_mask"], "empty": empty("")},
            **common,
        )
    }
    for name, (stage, table, around) in _media(model, processor).items():
        towers[name] = Tower(
            preprocess=table,
            reference=references[name][0],
            original=references[name][1],
            shares="text",
            stages=[stage],
            rule=RULES.get(name, ""),
            extra={"inputs": [], "empty": empty(f"{name}_features"), "tokens": around},
            parity=FILM_MARK if name == "video" else Tower.parity,
            **common,
        )
    return towers


def build(options: Options, path: Path | None) -> Model:
    if options.variant is not None:
        raise Refused(f"embeddinggemma2: variant {options.variant} is not known")
    model, processor = _random(options) if path is None else _read(path)
    dimension = model.config.text_config.embedding_dim
    return Model(
        name="embeddinggemma-2" + ("-tiny" if options.tiny else ""),
        licence=options.licence or LICENCE,
        notice=NOTICE,
        dimension=dimension,
        description="EmbeddingGemma 2: text, images, audio and films through one text model.",
        towers=_towers(model, processor),
        reference=f"transformers {transformers.__version__} EmbeddingGemma2Model, EmbeddingGemma2Processor",
        own="where the windows of a long recording lie; the mean over tokens, after SentenceTransformers",
        tokenizer=processor.tokenizer.backend_tokenizer,
        matryoshka=[d for d in MATRYOSHKA if d < dimension] or [dimension // 2],
        forbid={"fp16": REASON},
    )
