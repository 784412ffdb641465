"""ImageBind: names and numbers of the published checkpoint, and preprocessing against independent implementations."""

import math
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from conftest import build
from graphs import manifest, run
from torch import nn
from transformers import CLIPTokenizer

from onespace_export import Refused, golden, samples, tokens
from onespace_export import media as shared
from onespace_export.families import imagebind
from onespace_export.families.imagebind import media, sensors
from onespace_export.families.imagebind.modules import (
    HUGE,
    PARAMETERS,
    TINY,
    Attention,
    Frames,
    ImageBind,
    Motion,
    Size,
)
from onespace_export.model import mean_of_units, unit

# Millions of parameters, counted from the published checkpoint.
COUNTS = {"vision": 632.8, "text": 354.0, "audio": 86.2, "depth": 21.9, "thermal": 86.2, "imu": 19.6}
LIST = Path(__file__).with_name("imagebind_huge.txt")
# What the checkpoint holds beside parameters: the causal mask, and the scales that are not learned.
BUFFERS = ("text.mask", "audio.1.log_logit_scale", "depth.1.log_logit_scale", "thermal.1.log_logit_scale")
BUFFERS += ("imu.1.log_logit_scale",)


def each(pattern: str) -> list[str]:
    """The names that a pattern stands for."""
    found = re.search(r"\{(\d+)\.\.(\d+)\}|\{([^{}]+)\}", pattern)
    if found is None:
        return [pattern]
    first, last, words = found.groups()
    choices = words.split(",") if words else range(int(first), int(last) + 1)
    return [name for one in choices for name in each(f"{pattern[: found.start()]}{one}{pattern[found.end() :]}")]


def published() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the published checkpoint."""
    lines = [line.split() for line in LIST.read_text().splitlines() if not line.startswith("#")]
    return {name: tuple(map(int, sides)) for pattern, *sides in lines for name in each(pattern)}


@pytest.fixture(scope="module")
def huge():
    with torch.device("meta"):
        return ImageBind(HUGE)


def test_all_parameters_are_there(huge):
    assert sum(p.numel() for p in huge.parameters()) == PARAMETERS
    for name, millions in COUNTS.items():
        own = sum(p.numel() for key, p in huge.named_parameters() if key.split(".")[1] == name)
        assert abs(own / 1e6 - millions) < 0.051, name


def test_all_names_and_shapes_are_the_checkpoints(huge):
    wanted = published()
    assert len(wanted) == 1311
    assert {k: tuple(v.shape) for k, v in huge.state_dict().items()} == wanted
    assert sum(math.prod(v) for k, v in wanted.items() if not k.endswith(BUFFERS)) == PARAMETERS == 1_200_781_057


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A small checkpoint, and its state, that passes for the published one."""
    model = ImageBind(TINY)
    monkeypatch.setattr(imagebind, "HUGE", TINY)
    monkeypatch.setattr(imagebind, "PARAMETERS", sum(p.numel() for p in model.parameters()))
    return tmp_path / "imagebind_huge.pth", model.state_dict()


def test_a_checkpoint_gives_what_was_saved(saved):
    path, state = saved
    torch.save(state, path)
    model = imagebind._load(build("imagebind")[1].__class__(checkpoint=str(path)), path)
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())


def test_missing_and_unexpected_keys_are_all_named(saved):
    path, state = saved
    for key in ("modality_heads.depth.2.weight", "modality_trunks.imu.blocks.0.attn.bias_v"):
        state[key + ".renamed"] = state.pop(key)
    torch.save(state, path)
    with pytest.raises(Refused) as refusal:
        imagebind._load(build("imagebind")[1].__class__(checkpoint=str(path)), path)
    for key in ("modality_heads.depth.2.weight", "modality_trunks.imu.blocks.0.attn.bias_v"):
        assert f"    {key}\n" in f"{refusal.value}\n"
        assert f"    {key}.renamed" in str(refusal.value)


def test_attention_is_torchs_own_with_a_learned_last_key():
    torch.manual_seed(1)
    ours, theirs, x = (
        Attention(Size(32, 1, 4), extra=True),
        nn.MultiheadAttention(32, 4, add_bias_kv=True, batch_first=True),
        torch.randn(2, 7, 32),
    )
    theirs.load_state_dict(ours.state_dict())
    assert torch.allclose(ours(x), theirs(x, x, x, need_weights=False)[0], atol=1e-6)


def test_motion_is_cut_as_unfold_does():
    motion, x = Motion(16), torch.randn(2, Motion.CHANNELS, Motion.LENGTH)
    cut = x.unfold(-1, 8, 8).permute(0, 2, 1, 3).reshape(2, 250, 48)
    assert torch.allclose(motion(x)[:, 1:], motion.imu_stem(cut) + motion.pos_embed[:, 1:])


def test_frames_take_pictures_and_films():
    film = torch.randn(2, 3, 2, 224, 224)
    assert torch.equal(Frames()(film), film)
    assert torch.equal(Frames()(film[:, :, 0]), film[:, :, :1].expand(-1, -1, 2, -1, -1))


def test_the_mean_in_place_is_the_originals_alone():
    """Clips overlap below 6 s: what the mean of the first took out, the second begins without."""
    for seconds, same in ((1.5, True), (4.3, False), (6.0, True)):
        data = samples.recording(samples.offset(seconds, 16000, 3), 16000, "WAV")
        apart = (media.recording(data) - media.original_recording(data)).abs().max()
        assert (apart < 1e-3) == same, seconds


def test_the_original_keeps_three_clips_of_a_long_recording():
    data = samples.recording(samples.speech(9.0, 16000, 3), 16000, "WAV")
    assert (len(media.recording(data)), len(media.original_recording(data))) == (5, 3)


def test_features_are_padded_before_they_are_normalised():
    clips = media.recording(samples.recording(samples.music(1.0, 16000, 4), 16000, "WAV"))
    assert clips.shape == (3, 1, 128, 204)
    assert torch.equal(clips[0], clips[2])
    assert torch.allclose(clips[:, :, :, 98:], torch.tensor(4.268 / 9.138))


def test_clips_are_spread():
    assert media.clip_starts(31_000) == [0, 0, 0]
    assert media.clip_starts(80_000) == [0, 24_000, 48_000]
    assert media.clip_starts(79_999) == [0, 23_999, 47_998]
    assert len(media.clip_starts(96_001)) == 4
    assert media.clip_frames(0.0, 10.0, Fraction(25), 250) == [[0, 49], [50, 99], [100, 149], [150, 199], [200, 249]]
    assert media.clip_frames(0.0, 1.0, Fraction(10), 10) == [[0, 9]] * 5
    assert media.stretches(25.0) == [(0.0, 10.0), (10.0, 20.0), (15.0, 25.0)]
    assert [start for start, _ in media.stretches(100.0)] == [0.0, 30.0, 60.0, 90.0]


def test_crops_lie_along_the_longer_side():
    # 401 of width becomes floor(401 / 225 · 224) = 399; the centre begins at ceil(175 / 2).
    frames = torch.zeros(2, 3, 225, 401)
    frames[..., :] = torch.linspace(0, 1, 401)
    left, middle, right = media.crops(frames)
    assert left.shape == (3, 2, 224, 224)
    red = [(crop[0, 0, 0] * media.STD[0] + media.MEAN[0]) * 398 for crop in (left, middle, right)]
    assert [round(r[0].item()) for r in red] == [0, 88, 175]
    assert [c.shape for c in media.crops(torch.zeros(2, 3, 401, 225))] == [(3, 2, 224, 224)] * 3


def test_an_over_long_text_ends_with_the_end_token():
    words, _ = imagebind.vocabulary(tiny=False)
    ids = words(["fox " * 100])[0]
    assert (ids[0].item(), ids[76].item()) == (49406, 49407)
    short = words(["a fox"])[0].tolist()
    assert short[3:5] == [49407, 0]


SPELLED = ("<|startoftext|>a cat<|endoftext|>", "a cat.<|endoftext|>", "<|ENDOFTEXT|> <|endoftext|><|endoftext|>")
SPELLED += tuple(text.replace("<|", "<").replace("|>", ">").replace("oftext", "_of_text") for text in SPELLED)


@pytest.mark.parametrize("tiny", [True, False])
def test_special_tokens_are_spelled_as_by_openai(tiny):
    words, merges = imagebind.vocabulary(tiny)
    exported = tokens.clip_tokenizer(merges, "<|startoftext|>", "<|endoftext|>")
    start, end = words.sot_token_id, words.eot_token_id
    for text in SPELLED:
        want = [start, *words.encode(text), end]
        assert exported.encode(text.lower()).ids == want, text
        # A spelling counts where the pattern finds it, and only ImageBind's own.
        counted = 0 if "_of_" in text else {0: 2, 1: 0, 2: 3}[SPELLED.index(text)]
        assert sum(i in (start, end) for i in want[1:-1]) == counted, text


def test_the_tokenizer_of_openais_clip_says_the_same():
    """transformers' own class, of the same vocabulary, for spellings that no sign stands before."""
    words, merges = imagebind.vocabulary(tiny=True)
    vocabulary = tokens.clip_vocabulary(merges, "<|startoftext|>", "<|endoftext|>")
    theirs = CLIPTokenizer(vocab=vocabulary, merges=merges)
    for text in ("a cat <|endoftext|> a dog", "<|startoftext|>a cat<|endoftext|>", "a <start_of_text> b"):
        assert theirs(text)["input_ids"] == [words.sot_token_id, *words.encode(text), words.eot_token_id], text


def test_graphs_give_the_golden_vectors(exported):
    model, folder = exported("imagebind")
    feeds = {"image": lambda data: media.picture(shared.picture(data)), "audio": media.recording}
    feeds["video"] = media.film
    feeds |= {"depth": sensors.depth, "thermal": sensors.thermal, "imu": sensors.motion}
    for modality, feed in feeds.items():
        given = feed((folder / golden.INPUTS[modality]).read_bytes()).numpy()
        got = mean_of_units(run(folder, modality, [given]))
        assert got @ np.fromfile(folder / f"golden/{modality}.f32", "<f4") > 0.99999, modality
    words, _ = imagebind.vocabulary(tiny=True)
    text = (folder / golden.INPUTS["text"]).read_bytes()
    ids = words([text.decode()]).numpy()
    assert unit(run(folder, "text", [ids[:, :24]])[0]) @ model.towers["text"].reference(text) > 0.99999


def test_one_graph_serves_pictures_and_films(exported):
    said = manifest(exported("imagebind")[1])
    assert said["towers"]["video"]["model"] == said["towers"]["image"]["model"]
    picture = np.random.default_rng(1).normal(size=(1, 3, 224, 224)).astype(np.float32)
    still = np.repeat(picture[:, :, None], 2, 2)
    folder = exported("imagebind")[1]
    assert np.allclose(run(folder, "image", [picture]), run(folder, "video", [still]), atol=1e-5)


def test_what_came_without_loaders_is_served_and_says_so(exported):
    model, folder = exported("imagebind")
    said = manifest(folder)
    assert said["towers"].keys() == {"text", "image", "audio", "video", "depth", "thermal", "imu"}
    assert not [name for name in said["files"] if "experimental" in name]
    text = said["towers"]["text"]["logit_scale"]
    scales = {name: said["towers"][name]["logit_scale"] / text for name in ("audio", "depth", "thermal", "imu")}
    assert scales == pytest.approx({"audio": 20.0, "depth": 5.0, "thermal": 10.0, "imu": 5.0}, rel=1e-5)
    sources = {"depth": "omnivore#12", "thermal": "ImageBind#73", "imu": "ImageBind#131"}
    for name, source in sources.items():
        assert source in model.towers[name].rule and "without a loader" in model.towers[name].rule, name
    assert "not confirmed" in said["description"] and "depth 5, thermal 10, imu 5" in said["description"]


def test_graphs_take_planes_and_readings(exported):
    _, folder = exported("imagebind")
    shapes = {"depth": [1, 224, 224], "thermal": [1, 224, 224], "imu": [6, 2000]}
    for name, shape in shapes.items():
        (given,) = onnxruntime.InferenceSession(
            folder / f"{name}.onnx", providers=["CPUExecutionProvider"]
        ).get_inputs()
        assert (given.name, given.shape[1:]) == (name, shape)


def test_the_manifest_says_whose_and_for_what(exported):
    said = manifest(exported("imagebind")[1])
    assert (said["usage"], said["licence"]) == ("non-commercial", "CC-BY-NC-SA-4.0")
    assert "CC-BY-NC 4.0" in said["notice"] and "audio 20" in said["description"]
    assert said["towers"]["text"]["output"] != "embedding"
    film = said["towers"]["video"]["preprocess"]
    assert (film["antialias"], film["resample"], film["crops"], film["layout"]) == (False, "f32", 3, "channels-frames")
