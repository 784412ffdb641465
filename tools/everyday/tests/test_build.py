"""How the bundle is built: names, readers, and what stands behind each network."""

import struct

import numpy as np
import pytest

from everyday.build import audio, classes, colours, heads, image, manifest, memory, protobuf, space
from everyday.build.classes import Class
from everyday.build.graph import FLOAT, Graph
from everyday.build.heads import Senses
from everyday.build.memory import Memory
from everyday.build.sentences import session
from everyday.evaluation.calibration import unrelated, written


def ran(graph, feed, inputs, output, shape):
    model = graph.model(inputs, [(output, FLOAT, shape)])
    return session(model.SerializeToString()).run([output], feed)[0]


def unit(rows):
    return space.unit(np.asarray(rows, np.float32))


def test_every_class_has_names_in_every_language():
    for dataset, count in (("imagenet", 1000), ("audioset", 521)):
        for language in ("en", *classes.LANGUAGES):
            rows = classes.rows(dataset, language)
            assert len(rows) == count
            assert all(classes.listed(row[0]) for row in rows), f"{dataset} in {language}"


def test_names_lose_what_tells_meanings_apart():
    assert classes.listed("Fliege (Krawatte)|Schleife") == ["Fliege", "Schleife"]
    assert classes.listed("") == []


def test_texts_of_a_group_share_its_weight():
    one = Class()
    one.add(["a", "b"], 1)
    one.add(["c", "d"], 0.5, fading=0.6)
    assert one.texts == [("a", 0.5), ("b", 0.5), ("c", 0.5), ("d", 0.3)]


def test_messages_are_read_field_by_field():
    message = b"\x08\x96\x01" + b"\x12\x02hi" + b"\x1d" + struct.pack("<f", 1.5) + b"\x21" + struct.pack("<Q", 7)
    assert list(protobuf.fields(message)) == [
        (1, 150),
        (2, b"hi"),
        (3, struct.unpack("<I", struct.pack("<f", 1.5))[0]),
        (4, 7),
    ]
    with pytest.raises(ValueError, match="kind 3"):
        list(protobuf.fields(b"\x0b"))


def test_padding_is_that_of_tensorflow():
    assert image.same_padding(260, 3, 2) == (0, 1)
    assert image.same_padding(130, 5, 2) == (1, 2)
    assert image.same_padding(64, 3, 1) == (1, 1)


def test_mel_bands_cover_what_they_say_and_leave_the_constant_out():
    weights = audio.mel_weights()
    assert weights.shape == (257, 64) and not weights[0].any()
    heard = np.flatnonzero(weights.sum(1)) * audio.RATE / audio.FFT
    assert audio.LOWEST <= heard.min() < audio.LOWEST + 32 and audio.HIGHEST - 32 < heard.max() <= audio.HIGHEST


def painted(colour, background):
    picture = np.full((image.SIDE, image.SIDE, 3), background, np.float32)
    picture[60:200, 60:200] = colour
    return ((picture - image.MEAN) / image.STD).transpose(2, 0, 1)[None].astype(np.float32)


@pytest.mark.parametrize(
    ("colour", "background", "term"),
    [
        ((200, 30, 30), 255, "red"),
        ((40, 80, 190), 255, "blue"),
        ((60, 150, 60), 20, "green"),
        ((20, 20, 20), 240, "black"),
    ],
)
def test_a_thing_has_the_colour_that_its_border_has_not(colour, background, term):
    graph = Graph()
    graph.op("Identity", colours.shares(graph, "pixels"), out="shares")
    port = ("pixels", FLOAT, ["b", 3, image.SIDE, image.SIDE])
    shares = ran(graph, {"pixels": painted(colour, background)}, [port], "shares", ["b", 11])[0]
    assert list(colours.TERMS)[shares.argmax()] == term and shares.max() > 0.8
    assert shares.sum() <= 1 + 1e-5


def test_white_is_as_light_as_it_gets():
    white, black = colours.lab(np.array([[1.0, 1, 1], [0, 0, 0]]))
    assert white[0] == pytest.approx(100, abs=0.1) and abs(white[1:]).max() < 0.1
    assert black[0] < 5


def remembered(questions):
    rng = np.random.default_rng(0)
    names = unit(rng.standard_normal((40, space.SHARED)))
    values = unit(rng.standard_normal((2, space.SHARED)))
    keys = unit(names[:, : memory.KEY])
    graph = Graph()
    graph.op("Identity", memory.layer(graph, "questions", Memory(keys, np.arange(40) % 2, values)), out="answers")
    port = ("questions", FLOAT, ["b", space.SHARED])
    asked = unit(questions(names))
    return asked, values, ran(graph, {"questions": asked}, [port], "answers", ["b", space.SHARED])


def test_a_question_that_is_a_name_moves_to_its_class():
    asked, values, answers = remembered(lambda names: names[:4])
    assert np.allclose(np.linalg.norm(answers, axis=1), 1, atol=1e-5)
    for number, answer in enumerate(answers):
        assert answer @ values[number % 2] > 0.8, "what it means weighs twice as much as what it says"
        assert answer @ asked[number] > 0.2


def test_a_question_that_is_near_no_name_stays_what_it_is():
    asked, _, answers = remembered(lambda names: np.random.default_rng(9).standard_normal((4, space.SHARED)))
    assert np.sum(asked * answers, axis=1).min() > 0.99


def parts(named, features):
    graph = Graph()
    senses = Senses(
        unit(np.eye(4, space.SHARED)), unit(np.eye(4, space.SHARED)), np.zeros((11, space.SHARED), np.float32)
    )
    graph.op("Identity", heads.recording(graph, ("features", "scores"), senses), out="vectors")
    ports = [("features", FLOAT, ["b", audio.FEATURES]), ("scores", FLOAT, ["b", 4])]
    return ran(graph, {"features": features, "scores": named}, ports, "vectors", ["b", heads.DIMENSION])


def test_what_no_class_fits_is_told_by_its_sound_alone():
    features = np.abs(np.random.default_rng(1).standard_normal((2, audio.FEATURES))).astype(np.float32)
    sure, unsure = parts(np.array([[1, 0, 0, 0], [0.001, 0, 0, 0]], np.float32), features)
    assert np.linalg.norm(sure) == pytest.approx(1, abs=1e-4) and np.linalg.norm(unsure) == pytest.approx(1, abs=1e-4)
    assert sure[0] == pytest.approx((1 - heads.SOUND_SHARE) ** 0.5, abs=0.01)
    assert abs(unsure[: space.SHARED]).max() < 0.03


def test_the_manifest_lists_every_file_with_its_digest(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"graph")
    (tmp_path / "MODEL_CARD.md").write_text("not a part of it")
    text = manifest.written(tmp_path, "", "")
    assert 'sha256 = "' in text and "bytes = 5" in text and "MODEL_CARD" not in text


def test_calibration_is_replaced_and_leaves_the_rest():
    once = written("a = 1\n", [("text", "image", 0.1, 0.2)])
    assert once == 'a = 1\n\n[[calibration]]\nquery = "text"\nitem = "image"\nmean = 0.1\nstd = 0.2\n'
    assert written(once, [("text", "text", 0.3, 0.4)]).count("[[calibration]]") == 1
    assert unrelated([{"a", "b"}], [{"b"}, {"c"}]).tolist() == [[False, True]]
