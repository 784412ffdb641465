"""EmbeddingGemma 2's three graphs. Masks are made here: what transformers makes them with is frozen by tracing."""

from collections.abc import Callable
from types import MethodType
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import EmbeddingGemma2Config, EmbeddingGemma2Model

from ..model import Tensors

# What a masked score is.
LEAST = torch.finfo(torch.float32).min


def _bias(allowed: torch.Tensor) -> torch.Tensor:
    """0 where attention may look, the least float elsewhere."""
    return torch.zeros(allowed.shape).masked_fill(~allowed, LEAST)


class Vision(nn.Module):
    """pixel_values float32 [batch, patches, 768], pixel_position_ids int64 [batch, patches, 2] (x, y; −1: padding) →
    soft tokens float32 [rows, width] of all pictures, padding left out."""

    def __init__(self, model: EmbeddingGemma2Model) -> None:
        super().__init__()
        self.tower, self.embed = model.vision_tower, model.embed_vision
        self.pool = model.config.vision_config.pooling_kernel_size**2

    def forward(self, pixel_values: torch.Tensor, pixel_position_ids: torch.Tensor) -> torch.Tensor:
        tower, padding = self.tower, (pixel_position_ids == -1).all(-1)
        x = tower.patch_embedder(pixel_values, pixel_position_ids, padding)
        turns, mask = tower.encoder.rotary_emb(x, pixel_position_ids), _bias(~padding)[:, None, None]
        for layer in tower.encoder.layers:
            x = layer(x, attention_mask=mask, position_embeddings=turns, position_ids=pixel_position_ids)
        x, there = tower.pooler(x, pixel_position_ids, padding, int(pixel_values.shape[1]) // self.pool)
        x = x[there]
        if tower.config.standardize:
            x = (x - tower.std_bias) * tower.std_scale
        return self.embed(inputs_embeds=x)


def _context(attention: Any, states: torch.Tensor) -> torch.Tensor:
    """Windows of every block of [batch, length, heads, width] → [batch, blocks, context, heads, width], by index: the
    tracing exporter cannot unfold a length that it does not know."""
    length, chunk, past = states.shape[1], attention.chunk_size, attention.max_past_horizon
    states = F.pad(states, (0, 0, 0, 0, past, attention.max_future_horizon + chunk - 1))
    starts = torch.arange((length + chunk - 1) // chunk) * chunk
    return states[:, starts[:, None] + torch.arange(attention.context_size)]


class Audio(nn.Module):
    """input_features float32 [batch, frames, mels], no padding → soft tokens float32 [rows, width], one for four
    frames."""

    def __init__(self, model: EmbeddingGemma2Model) -> None:
        super().__init__()
        self.tower, self.embed = model.audio_tower, model.embed_audio
        for layer in self.tower.layers:
            layer.self_attn._extract_block_context = MethodType(_context, layer.self_attn)

    def _hidden(self, length: torch.Tensor | int) -> torch.Tensor:
        """True where a position must not look: [1, 1, blocks, chunk, context]."""
        config = self.tower.config
        chunk, future = config.attention_chunk_size, config.attention_context_right
        past = config.attention_context_left - 1
        starts = torch.arange((length + chunk - 1) // chunk)[:, None, None] * chunk
        asks = starts + torch.arange(chunk)[None, :, None]
        looks = starts + torch.arange(chunk + past + future)[None, None] - past
        behind, ahead = asks - looks, looks - asks
        near = ((behind >= 0) & (behind < past)) | ((ahead > 0) & (ahead < future))
        return ~(near & (looks >= 0) & (looks < length) & (asks < length))[None, None]

    def forward(self, input_features: torch.Tensor) -> torch.Tensor:
        x, _ = self.tower.subsample_conv_projection(input_features)
        places, hidden = self.tower.rel_pos_enc(x), self._hidden(x.shape[1])
        for layer in self.tower.layers:
            x = layer(x, attention_mask=hidden, position_embeddings=places)
        return self.embed(inputs_embeds=self.tower.output_proj(x)).flatten(0, 1)


class Fusion(nn.Module):
    """input_ids, attention_mask int64 [batch, tokens], soft tokens float32 [rows, width] of each kind, in the order of
    their placeholders → sentence_embedding float32 [batch, dimension]."""

    def __init__(self, model: EmbeddingGemma2Model) -> None:
        super().__init__()
        config = model.config
        self.text, self.pad = model.language_model, config.text_config.pad_token_id
        self.places = (config.image_token_id, config.video_token_id, config.audio_token_id)
        self.window = config.text_config.sliding_window

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        image_features: torch.Tensor,
        video_features: torch.Tensor,
        audio_features: torch.Tensor,
    ) -> torch.Tensor:
        found = [input_ids == place for place in self.places]
        x = self.text.embed_tokens(input_ids.masked_fill(found[0] | found[1] | found[2], self.pad))
        for there, rows in zip(found, (image_features, video_features, audio_features), strict=True):
            # The n-th placeholder gets row n; row 0 stands for none, so that there may be no rows at all.
            number = there.flatten().long().cumsum(0).view(there.shape) * there
            rows = torch.cat([torch.zeros(1, x.shape[-1]), rows])
            x = torch.where(there[..., None], rows[number], x)
        real, at = attention_mask.bool()[:, None, None], torch.arange(input_ids.shape[1])
        near = ((at[:, None] - at[None]).abs() <= self.window)[None, None]
        masks = {"full_attention": _bias(real), "sliding_attention": _bias(real & near)}
        states = self.text(inputs_embeds=x, attention_mask=masks).last_hidden_state
        weight = attention_mask[..., None].float()
        return (states * weight).sum(1) / weight.sum(1)


def vision_example(config: EmbeddingGemma2Config, patches: int) -> Callable[[int], Tensors]:
    """Pictures of different shapes, each a grid of patches and padding."""
    side = config.vision_config.pooling_kernel_size

    def make(batch: int) -> Tensors:
        generator = torch.Generator().manual_seed(batch)
        pixels = torch.zeros(batch, patches, 3 * config.vision_config.patch_size**2)
        places = torch.full((batch, patches, 2), -1)
        for row in range(batch):
            across, down = side * (3 + row), side * (4 - row)
            y, x = torch.meshgrid(torch.arange(down), torch.arange(across), indexing="ij")
            places[row, : across * down] = torch.stack([x, y], -1).flatten(0, 1)
            pixels[row, : across * down] = torch.rand(across * down, pixels.shape[2], generator=generator)
        return pixels, places

    return make


def audio_example(mels: int) -> Callable[[int], Tensors]:
    """Spectrograms of a length that neither stride nor chunk divides, another for each batch."""
    return lambda batch: (torch.randn(batch, 90 + 37 * batch, mels, generator=torch.Generator().manual_seed(batch)),)


def fusion_example(config: EmbeddingGemma2Config) -> Callable[[int], Tensors]:
    """Texts with some placeholders of each kind, longer and shorter ones."""

    def make(batch: int) -> Tensors:
        generator = torch.Generator().manual_seed(batch)
        ids = torch.randint(5, 300, (batch, 12 + 9 * batch), generator=generator)
        mask = (torch.arange(ids.shape[1]) < 12 + 7 * torch.arange(batch)[:, None] + 2 * batch).long()
        ids[:, 2:5], ids[:, 6:8], ids[0, 9:11] = config.image_token_id, config.audio_token_id, config.video_token_id
        rows = [torch.randn(n, config.text_config.hidden_size, generator=generator) for n in (3 * batch, 2, 2 * batch)]
        return ids, mask, *rows

    return make
