"""Vocabularies of the families' layouts, learned from a fixed text: what --tiny has instead of a download."""

import json

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

# CLIP's own pattern (openai/CLIP, simple_tokenizer): contractions, letters, single digits, the rest.
CLIP_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
TEXT = """
a photo of a red teapot on a wooden table, a blue bell and a yellow key under the window
this is a sound of rain, thunder, a barking dog, an old train and people singing in the street
the quick brown fox jumps over the lazy dog while seven large white birds fly to the north
un chat noir dort sur la chaise verte; der kleine Vogel singt im Garten; el perro corre por la playa
a video of someone throwing a ball, a drawing of a mountain, a close-up picture of the smallest flower
1 2 3 4 5 6 7 8 9 0 10 24 365 1999 2026 it's don't we're they've I'm you'll he'd
""".strip().splitlines()
SIZE = 700

Merges = list[tuple[str, str]]


def _learn(tokenizer: Tokenizer, text: list[str], **how) -> dict:
    """{"vocab": {name: id}, "merges": [[left, right], …]}."""
    tokenizer.train_from_iterator(text, trainers.BpeTrainer(vocab_size=SIZE, show_progress=False, **how))
    return json.loads(tokenizer.to_str())["model"]


def _alphabet() -> list[str]:
    return sorted(pre_tokenizers.ByteLevel.alphabet())


def _clip_split() -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(CLIP_PATTERN), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip


def clip_merges() -> Merges:
    """Merges of byte symbols, </w> at the end of words."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = _clip_split()
    learned = _learn(tokenizer, [line.lower() for line in TEXT], initial_alphabet=_alphabet(), end_of_word_suffix="</w>")
    return [tuple(m) for m in learned["merges"]]


def clip_vocabulary(merges: Merges, start: str, end: str) -> dict[str, int]:
    """CLIP's order: bytes (printable ones first), bytes that end a word, merges, then the two special tokens."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    symbols = [*map(chr, printable), *(chr(256 + i) for i in range(256 - len(printable)))]
    names = [*symbols, *(s + "</w>" for s in symbols), *("".join(m) for m in merges), start, end]
    return {name: i for i, name in enumerate(names)}


def clip_tokenizer(merges: Merges, start: str, end: str) -> Tokenizer:
    """open_clip's SimpleTokenizer after its cleaning, in the tokenizers library."""
    vocabulary = clip_vocabulary(merges, start, end)
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, end_of_word_suffix="</w>", unk_token=end))
    tokenizer.pre_tokenizer = _clip_split()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(start, special=True), AddedToken(end, special=True)])
    ends = (end, vocabulary[end]), (start, vocabulary[start])
    tokenizer.post_processor = processors.RobertaProcessing(*ends, trim_offsets=False, add_prefix_space=False)
    return tokenizer


def gemma() -> tuple[dict[str, int], Merges]:
    """Gemma's layout: <pad> <eos> <bos> <unk> <mask>, the 256 bytes to fall back on, then pieces with ▁ for spaces."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", behavior="merged_with_next")
    learned = _learn(tokenizer, [line.replace(" ", "▁") for line in TEXT])
    pieces = sorted(learned["vocab"], key=learned["vocab"].get)
    names = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *(f"<0x{b:02X}>" for b in range(256)), *pieces]
    return {name: i for i, name in enumerate(names)}, [tuple(m) for m in learned["merges"]]


def roberta() -> tuple[dict[str, int], Merges]:
    """RoBERTa's layout: <s> <pad> </s> <unk>, byte-level pieces, <mask> last."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    learned = _learn(tokenizer, TEXT, initial_alphabet=_alphabet())
    pieces = sorted(learned["vocab"], key=learned["vocab"].get)
    names = ["<s>", "<pad>", "</s>", "<unk>", *pieces, "<mask>"]
    return {name: i for i, name in enumerate(names)}, [tuple(m) for m in learned["merges"]]
