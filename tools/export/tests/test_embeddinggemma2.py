"""EmbeddingGemma 2: its three graphs, run as the manifest says, against transformers' processor and model."""

import io
import math

import numpy as np
import pytest
import torch
from conftest import build
from graphs import ids, manifest, run
from PIL import Image
from safetensors.torch import load_file, save_file

from onespace_export import Refused, bundle, samples
from onespace_export.families import embeddinggemma2 as family
from onespace_export.model import Options, unit


@pytest.fixture(scope="module")
def parts():
    """(model, processor), the same as those of the exported bundle."""
    torch.manual_seed(0)
    return family._random(Options(random_init=True, tiny=True))


@pytest.mark.parametrize("size", [(320, 240), (97, 401), (48, 48), (900, 30)])
def test_pictures(exported, parts, size):
    model, folder = exported("embeddinggemma2")
    data = samples.encoded(samples.picture(*size, 3), "PNG")
    given = parts[1](images=Image.open(io.BytesIO(data)), return_tensors="np")
    got = run(folder, "image", [given["pixel_values"], given["image_position_ids"].astype(np.int64)])[0]
    assert unit(got) @ model.towers["image"].reference(data) > 0.99999
    tower = manifest(folder)["towers"]["image"]
    patches = tower["preprocess"]["patches"]
    rows = [(given["image_position_ids"] >= 0).all(-1).sum() // patches["pool"] ** 2]
    assert np.array_equal(ids(tower, rows)["input_ids"], given["input_ids"])
    assert given["pixel_values"].shape[1:] == (patches["max_patches"], 3 * patches["size"] ** 2)


@pytest.mark.parametrize("seconds", [0.05, 0.7, 3.01, 11.2])
def test_recordings_without_padding(exported, parts, seconds):
    """The reference pads to a multiple of 128 samples and masks; the service does not pad."""
    model, folder = exported("embeddinggemma2")
    data = samples.recording(samples.speech(seconds, 16000, 4), 16000, "WAV")
    wave = family.media.recording(data)[0][:, 0]
    given = parts[1](audio=wave, return_tensors="np")
    frames = given["input_features"][:, given["input_features_mask"][0].astype(bool)].astype(np.float32)
    assert frames.shape[1] == (len(wave) + 160 - 321) // 160 + 1
    assert unit(run(folder, "audio", [frames])[0]) @ model.towers["audio"].reference(data) > 0.99999
    rows = math.ceil(math.ceil(frames.shape[1] / 2) / 2)
    assert np.array_equal(ids(manifest(folder)["towers"]["audio"], [rows])["input_ids"], given["input_ids"])


@pytest.mark.parametrize("times", [[i / 25 for i in range(60)], [i / 10 for i in range(123)], [0.0]])
def test_films_frame_by_frame(exported, parts, times):
    """Two frames, as many of twelve as there may be, one."""
    model, folder = exported("embeddinggemma2")
    data = samples.film(160, 96, times, 7)
    film = family.media.shown(data)
    pictures, counted = film.frames, film.counted
    said = family.VideoMetadata(total_num_frames=len(pictures), fps=len(pictures) / counted, duration=counted)
    given = parts[1](videos=[np.stack(pictures)], video_metadata=[said], return_tensors="np")
    films = parts[1].video_processor
    assert given["pixel_values_videos"].shape[0] == min(films.max_frames, max(1, int(counted)))
    got = run(
        folder, "video", [given["pixel_values_videos"][None], given["video_position_ids"].astype(np.int64)[None]]
    )[0]
    assert unit(got) @ model.towers["video"].reference(data) > 0.99999
    tower = manifest(folder)["towers"]["video"]
    rows = [(place >= 0).all(-1).sum() // films.pooling_kernel_size**2 for place in given["video_position_ids"]]
    assert np.array_equal(ids(tower, rows)["input_ids"], given["input_ids"])


def test_texts_in_a_padded_batch(exported, parts):
    model, folder = exported("embeddinggemma2")
    texts = [
        "a red teapot",
        "the quick brown fox jumps over the lazy dog while seven large white birds fly to the north",
    ]
    given = parts[1].tokenizer([family.PROMPT.format(text=t) for t in texts], padding=True, return_tensors="np")
    got = run(folder, "text", [given["input_ids"].astype(np.int64), given["attention_mask"].astype(np.int64)])
    for vector, text in zip(got, texts, strict=True):
        assert unit(vector) @ model.towers["text"].reference(text.encode()) > 0.99999


def test_what_is_heard_is_not_what_is_seen(exported):
    model, _ = exported("embeddinggemma2")
    a, b = (model.towers["image"].reference(samples.encoded(samples.picture(200, 150, s), "PNG")) for s in (1, 2))
    assert a @ b < 0.99


def test_the_manifest_forbids_fp16_and_shows_both_licences(exported, tmp_path):
    said = manifest(exported("embeddinggemma2")[1])
    assert all(t["forbid"] == ["fp16"] and "NaN" in t["forbid_reason"] for t in said["towers"].values())
    assert "Apache-2.0" in said["licence"] and "Gemma" in said["licence"] and "Prohibited Use Policy" in said["notice"]
    assert said["towers"]["text"]["preprocess"]["document_prompt"] == "title: none | text: {text}"
    model, options = build("embeddinggemma2", fp16=True)
    with pytest.raises(Refused, match="every vector becomes NaN"):
        bundle.write("embeddinggemma2", model, options, tmp_path)


def test_one_text_model_reads_them_all(exported):
    towers = manifest(exported("embeddinggemma2")[1])["towers"]
    assert {t["model"] for t in towers.values()} == {"model.onnx"}
    assert [e["name"] for e in towers["text"]["empty"]] == ["image_features", "video_features", "audio_features"]
    assert towers["image"]["stages"][0]["output"] == "image_features"
    assert towers["audio"]["preprocess"]["window_ms"] == 30_000
    assert {t["stages"][0]["model"] for n, t in towers.items() if n in ("image", "video")} == {"vision_encoder.onnx"}
    assert [e["name"] for e in towers["video"]["empty"]] == ["image_features", "audio_features"]


def test_a_checkpoint_is_matched_key_by_key(parts, tmp_path):
    model, processor = parts
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    text = b"a red teapot"
    fresh = build("embeddinggemma2", path=tmp_path)[0]
    assert fresh.towers["text"].reference(text) @ build("embeddinggemma2")[0].towers["text"].reference(text) > 0.99999
    state = load_file(tmp_path / "model.safetensors")
    key = next(k for k in state if k.endswith("embed_vision.embedding_projection.weight"))
    save_file({k: v for k, v in state.items() if k != key}, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(Refused, match=r"embed_vision\.embedding_projection\.weight"):
        build("embeddinggemma2", path=tmp_path)
