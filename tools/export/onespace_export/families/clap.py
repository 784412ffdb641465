"""LAION-CLAP, unfused: text and recordings. transformers' ClapModel; fused checkpoints are refused.

A recording longer than 10 s is heard in windows of 10 s, where the reference takes one at random. Filters are Slaney's,
as transformers' own feature extractor uses for `rand_trunc`.
"""

import json
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import AutoTokenizer, ClapConfig, ClapFeatureExtractor, ClapModel, RobertaTokenizer

from .. import Refused, checkpoint, media, tokens
from ..model import Graph, Model, Options, Tower, mean_of_units, unit
from ..pictures import example
from ..randomise import randomise

# LAION-CLAP's own text limit (hook.py); its README's prompt for ESC-50.
CONTEXT, TEMPLATES = 77, ["This is a sound of {label}"]
MAX_WINDOWS = 64
FUSED = (
    "clap: fused checkpoints are refused: their graph depends on how many clips of a batch are long (torch.export "
    "cannot say it, tracing "
    "freezes it) and their three chunks are chosen at random; export an unfused one (laion/clap-htsat-unfused, "
    "laion/larger_clap_*)"
)
RULE = (
    "resampled by torchaudio's windowed sinc (the reference leaves that to the caller); longer than 10 s: windows of "
    "10 s, the last ends "
    "with the recording; mean of unit vectors, unit again (the reference: 10 s at random)"
)


class Text(torch.nn.Module):
    """input_ids, attention_mask int64 [batch, tokens] → [batch, width]."""

    def __init__(self, model: ClapModel) -> None:
        super().__init__()
        self.text_model, self.projection = model.text_model, model.text_projection

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.projection(self.text_model(input_ids=input_ids, attention_mask=attention_mask).pooler_output)


class Audio(torch.nn.Module):
    """input_features float32 [batch, 1, 1001, 64] → [batch, width]."""

    def __init__(self, model: ClapModel) -> None:
        super().__init__()
        self.audio_model, self.projection = model.audio_model, model.audio_projection

    def forward(self, input_features: torch.Tensor) -> torch.Tensor:
        return self.projection(self.audio_model(input_features=input_features).pooler_output)


def _random(options: Options) -> tuple[ClapModel, RobertaTokenizer, ClapFeatureExtractor]:
    vocabulary, merges = tokens.roberta()
    tokenizer = RobertaTokenizer(vocab=vocabulary, merges=merges)
    text = {"vocab_size": 50265, "max_position_embeddings": 514, "pad_token_id": 1}
    audio: dict = {"enable_fusion": False}
    if options.tiny:
        text |= {
            "vocab_size": len(tokenizer),
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_attention_heads": 4,
            "num_hidden_layers": 2,
        }
        audio |= {
            "patch_embeds_hidden_size": 16,
            "depths": [1, 1, 1, 1],
            "num_attention_heads": [2, 2, 4, 4],
            "hidden_size": 128,
        }
    config = ClapConfig(text_config=text, audio_config=audio, projection_dim=48 if options.tiny else 512)
    config._attn_implementation = "eager"
    extractor = ClapFeatureExtractor(
        frequency_min=50, frequency_max=14000, truncation="rand_trunc", padding="repeatpad"
    )
    model = randomise(ClapModel(config), options.seed)
    # What training leaves there: the mean and the variance of decibels. Without them every recording looks alike.
    model.audio_model.audio_encoder.batch_norm.running_mean.fill_(-40)
    model.audio_model.audio_encoder.batch_norm.running_var.fill_(400)
    return model, tokenizer, extractor


def publish(options: Options, folder: Path) -> None:
    """A checkpoint of random weights."""
    for part in _random(options):
        part.save_pretrained(folder)


def _read(path: Path) -> tuple[ClapModel, RobertaTokenizer, ClapFeatureExtractor]:
    config = json.loads((path / "config.json").read_text())
    if config.get("audio_config", {}).get("enable_fusion"):
        raise Refused(FUSED)
    extractor = ClapFeatureExtractor.from_pretrained(path)
    return checkpoint.pretrained(ClapModel, path, "clap"), AutoTokenizer.from_pretrained(path), extractor


def _audio_table(extractor: ClapFeatureExtractor) -> dict:
    if (extractor.truncation, extractor.padding) != ("rand_trunc", "repeatpad"):
        raise Refused(
            f"clap: a feature extractor of truncation {extractor.truncation} and padding {extractor.padding}: {FUSED}"
        )
    window = extractor.max_length_s * 1000
    mel = {
        "kind": "log_mel",
        "n_fft": extractor.fft_window_size,
        "win_length": extractor.fft_window_size,
        "hop_length": extractor.hop_length,
    }
    mel |= {"center": True, "power": 2.0, "n_mels": extractor.feature_size, "mel_scale": "slaney", "mel_norm": "slaney"}
    mel |= {
        "f_min": float(extractor.frequency_min),
        "f_max": float(extractor.frequency_max),
        "log": "db",
        "floor": 1e-10,
        "mean": 0.0,
        "std": 1.0,
    }
    table = {
        "sample_rate": extractor.sampling_rate,
        "channels": "mean",
        "window_ms": window,
        "hop_ms": window,
        "max_windows": MAX_WINDOWS,
    }
    return table | {
        "resampler": "torchaudio",
        "short": "repeat-pad",
        "layout": "time-mel",
        "channel_axis": True,
        "front_end": mel,
    }


def _text_example(batch: int) -> tuple[torch.Tensor, ...]:
    length = 8 * batch
    ids = torch.randint(5, 300, (batch, length), generator=torch.Generator().manual_seed(batch))
    mask = (torch.arange(length) < 6 + 3 * torch.arange(batch)[:, None]).long()
    return ids * mask + (1 - mask), mask


def build(options: Options, path: Path | None) -> Model:
    if options.variant == "fused":
        raise Refused(FUSED)
    if options.variant is not None:
        raise Refused(f"clap: variant {options.variant} is not known")
    model, tokenizer, extractor = _random(options) if path is None else _read(path)
    table, width = _audio_table(extractor), model.config.projection_dim
    rate, size = extractor.sampling_rate, extractor.nb_max_samples

    @torch.no_grad()
    def read(data: bytes) -> np.ndarray:
        encoded = tokenizer([media.words(data)], padding=True, truncation=True, max_length=CONTEXT, return_tensors="pt")
        return unit(model.get_text_features(**encoded).pooler_output[0])

    @torch.no_grad()
    def hear(data: bytes) -> np.ndarray:
        wave, own = media.recording(data)
        windows = media.windows(media.resampled(wave.mean(1), own, rate), size, size)
        heard = [extractor(w, sampling_rate=rate, return_tensors="pt")["input_features"].float() for w in windows]
        return mean_of_units(model.get_audio_features(input_features=torch.cat(heard)).pooler_output.numpy())

    @torch.no_grad()
    def hear_at_random(data: bytes) -> np.ndarray:
        wave, own = media.recording(data)
        np.random.seed(options.seed)
        heard = extractor(media.resampled(wave.mean(1), own, rate), sampling_rate=rate, return_tensors="pt")
        return unit(model.get_audio_features(input_features=heard["input_features"].float()).pooler_output.numpy())

    text = {
        "tokenizer": "tokenizer.json",
        "context": CONTEXT,
        "pad_id": tokenizer.pad_token_id,
        "overflow": "truncate",
        "templates": TEMPLATES,
    }
    tokens_axis = {1: "tokens"}
    towers = {
        "text": Tower(
            graph=Graph(Text(model), {"input_ids": tokens_axis, "attention_mask": tokens_axis}, _text_example),
            preprocess=text,
            reference=read,
            original=read,
            native_dimension=width,
            logit_scale=model.logit_scale_t.exp().item(),
        ),
        "audio": Tower(
            graph=Graph(
                Audio(model),
                {"input_features": {}},
                example((1, size // extractor.hop_length + 1, extractor.feature_size)),
            ),
            preprocess=table,
            reference=hear,
            original=hear_at_random,
            native_dimension=width,
            logit_scale=model.logit_scale_a.exp().item(),
            rule=RULE,
        ),
    }
    return Model(
        name="clap" + ("-tiny" if options.tiny else ""),
        description="LAION-CLAP: text and recordings in one space.",
        licence=checkpoint.licence(path, options.licence),
        dimension=width,
        towers=towers,
        tokenizer=tokenizer.backend_tokenizer,
        reference=f"transformers {transformers.__version__} ClapModel, RobertaTokenizer, ClapFeatureExtractor",
        own="where the windows of a long recording lie",
    )
