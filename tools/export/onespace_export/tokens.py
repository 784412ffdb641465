"""Vocabularies of the families' layouts, learned from a fixed text: what --tiny has instead of a download."""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors

WORD_END = "</w>"
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
# Fewer than make every word of the text one piece.
MERGES = 180

Merges = list[tuple[str, str]]


def _learn(words: Iterable[tuple[str, ...]], most: int) -> Merges:
    """Byte-pair encoding: the commonest pair is merged, the first in order of equals; words come in symbols.

    The tokenizers library learns another vocabulary on each call: it breaks ties as its hash tables happen to lie.
    """
    counts = Counter(words)
    merges: Merges = []
    while len(merges) < most:
        pairs: Counter = Counter()
        for word, count in counts.items():
            for pair in pairwise(word):
                pairs[pair] += count
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        merged: Counter = Counter()
        for word, count in counts.items():
            merged[_merge(word, best)] += count
        counts = merged
    return merges


def _merge(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    out, i = [], 0
    while i < len(word):
        step = 2 if word[i : i + 2] == pair else 1
        out.append("".join(word[i : i + step]))
        i += step
    return tuple(out)


def _split(pre_tokenizer: pre_tokenizers.PreTokenizer, lines: list[str]) -> list[str]:
    return [piece for line in lines for piece, _ in pre_tokenizer.pre_tokenize_str(line)]


def _alphabet() -> list[str]:
    return sorted(pre_tokenizers.ByteLevel.alphabet())


def _clip_split(*special: str) -> pre_tokenizers.PreTokenizer:
    pattern = "|".join([*map(re.escape, special), CLIP_PATTERN])
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip


def clip_merges() -> Merges:
    """Merges of byte symbols, WORD_END at the end of words."""
    words = _split(_clip_split(), [line.lower() for line in TEXT])
    return _learn(((*word[:-1], word[-1] + WORD_END) for word in words), MERGES)


def clip_vocabulary(merges: Merges, start: str, end: str) -> dict[str, int]:
    """CLIP's order: bytes (printable ones first), bytes that end a word, merges, then the two special tokens."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    symbols = [*map(chr, printable), *(chr(256 + i) for i in range(256 - len(printable)))]
    names = [*symbols, *(s + WORD_END for s in symbols), *("".join(m) for m in merges), start, end]
    return {name: i for i, name in enumerate(names)}


def clip_tokenizer(merges: Merges, start: str, end: str) -> Tokenizer:
    """open_clip's SimpleTokenizer after its cleaning, in the tokenizers library.

    A special token that a text spells counts where CLIP's pattern finds it, which is not behind a full stop
    ("red.<end_of_text>"). As an added token it would be found there too, so it is a word of the pattern whose pieces
    are merged on until they are one.
    """
    vocabulary = clip_vocabulary(merges, start + WORD_END, end + WORD_END)
    spelled = _spelled(vocabulary, merges, start) + _spelled(vocabulary, merges, end)
    for one, other in spelled:
        vocabulary.setdefault(one + other, len(vocabulary))
    tokenizer = Tokenizer(models.BPE(vocabulary, [*merges, *spelled], end_of_word_suffix=WORD_END))
    tokenizer.pre_tokenizer = _clip_split(start, end)
    tokenizer.decoder = decoders.ByteLevel()
    first, last = ((name, vocabulary[name + WORD_END]) for name in (start, end))
    tokenizer.post_processor = processors.RobertaProcessing(last, first, trim_offsets=False, add_prefix_space=False)
    return tokenizer


def _spelled(vocabulary: dict[str, int], merges: Merges, name: str) -> Merges:
    """Merges that make one of the pieces of a special token's name. Each has a sign and a letter in it, as no other
    word of the pattern has."""
    pieces = [t.value for t in models.BPE(vocabulary, merges, end_of_word_suffix=WORD_END).tokenize(name)]
    at = next(i for i, piece in enumerate(pieces) if piece[0].isalpha())
    whole, found = pieces[at - 1], []
    for piece in pieces[at:]:
        found.append((whole, piece))
        whole += piece
    for piece in reversed(pieces[: at - 1]):
        found.append((piece, whole))
        whole = piece + whole
    return found


def gemma() -> tuple[dict[str, int], Merges]:
    """Gemma's layout: <pad> <eos> <bos> <unk> <mask>, the 256 bytes to fall back on, then pieces with ▁ for spaces."""
    words = _split(pre_tokenizers.Split("▁", behavior="merged_with_next"), [line.replace(" ", "▁") for line in TEXT])
    merges = _learn(map(tuple, words), MERGES)
    names = [
        "<pad>",
        "<eos>",
        "<bos>",
        "<unk>",
        "<mask>",
        *(f"<0x{b:02X}>" for b in range(256)),
        *sorted({c for w in words for c in w}),
    ]
    return _numbered(names, merges), merges


def roberta() -> tuple[dict[str, int], Merges]:
    """RoBERTa's layout: <s> <pad> </s> <unk>, byte-level pieces, <mask> last."""
    merges = _learn(map(tuple, _split(pre_tokenizers.ByteLevel(add_prefix_space=False), TEXT)), MERGES)
    vocabulary = _numbered(["<s>", "<pad>", "</s>", "<unk>", *_alphabet()], merges)
    return {**vocabulary, "<mask>": len(vocabulary)}, merges


def _numbered(names: list[str], merges: Merges) -> dict[str, int]:
    """Ids in order, what is merged after what is given; a piece that two merges make has one."""
    return {name: i for i, name in enumerate(dict.fromkeys([*names, *("".join(m) for m in merges)]))}
