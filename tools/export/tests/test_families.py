"""What the families refuse, how checkpoints are matched, and that their tables say what their processors do."""

import html
import itertools
import json
import tomllib

import ftfy
import numpy as np
import open_clip
import pytest
import torch
from conftest import build
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import Siglip2Tokenizer

from onespace_export import Refused, bundle, corpus, tokens
from onespace_export.families import clap, clip, open_clip_model, siglip2
from onespace_export.model import Options

CLEAN = {
    "ftfy": ftfy.fix_text,
    "html-unescape": html.unescape,
    "strip": str.strip,
    "collapse-whitespace": lambda t: " ".join(t.split()),
    "lowercase": str.lower,
}


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """A transformers checkpoint of CLIP as its authors would publish it."""
    path = tmp_path_factory.mktemp("checkpoint")
    for part in clip._random(build("clip")[1]):
        part.save_pretrained(path)
    (path / "README.md").write_text("---\nlicense: mit\n---\n# A model\n")
    return path


def without(saved, tmp_path, change):
    """A copy of the checkpoint with `change` made to its state."""
    for file in saved.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    state = load_file(tmp_path / "model.safetensors")
    change(state)
    save_file(state, tmp_path / "model.safetensors", metadata={"format": "pt"})
    return tmp_path


def test_a_checkpoint_gives_what_was_saved(saved):
    model, (fresh, _) = build("clip", path=saved)[0], build("clip")
    assert model.licence == "mit"
    text = b"a photo of a red teapot"
    assert model.towers["text"].reference(text) @ fresh.towers["text"].reference(text) > 0.999999


def test_a_dropped_key_is_named(saved, tmp_path):
    path = without(saved, tmp_path, lambda state: state.pop("visual_projection.weight"))
    with pytest.raises(Refused, match=r"missing:\s+visual_projection.weight"):
        build("clip", path=path)


def test_an_unexpected_key_is_named(saved, tmp_path):
    path = without(saved, tmp_path, lambda state: state.update(stray=torch.zeros(1)))
    with pytest.raises(Refused, match=r"unexpected:\s+stray"):
        build("clip", path=path)


def test_a_key_of_another_shape_is_named(saved, tmp_path):
    path = without(saved, tmp_path, lambda state: state.update({"visual_projection.weight": torch.zeros(2, 2)}))
    with pytest.raises(Refused, match=r"visual_projection\.weight"):
        build("clip", path=path)


def test_a_checkpoint_without_a_licence_is_refused(saved, tmp_path):
    path = without(saved, tmp_path, lambda _: None)
    (path / "README.md").unlink()
    with pytest.raises(Refused, match="--licence"):
        build("clip", path=path)
    assert build("clip", path=path, licence="MIT")[0].licence == "MIT"


@pytest.mark.parametrize("name", ["clip", "pe_core"])
def test_open_clip_checkpoints_are_matched_key_by_key(name, tmp_path):
    vision = {"image_size": 64, "layers": 1, "width": 64, "head_width": 16, "patch_size": 32}
    text = {**open_clip_model.SMALL_TEXT, "context_length": 32}
    config = {"model_cfg": {"embed_dim": 48, "vision_cfg": vision, "text_cfg": text, "custom_text": name == "pe_core"}}
    config["preprocess_cfg"] = {
        "mean": [0.5] * 3,
        "std": [0.5] * 3,
        "interpolation": "bilinear",
        "resize_mode": "squash",
    }
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    (tmp_path / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    model = open_clip.create_model(f"local-dir:{tmp_path}", load_weights=False)
    state = {k: v.clone() for k, v in model.state_dict().items()}
    save_file(state, tmp_path / "open_clip_model.safetensors")
    table = build(name, path=tmp_path)[0].towers["image"].preprocess
    assert (table["width"], table["resize"], table["filter"]) == (64, "squash", "bilinear")
    key = next(k for k in state if k.endswith("ln_final.weight"))
    save_file({k: v for k, v in state.items() if k != key}, tmp_path / "open_clip_model.safetensors")
    with pytest.raises(Refused, match=key):
        build(name, path=tmp_path)


def test_fused_clap_is_refused(tmp_path):
    with pytest.raises(Refused, match="fused checkpoints are refused"):
        build("clap", "fused")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "clap", "audio_config": {"enable_fusion": True}}))
    with pytest.raises(Refused, match="fused checkpoints are refused"):
        build("clap", path=tmp_path)


def test_naflex_is_refused(tmp_path):
    with pytest.raises(Refused, match="naflex is refused"):
        build("siglip2", "naflex")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "siglip2"}))
    with pytest.raises(Refused, match="naflex is refused"):
        build("siglip2", path=tmp_path)


def test_siglip_is_scored_by_a_sigmoid(exported):
    _, folder = exported("siglip2")
    for tower in tomllib.loads((folder / "bundle.toml").read_text())["towers"].values():
        assert (tower["scoring"], tower["logit_bias"]) == ("sigmoid", -10.0)


def test_clap_hears_with_slaney_filters_and_repeats(exported):
    _, folder = exported("clap")
    audio = tomllib.loads((folder / "bundle.toml").read_text())["towers"]["audio"]["preprocess"]
    assert (audio["short"], audio["layout"], audio["resampler"]) == ("repeat-pad", "time-mel", "torchaudio")
    mel = audio["front_end"]
    assert (mel["mel_scale"], mel["mel_norm"], mel["f_min"], mel["f_max"], mel["log"]) == (
        "slaney",
        "slaney",
        50.0,
        14000.0,
        "db",
    )
    assert clap.CONTEXT == 77


def test_different_inputs_give_different_vectors(exported, family, variant):
    """Else parity would prove nothing."""
    model, _ = exported(family, variant)
    if "text" not in model.towers:
        pytest.skip("no text tower; test_points compares its clouds")
    texts = [model.towers["text"].reference(t.encode()) for t in list(corpus.TEXTS.values())[:8]]
    assert np.mean([a @ b for a, b in itertools.combinations(texts, 2)]) < 0.9


@pytest.mark.parametrize("size", ["tiny", "real"])
def test_the_exported_tokenizer_after_cleaning_is_open_clips_own(size):
    """The manifest's steps and tokenizer.json give the ids of SimpleTokenizer, here of its own vocabulary too."""
    if size == "tiny":
        _, own, _, merges = open_clip_model._random(open_clip_model.CLIP, build("clip", "openclip")[1])
    else:
        own = SimpleTokenizer()
        merges = list(own.bpe_ranks)
    exported = Tokenizer.from_str(tokens.clip_tokenizer(merges, open_clip_model.START, open_clip_model.END).to_str())
    for name, text in corpus.TEXTS.items():
        for step in open_clip_model.CLEAN:
            text = CLEAN[step](text)
        ids = exported.encode(text).ids
        assert ids == [own.sot_token_id, *own.encode(corpus.TEXTS[name]), own.eot_token_id], name


@pytest.mark.parametrize(
    "text", ["a cat.<end_of_text>", "<start_of_text>a<end_of_text><end_of_text>", "a <|endoftext|>"]
)
def test_a_spelled_special_token_counts_where_open_clip_finds_it(text):
    own = SimpleTokenizer()
    exported = tokens.clip_tokenizer(list(own.bpe_ranks), open_clip_model.START, open_clip_model.END)
    ids = exported.encode(text).ids
    assert ids == [own.sot_token_id, *own.encode(text), own.eot_token_id]
    assert (own.eot_token_id in ids[1:-1]) == text.startswith("<start"), "behind a full stop it is none"


@pytest.mark.parametrize("kind", [None, "gemma"])
def test_siglip_2_is_lower_case_whatever_tokenizer_its_checkpoint_names(kind, tmp_path):
    """Both give the ids and the vectors of the authors' own class."""
    siglip2.publish(build("siglip2", kind)[1] if kind is None else Options(tiny=True, variant=kind), tmp_path)
    named = json.loads((tmp_path / "tokenizer_config.json").read_text())["tokenizer_class"]
    assert named == ("GemmaTokenizer" if kind else "Siglip2Tokenizer")
    theirs = Siglip2Tokenizer.from_pretrained(tmp_path)
    model, options = build("siglip2", path=tmp_path, licence="Apache-2.0")
    bundle.write("siglip2", model, options, tmp_path / "out")
    ours = Tokenizer.from_file(str(tmp_path / "out/tokenizer.json"))
    ours.no_padding()
    for name, text in corpus.TEXTS.items():
        assert ours.encode(text).ids == theirs(text)["input_ids"], name
    read = model.towers["text"].reference
    assert np.array_equal(read(b"A RED CUP"), read(b"a red cup"))


@pytest.mark.parametrize("learn", [tokens.clip_merges, tokens.gemma, tokens.roberta])
def test_the_same_vocabulary_is_learned_each_time(learn):
    assert learn() == learn()
