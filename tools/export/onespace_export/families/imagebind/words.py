"""CLIP's tokenizer, which is ImageBind's: the published vocabulary as open_clip ships it, or a small one."""

import gzip
import tempfile

import regex
from open_clip.tokenizer import SimpleTokenizer

from ... import tokens
from .. import open_clip_model
from ..clip import END, START
from .modules import HUGE


def vocabulary(tiny: bool) -> tuple[SimpleTokenizer, tokens.Merges]:
    """(tokenizer, merges). It cuts at 77 tokens and then puts the end token last, as ImageBind does since November
    2025."""
    if not tiny:
        tokenizer = SimpleTokenizer(context_length=HUGE.context)
        return _respelled(tokenizer), list(tokenizer.bpe_ranks)
    merges = tokens.clip_merges()
    with tempfile.NamedTemporaryFile(suffix=".gz") as file:
        file.write(gzip.compress("\n".join(["#version: 0.2", *(" ".join(m) for m in merges)]).encode()))
        file.flush()
        return _respelled(SimpleTokenizer(bpe_path=file.name, context_length=HUGE.context)), merges


def _respelled(tokenizer: SimpleTokenizer) -> SimpleTokenizer:
    """With special tokens spelled as by OpenAI, which ImageBind kept; OpenCLIP spells them otherwise."""
    theirs = (open_clip_model.START, open_clip_model.END)
    for old, new in zip(theirs, (START, END), strict=True):
        tokenizer.encoder[new] = tokenizer.encoder.pop(old)
        tokenizer.decoder[tokenizer.encoder[new]] = new
    tokenizer.cache = {START: START, END: END}
    spelled = "|".join(map(regex.escape, (START, END)))
    tokenizer.pat = regex.compile(tokenizer.pat.pattern.replace("|".join(theirs), spelled), regex.IGNORECASE)
    return tokenizer
