"""The reference preprocessing does what the manifest says."""

import numpy as np
from PIL import Image

import media
import reference
from preprocessing import AUDIO, IMAGE, POINT_CLOUD, VIDEO
from world.native import farthest


def test_a_transparent_picture_shows_the_background(tmp_path):
    path = tmp_path / "clear.png"
    Image.new("RGBA", (90, 70), (0, 0, 0, 0)).save(path)
    sample = reference.image(path)
    assert sample.shape == (3, IMAGE["height"], IMAGE["width"])
    assert np.allclose(sample, 2.0)  # white: (1 - 0.5) / 0.25


def test_windows_pad_short_and_end_with_long_recordings():
    size, hop = (AUDIO[k] * AUDIO["sample_rate"] // 1000 for k in ("window_ms", "hop_ms"))
    length = 2 * hop + size // 4
    short, long = np.ones(10, np.float32), np.arange(length, dtype=np.float32)
    assert [len(w) for w in reference.windows(short)] == [size]
    assert [w[0] for w in reference.windows(long)] == [0, hop, length - size]
    assert reference.windows(long)[-1][-1] == length - 1


def test_a_recording_gives_the_frames_of_a_window(tmp_path):
    path = tmp_path / "bell.wav"
    media.signature(path, "bell", np.random.default_rng(2), 1.5)
    f = AUDIO["front_end"]
    samples = reference.audio(path)
    assert [s.shape for s in samples] == [(f["n_mels"], 1 + AUDIO["window_ms"] * AUDIO["sample_rate"] // 1000 // f["hop_length"])]


def test_resampling_keeps_a_tone():
    t = np.arange(44100) / 44100
    tone = reference.resample(np.sin(2 * np.pi * 1000 * t).astype(np.float32), 44100, 16000)
    wanted = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    assert np.abs(tone[200:-200] - wanted[200:-200]).max() < 1e-3


def test_farthest_points_agree_with_the_compiled_ones():
    points = np.random.default_rng(0).normal(size=(900, 6)).astype(np.float32)
    assert (reference.farthest(points, 200) == farthest(points, 200)).all()


def test_every_ply_layout_reads_the_same(tmp_path):
    clouds = []
    for layout in ("ascii", "binary_little_endian", "binary_big_endian"):
        path = tmp_path / f"{layout}.ply"
        media.cloud(path, "mug", "red", np.random.default_rng(3), 600, layout)
        clouds.append(reference.point_cloud(path))
        assert clouds[-1].shape == (POINT_CLOUD["points"], 6)
    for cloud in clouds[1:]:
        assert np.abs(np.sort(cloud[:, :3], 0) - np.sort(clouds[0][:, :3], 0)).max() < 1e-2


def test_a_film_gives_the_frames_of_its_middle_times(tmp_path):
    path = tmp_path / "film.mp4"
    media.film(path, "bell", "red", "approaching", np.random.default_rng(1), 64, sound=True)
    samples = reference.video(path)
    assert len(samples) == 1 and samples[0].shape == (VIDEO["frames"], 3, VIDEO["height"], VIDEO["width"])
    steps = np.abs(np.diff(samples[0], axis=0)).mean((1, 2, 3))
    assert (steps > 0).all()
