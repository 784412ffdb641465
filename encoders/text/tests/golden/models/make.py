"""Makes small tokenizers of the kinds that published models use, and what their own code gives for some texts.

    python make.py        needs transformers 5.23, tokenizers, open_clip 3.3, ftfy 6.3

clip.json is CLIP's byte-level BPE cut to its first 600 merges; gemma.json is a BPE with byte fallback of the kind that
Gemma and SigLIP 2 use, trained on the sentences below. `ids` are what the model's class gives, padding included.
"""

import gzip
import html
import json
import tempfile
from pathlib import Path

import ftfy
import open_clip
from open_clip.tokenizer import SimpleTokenizer
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import CLIPTokenizer, PreTrainedTokenizerFast
from transformers.models.siglip.tokenization_siglip import SiglipTokenizer

HERE = Path(__file__).parent
CORPUS = [
    "a red cup on a wooden table", "two dogs bark behind the grey house", "rain falls on the tin roof at night",
    "the blue car turns left", "a violin plays a slow melody", "ein roter Becher steht auf dem Tisch",
    "un chien aboie derrière la maison", "红色杯子放在桌子上", "кошка спит", "赤いカップ", "كوب أحمر", "👩‍🚀 astronaut",
]
TEXTS = [
    "a photo of a cat", "A Photo of a CAT!!", "  white\t space \n everywhere  ", "naïve café — “quoted” ‘text’…", "👩‍🚀 rides a 🦄 at 🌃",
    "红色杯子放在桌子上", "赤いカップ", "кошка спит", "كوب أحمر", "Straße ǅ ﬁne ﬀ", "ＦＵＬＬ　ｗｉｄｔｈ", "fish &amp; chips &lt;b&gt;", "caf&eacute; &amp;amp; co &#x1F600; &#39;",
    "it's we're I'd they've 's 'T", "1234567 10,000.5", "<|startoftext|> and <|endoftext|>", "snake_case and-dash", "e\u0301 composed, e\u0301\u0301",
    "zero\u200bwidth\u00a0space", "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen",
    "supercalifragilisticexpialidocious" * 4, "?!?!?! … ---", "a", "ΟΔΥΣΣΕΥΣ ΚΑΙ ΠΗΝΕΛΟΠΗΣ", "a <EOS> b <eos> c",
]
# What ftfy repairs, and what it leaves alone.
BROKEN = TEXTS + [
    "caf\u00c3\u00a9", "l\u00e2\u20ac\u2122\u00e9t\u00e9".encode("utf-8").decode("utf-8"), "âœ” No problems", "schÃ¶n", "â€œquotedâ€\x9d", "Ã¼ber",
    "\u00d0\u00ba\u00d0\u00be\u00d1\u02c6\u00d0\u00ba\u00d0\u00b0", "&NTILDE; &eacute; &amp;lt; &nosuch; &ampx; &notit;", "<b>bold</b> &amp; kept", "bell\x07 \x1b[31mred\x1b[0m \ufeffmark", "line\r\nbreak\rand\u2028more\u2029",
    "\x85 and \x93quoted\x94", "Ĳssel ŉ ǆ ﬅ", "ｶﾀｶﾅ", "plain ascii", "Grüße, naïve façade", "¿Qué?", "5 × 3 ÷ 2 = 7½ °C", "",
]


def clip():
    lines = gzip.open(Path(open_clip.__file__).parent / "bpe_simple_vocab_16e6.txt.gz").read().decode().split("\n")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bpe.txt.gz"
        path.write_bytes(gzip.compress("\n".join(lines[:601]).encode()))
        theirs = SimpleTokenizer(str(path), context_length=16)
    merges = [tuple(line.split()) for line in lines[1:601]]
    vocabulary = dict(theirs.encoder)
    # The names of the ends differ, their ids do not.
    for old, new in (("<start_of_text>", "<|startoftext|>"), ("<end_of_text>", "<|endoftext|>")):
        vocabulary[new] = vocabulary.pop(old)
    ours = CLIPTokenizer(vocab=vocabulary, merges=merges)
    ours.backend_tokenizer.save(str(HERE / "clip.json"), pretty=False)
    end = vocabulary["<|endoftext|>"]
    clean = ["ftfy", "html-unescape", "html-unescape", "strip", "collapse-whitespace", "lowercase"]
    yield "clip", {"pad_id": end}, [ours(text, padding="max_length", max_length=16, truncation=True)["input_ids"] for text in TEXTS]
    names = [text.replace("<|startoftext|>", "<start_of_text>").replace("<|endoftext|>", "<end_of_text>") for text in TEXTS]
    yield "clip", {"pad_id": 0, "clean": clean}, [theirs(text)[0].tolist() for text in names]


def gemma():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    special = ["<pad>", "<eos>", "<bos>", "<unk>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=700, special_tokens=special, show_progress=False))
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    pieces = {"siglip2": ("$A <eos>", [("<eos>", 1)], 0), "gemma": ("<bos> $A <eos>", [("<bos>", 2), ("<eos>", 1)], 0)}
    for name, (single, ends, pad) in pieces.items():
        tokenizer.post_processor = processors.TemplateProcessing(single=single, special_tokens=ends)
        lower = [normalizers.Lowercase()] if name == "siglip2" else []
        tokenizer.normalizer = normalizers.Sequence([*lower, normalizers.Replace(" ", "▁")])
        tokenizer.save(str(HERE / f"{name}.json"), pretty=False)
        theirs = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", padding_side="right")
        yield name, {"pad_id": pad}, [theirs(text, padding="max_length", max_length=16, truncation=True)["input_ids"] for text in TEXTS]
        if name == "gemma":
            prompt = "task: search result | query: {text}"
            yield name, {"pad_id": pad, "prompt": prompt}, [
                theirs(prompt.format(text=text), padding="max_length", max_length=16, truncation=True)["input_ids"] for text in TEXTS
            ]


def main():
    cases = []
    for name, spec, ids in [*clip(), *gemma()]:
        cases.append({"tokenizer": name, "spec": spec | {"tokenizer": f"{name}.json", "context": 16, "pad": "context"}, "ids": ids})
    siglip = SiglipTokenizer.canonicalize_text
    plain = type("Plain", (), {"do_lower_case": False, "remove_punctuation": SiglipTokenizer.remove_punctuation})()
    cleaned = {
        "ftfy": [ftfy.fix_text(text) for text in BROKEN],
        "html-unescape": [html.unescape(text) for text in BROKEN],
        "strip": [text.strip() for text in BROKEN],
        "lowercase": [text.lower() for text in BROKEN],
        "canonicalize": [siglip(plain, text) for text in BROKEN],
    }
    golden = {"texts": TEXTS, "cases": cases, "broken": BROKEN, "cleaned": cleaned}
    (HERE / "cases.json").write_text(json.dumps(golden, ensure_ascii=True, indent=1) + "\n")


main()
