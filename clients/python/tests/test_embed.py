"""Embedding: everything that is a media, of any number and size."""

import asyncio
import io
import wave
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from onespace import (
    AsyncClient,
    Audio,
    Embedded,
    FailedPreconditionError,
    File,
    FileProgress,
    Fusion,
    InvalidRequestError,
    OnespaceError,
    Parts,
    PointCloud,
    Segments,
    Speech,
    UnreadableError,
)
from onespace.limits import CHUNK_BYTES, ITEMS_PER_REQUEST
from onespace.source import Source
from support import SAMPLES, sample

MUG = sample("images/red-mug-01.jpg")


def cosine(a, b) -> float:
    return float(np.dot(a, b))


def test_each_modality_gives_a_unit_vector_of_one_space(client):
    media = [
        "a red mug",
        MUG,
        sample("sounds/bell-01.wav"),
        sample("videos/red-mug-spinning-01.mp4"),
        sample("points/red-mug-01.ply"),
    ]
    vectors = client.embed(media)
    assert (vectors.shape, vectors.dtype) == ((5, client.space().dimension), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    # The words for it are nearer to the photograph, the video and the shape than other words.
    [other] = client.embed(["a green piano"])
    for index in (1, 3, 4):
        assert cosine(vectors[0], vectors[index]) > cosine(other, vectors[index])


def test_an_image_is_the_same_from_wherever_it_comes(client):
    from_path, from_bytes, from_file, from_pillow, from_pixels = client.embed(
        [
            MUG,
            MUG.read_bytes(),
            io.BytesIO(MUG.read_bytes()),
            Image.open(MUG),
            np.asarray(Image.open(MUG).convert("RGB")),
        ]
    )
    np.testing.assert_allclose(from_path, from_bytes, atol=1e-5)
    np.testing.assert_allclose(from_path, from_file, atol=1e-5)
    # Decoded here by Pillow, there by the server.
    assert cosine(from_path, from_pillow) > 0.999
    np.testing.assert_allclose(from_pillow, from_pixels, atol=1e-5)


def test_a_file_is_read_from_where_it_stands(client):
    file = io.BytesIO(b"skipped" + MUG.read_bytes())
    file.seek(7)
    np.testing.assert_allclose(client.embed([file]), client.embed([MUG]), atol=1e-5)


@pytest.mark.parametrize("mode", ["RGBA", "L", "P", "CMYK", "1", "I;16", "LA"])
def test_a_picture_of_any_mode_is_a_picture(client, mode):
    image = Image.open(MUG).convert("L" if mode == "I;16" else mode.replace("LA", "LA"))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    assert client.embed([image]).shape[0] == 1


def samples_of(path) -> tuple[np.ndarray, int]:
    with wave.open(str(path)) as file:
        channels, rate = file.getnchannels(), file.getframerate()
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return data.reshape(-1, channels), rate


def test_samples_are_the_recording_that_they_are_of(client):
    path = sample("sounds/bell-01.wav")
    data, rate = samples_of(path)
    floats = (data / 32768).astype(np.float32)
    variants = [
        (data, rate),
        (floats, rate),
        Audio(floats.astype(np.float64), rate),
        (data.astype(np.int32) << 16, rate),
        # Two channels that are alike, and a view that is not contiguous.
        (np.repeat(data[:, :1], 2, axis=1), rate),
        (np.asfortranarray(floats), rate),
    ]
    from_file = client.embed([path])[0]
    for vector in client.embed(variants):
        assert cosine(vector, from_file) > 0.999


def test_points_are_the_shape_that_they_are_of(client):
    path = sample("points/red-mug-01.ply")
    body = path.read_bytes().split(b"end_header\n")[1]
    fields = [(name, "<f4") for name in "xyz"] + [(name, "u1") for name in "rgb"]
    rows = np.frombuffer(body, np.dtype(fields), count=2500)
    xyz = np.stack([rows[name] for name in "xyz"], axis=1)
    rgb = np.stack([rows[name] for name in "rgb"], axis=1)
    from_file, coloured, six, plain = client.embed(
        [path, PointCloud(xyz, rgb), np.hstack([xyz, rgb / 255]), xyz.astype(np.float64)]
    )
    np.testing.assert_allclose(from_file, coloured, atol=1e-5)
    np.testing.assert_allclose(from_file, six, atol=1e-5)
    # Without its colour it is another, but still that shape.
    assert cosine(from_file, plain) < 0.999
    [chair] = client.embed([sample("points/purple-chair-01.ply")])
    assert cosine(plain, from_file) > cosine(plain, chair)


def test_parts_are_their_weighted_sum(client):
    text, image, both, weighed = client.embed(
        ["a red mug", MUG, Parts(["a red mug", MUG]), Parts(["a red mug", MUG], [1, 0.5])]
    )
    total = text + image
    np.testing.assert_allclose(both, total / np.linalg.norm(total), atol=1e-3)
    total = text + 0.5 * image
    np.testing.assert_allclose(weighed, total / np.linalg.norm(total), atol=1e-3)


def test_a_list_longer_than_a_message_keeps_its_order(client):
    texts = [f"{number} red mugs" for number in range(3 * ITEMS_PER_REQUEST + 5)]
    vectors = client.embed(iter(texts))
    assert len(vectors) == len(texts)
    for index in (0, ITEMS_PER_REQUEST, len(texts) - 1):
        np.testing.assert_allclose(vectors[index], client.embed([texts[index]])[0], atol=1e-5)
    assert client.embed([]).shape == (0, client.space().dimension)


def padded(path, size: int) -> bytes:
    """A JPEG or WAV with as much behind its end: what it shows is the same."""
    return path.read_bytes() + bytes(size)


def test_large_files_go_in_chunks(client, tmp_path):
    large = tmp_path / "large.jpg"
    large.write_bytes(padded(MUG, 3 * CHUNK_BYTES))
    small, from_path, from_bytes, parts = client.embed(
        [MUG, large, large.read_bytes(), Parts([large, File(large)])]
    )
    for vector in (from_path, from_bytes, parts):
        np.testing.assert_allclose(vector, small, atol=1e-5)
    with large.open("rb") as file:
        np.testing.assert_allclose(client.embed([file])[0], small, atol=1e-5)


def test_one_failure_is_its_own(client, tmp_path):
    big_noise = bytes(range(1, 256)) * (CHUNK_BYTES // 100)
    media = ["a", b"", tmp_path / "absent.jpg", b"\x00\x01", object(), big_noise, "b", "\ud800"]
    outcomes = client.embed(media, errors="return")
    assert [isinstance(one, OnespaceError) for one in outcomes] == [
        False, True, True, True, True, True, False, True,
    ]  # fmt: skip
    assert [one.reason for one in outcomes if isinstance(one, OnespaceError)] == [
        "MEDIA_EMPTY", "UNREADABLE", "MODALITY_UNKNOWN",
        "UNREADABLE", "MODALITY_UNKNOWN", "UNREADABLE",
    ]  # fmt: skip
    assert outcomes[3].field == "items[3].bytes" and "MODALITY_UNKNOWN: items[3]" in str(
        outcomes[3]
    )
    assert outcomes[5].field.startswith("items[5]")
    assert isinstance(outcomes[2].__cause__, FileNotFoundError)
    with pytest.raises(InvalidRequestError) as first:
        client.embed(media[:2])
    assert (first.value.reason, first.value.field) == ("MEDIA_EMPTY", "items[1].bytes")
    with pytest.raises(UnreadableError):
        client.embed([tmp_path])


@pytest.mark.parametrize(
    ("media", "says"),
    [
        ([np.zeros(16000)], "its rate"),
        ([np.zeros((4, 2))], "points are"),
        ([np.full((5, 6), 200.0)], "from 0 to 1"),
        ([np.full((5, 6), -0.5)], "normals are no colors"),
        ([(np.zeros((2, 16000)), 16000)], "transpose"),
        ([(np.full(99, np.nan), 16000)], "finite"),
        ([(np.full(99, 3000.0), 16000)], "from -1 to 1"),
        ([(np.zeros(99), 0)], "hertz"),
        ([(np.zeros(99, np.complex64), 8000)], "floats"),
        ([("a", "b")], "Parts"),
        ([Parts(["a", Parts(["b"])])], "no parts of its own"),
        ([Parts(["a"], [1, 2])], "weights"),
        ([io.StringIO("a")], "binary"),
        ([File(MUG, "smell")], "no modality"),
        ([{"text": "a"}], "no media"),
    ],
)
def test_what_may_be_anything_is_refused_by_its_name(client, media, says):
    with pytest.raises(UnreadableError, match=says):
        client.embed(media)


@pytest.mark.parametrize("media", ["a text", MUG, b"bytes", (np.zeros(9), 8000), 7, {"a": "b"}])
def test_one_media_is_no_list(client, media):
    with pytest.raises(TypeError, match="list of media"):
        client.embed(media)


def test_vectors_are_cut_where_the_space_says(client):
    space = client.space()
    for dimension in space.dimensions:
        vectors = client.embed(["a mug"], dimension=dimension)
        assert vectors.shape == (1, dimension)
        assert np.isclose(np.linalg.norm(vectors), 1, atol=1e-3)
    with pytest.raises(InvalidRequestError) as odd:
        client.embed(["a mug"], dimension=space.dimension + 1, errors="return")
    assert odd.value.field == "options.dimension"
    with pytest.raises(ValueError, match="purpose"):
        client.embed(["a"], purpose="fun")


def test_what_is_not_served_is_told(client):
    pixels = io.BytesIO()
    Image.new("I;16", (8, 8), 500).save(pixels, "PNG")
    depth = File(pixels.getvalue(), "depth", "image/png; unit=mm")
    [failed] = client.embed([depth], errors="return")
    assert isinstance(failed, FailedPreconditionError) and failed.reason == "MODALITY_NOT_SERVED"
    bell = sample("sounds/bell-01.wav")
    with pytest.raises(OnespaceError) as deaf:
        client.embed([bell], speech="on")
    assert deaf.value.reason == "SPEECH_NOT_SERVED"
    with pytest.raises(OnespaceError) as language:
        client.embed_file(bell, speech=Speech(language="nobody's tongue"))
    assert "language" in language.value.field
    assert client.embed([bell], speech="off").shape[0] == 1
    with pytest.raises(ValueError, match="speech mode"):
        client.embed([bell], speech="loud")


def test_items_have_tracks_segments_and_notes(client):
    film = sample("videos/purple-guitar-bouncing-01.mp4")
    text, video = client.embed_items(["a mug", film], fusion=Fusion(1, 0.5))
    assert isinstance(text, Embedded) and isinstance(video, Embedded)
    assert [one.track for one in text.embeddings] == ["whole"]
    tracks = {one.track: one for one in video.embeddings}
    assert {"visual", "audio", "fused"} <= set(tracks) and video.whole is tracks["fused"]
    total = tracks["visual"].vector + 0.5 * tracks["audio"].vector
    np.testing.assert_allclose(video.vector, total / np.linalg.norm(total), atol=1e-3)
    assert tracks["fused"].parts[1][1] == 0.5
    assert tracks["visual"].start == 0 and tracks["visual"].end > 1
    assert video.whole.space_fingerprint == client.space().fingerprint


def test_a_file_has_segments_and_tells_how_far_it_is(client):
    film = sample("videos/purple-guitar-bouncing-01.mp4")
    told: list[FileProgress] = []
    window = Segments(window=0.5, overlap=0.1)
    made = client.embed_file(film, segments=window, progress=told.append)
    assert len(made.segments) > 2
    first = made.segments[0]
    assert (first.segment, first.start, first.end) == (1, 0.0, 0.5)
    assert max(one.received_bytes for one in told) == film.stat().st_size == told[0].total_bytes
    assert {one.stage for one in told} <= {"receiving", "embedding"}
    assert not client.embed_file(film.read_bytes(), segments=False).segments
    with pytest.raises(InvalidRequestError) as refused:
        client.embed_file(film, segments=Segments(window=0.05))
    assert refused.value.field.endswith("options.segments.window_ms")
    with pytest.raises(OnespaceError) as empty:
        client.embed_file(b"")
    assert empty.value.reason == "MEDIA_EMPTY"
    with pytest.raises(FileNotFoundError):
        client.embed_file("absent.mp4")
    with pytest.raises(InvalidRequestError, match="MODALITY_MISMATCH"):
        client.embed_file(film, modality="image")


def test_the_async_client_does_the_same_side_by_side(server, client):
    async def main():
        async with AsyncClient(server) as mine:
            return await asyncio.gather(*(mine.embed([f"{n} mugs"]) for n in range(20)))

    vectors = asyncio.run(main())
    np.testing.assert_allclose(vectors[7], client.embed(["7 mugs"]), atol=1e-5)


def test_every_sample_is_taken(client):
    """Every format that the samples have, in one list."""
    paths = sorted(path for path in SAMPLES.glob("*/*") if path.is_file())[::6]
    outcomes = client.embed(paths, errors="return")
    failed = [(path, one) for path, one in zip(paths, outcomes) if isinstance(one, OnespaceError)]
    assert not failed


def test_a_file_that_ends_too_early_is_its_own_failure(client, tmp_path, monkeypatch):
    large = tmp_path / "large.jpg"
    large.write_bytes(padded(MUG, 3 * CHUNK_BYTES))
    # As where it is written anew while it is sent.
    grown = Source.from_path

    def longer(path):
        source = grown(path)
        return source if path == MUG else replace(source, size=source.size + 1)

    monkeypatch.setattr(Source, "from_path", longer)
    first, whole, parts = client.embed([MUG, large, Parts([large, "a"])], errors="return")
    assert isinstance(first, np.ndarray)
    assert {whole.reason, parts.reason} == {"UNREADABLE"} and "ended after" in whole.message
    report = client.ingest("torn", [MUG, large, "a text", Parts([large, "a"]), "another"])
    try:
        assert report.stored == {"image": 1, "text": 2}, report
        assert [event.error.reason for event in report.failures] == ["UNREADABLE"] * 2
    finally:
        client.delete_collection("torn")
