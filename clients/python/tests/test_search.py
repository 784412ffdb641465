"""Searching, ranking, classifying."""

import numpy as np
import pytest

from onespace import (
    InvalidRequestError,
    NotFoundError,
    OnespaceError,
    Part,
    QueryVector,
    RankedCandidate,
    StoredItem,
    field,
    item_field,
)
from onespace.comparing import _ordered
from onespace.limits import CHUNK_BYTES
from support import sample

MUG = sample("images/red-mug-01.jpg")


def test_any_modality_finds_any_other(client, stored):
    film = sample("videos/black-duck-rising-01.mp4")
    hits = client.search(stored, film, modalities=["image", "point_cloud", "text"], limit=6)
    assert len(hits) == 6 and {hit.item.modality for hit in hits} <= {
        "image",
        "point_cloud",
        "text",
    }
    assert any("black-duck" in hit.item.uri for hit in hits)
    each = client.search(stored, "a duck", limit_per_modality=2)
    kinds = [hit.item.modality for hit in each]
    assert sorted(set(kinds)) == ["audio", "image", "point_cloud", "text", "video"]
    assert all(kinds.count(kind) == 2 for kind in kinds)


def test_parts_are_weighed(client, stored):
    [plain] = client.search(stored, "a black duck", limit=1, modalities=["image"])
    away = client.search(stored, ["a black duck", Part(StoredItem(plain.item.item_id), -1.0)])
    assert plain.item.item_id not in [hit.item.item_id for hit in away[:3]]
    with pytest.raises(OnespaceError) as cancelled:
        client.search(stored, ["a mug", Part("a mug", -1)])
    assert cancelled.value.reason == "QUERY_CANCELS_OUT"


def test_vectors_ask_with_their_space(client, stored):
    [embedded] = client.embed_items([MUG])
    space = client.space().fingerprint
    asked = [
        client.search(stored, query, calibrate=False)
        for query in (MUG, embedded, embedded.whole, QueryVector(embedded.vector, space, "image"))
    ]
    ids = [[hit.item.item_id for hit in hits] for hits in asked]
    assert ids[0] == ids[1] == ids[2] == ids[3]
    with pytest.raises(OnespaceError) as foreign:
        client.search(stored, QueryVector(embedded.vector, "0" * 64))
    assert foreign.value.reason == "SPACE_MISMATCH"
    with pytest.raises(ValueError, match="shape"):
        client.search(stored, QueryVector(np.zeros((2, 256)), space))


def test_a_query_of_any_size_is_sent(client, stored, tmp_path):
    huge = tmp_path / "huge.jpg"
    huge.write_bytes(MUG.read_bytes() + bytes(15 * CHUNK_BYTES // 2))
    whole = client.search(stored, MUG, calibrate=False)
    # Two of fifteen million bytes do not fit in one message: one of them asks by its vector.
    parts = client.search(stored, [huge, Part(huge, speech="off")], calibrate=False)
    assert [hit.item.item_id for hit in parts] == [hit.item.item_id for hit in whole]


def test_filters_by_expression_builder_and_mapping(client, stored):
    forms = [
        '.modality = image and not "no such field" exists',
        item_field("modality") == "image",
        (item_field("modality") == "image") & ~field("no such field").exists(),
    ]
    for given in forms:
        hits = client.search(stored, "a duck", filter=given, limit=30)
        assert len(hits) == 12 and {hit.item.modality for hit in hits} == {"image"}
    assert len(client.search(stored, "a duck", filter={"colour": "none"})) == 0
    with pytest.raises(ValueError, match="column 5"):
        client.search(stored, "a duck", filter="a = ")


def test_pages_are_followed(client, stored):
    count = client.count_items(stored)
    assert count == 60
    everything = client.search(stored, "a duck", limit=1500)
    assert len(everything) == count
    pages = list(client.search_pages(stored, "a duck", page_size=25))
    assert [len(page) for page in pages] == [25, 25, 10]
    by_page = [hit.item.item_id for page in pages for hit in page]
    assert by_page == [hit.item.item_id for hit in everything]
    with pytest.raises(ValueError, match="limit"):
        client.search(stored, "a duck", limit=0)


def test_what_is_shown_is_what_was_asked_for(client, stored):
    [hit] = client.search(stored, "a duck", limit=1, vectors=True, segments=True)
    assert hit.item.embeddings[0].vector.shape == (client.space().dimension,)
    [bare] = client.search(stored, "a duck", limit=1)
    assert bare.item.embeddings == ()
    assert -1 <= bare.score <= 1 and bare.item.title and bare.item.uri


def test_thresholds_leave_out(client, stored):
    assert len(client.search(stored, "a duck", score_threshold=0.999)) == 0
    if not client.space().calibration:
        with pytest.raises(OnespaceError) as unmeasured:
            client.search(stored, "a duck", calibrated_score_threshold=2)
        assert unmeasured.value.reason == "NOT_CALIBRATED"


def test_what_is_not_there_is_told(client, stored):
    with pytest.raises(NotFoundError) as absent:
        client.search("nowhere", "a duck")
    assert (absent.value.reason, absent.value.field) == ("COLLECTION_NOT_FOUND", "collection")
    with pytest.raises(NotFoundError) as item:
        client.search(stored, StoredItem("nobody"))
    assert item.value.reason == "ITEM_NOT_FOUND"
    with pytest.raises(InvalidRequestError) as many:
        client.search(stored, ["a"] * 17)
    assert many.value.field == "parts"
    with pytest.raises(ValueError, match="part"):
        client.search(stored, [])


def test_labels_of_any_modality(client):
    robot = sample("images/black-robot-01.webp")
    texts = client.classify(robot, ["a mug", "a robot", "a tree"])
    assert texts.label == "a robot" and len(texts) == 3
    assert sum(one.probability for one in texts) == pytest.approx(1, abs=1e-3)
    shown = client.classify(
        "a black robot",
        {"mug": [MUG, "a mug"], "robot": sample("points/black-robot-01.ply")},
    )
    assert shown.label == "robot"
    unnamed = client.classify("a black robot", [MUG, robot])
    assert unnamed.label == "labels[1]"
    with pytest.raises(OnespaceError) as few:
        client.classify(robot, ["a mug"])
    assert few.value.field == "labels"


def test_two_scales_never_meet():
    def order(*scored):
        ranked = [RankedCandidate(index, *scores) for index, scores in enumerate(scored)]
        return [(one.index, one.calibrated_score) for one in _ordered(ranked)]

    assert order((0.9, 1.0), (0.2, 3.0)) == [(1, 3.0), (0, 1.0)]
    assert order((0.8, None), (0.2, 3.0), (0.9, None)) == [(2, None), (0, None), (1, None)]


def test_candidates_beyond_a_message_are_ranked_together(client):
    texts = [f"{number} green pianos" for number in range(70)] + ["a red mug"]
    ranking = client.rank(MUG, [*texts, b"\x00", object()])
    assert (ranking[0].index, len(ranking)) == (70, 73)
    assert [one.index for one in ranking[-2:]] == [71, 72]
    assert ranking[-2].error.reason == "MODALITY_UNKNOWN"
    assert ranking[-2].error.field == "candidates[71].bytes"
    assert ranking[-1].error.reason == "UNREADABLE"
    scores = [one.calibrated_score or one.score for one in ranking[:-2]]
    assert scores == sorted(scores, reverse=True)
