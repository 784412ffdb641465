"""CLIP's tokenizer, which is ImageBind's: the published vocabulary as open_clip ships it, or a small one."""

import gzip
import tempfile

from open_clip.tokenizer import SimpleTokenizer

from ... import tokens
from .modules import HUGE


def vocabulary(tiny: bool) -> tuple[SimpleTokenizer, tokens.Merges]:
    """(tokenizer, merges). It cuts at 77 tokens and then puts the end token last, as ImageBind does since November
    2025."""
    if not tiny:
        tokenizer = SimpleTokenizer(context_length=HUGE.context)
        return tokenizer, list(tokenizer.bpe_ranks)
    merges = tokens.clip_merges()
    with tempfile.NamedTemporaryFile(suffix=".gz") as file:
        file.write(gzip.compress("\n".join(["#version: 0.2", *(" ".join(m) for m in merges)]).encode()))
        file.flush()
        return SimpleTokenizer(bpe_path=file.name, context_length=HUGE.context), merges
