"""Streams of short texts from a client that never waits. gRPC's own library sends each message as it is made, in a frame of its
own: what a server reads too slowly must slow the client down, never end the connection."""

import os
import time

import pytest

# Enough to fill every window many times over; a hundred thousand pass as well.
COUNT = int(os.environ.get("ONESPACE_TEST_TEXTS", "10000"))
PATIENCE = 60 + COUNT // 100


def texts() -> list[str]:
    """Twenty bytes each, no two alike."""
    return [f"a red mug no. {number:06d}" for number in range(COUNT)]


@pytest.mark.parametrize("streams", [1, 4])
def test_short_texts_stream_through_embedding(stubs, channel, streams):
    embedding = stubs.EmbeddingServiceStub(channel)
    words = texts()[:: streams]

    def requests():
        yield stubs.EmbedStreamRequest(start=stubs.EmbedStart())
        for number, text in enumerate(words):
            item = stubs.EmbedItem(request_id=str(number), media=stubs.Media(text=text))
            yield stubs.EmbedStreamRequest(item=item)

    began = time.monotonic()
    calls = [embedding.EmbedStream(requests(), timeout=PATIENCE) for _ in range(streams)]
    for call in calls:
        answers = {}
        for answer in call:
            assert answer.result.WhichOneof("outcome") == "embeddings", answer
            answers[answer.request_id] = True
        assert len(answers) == len(words)
    print(f"{streams} streams of {len(words)} texts: {time.monotonic() - began:.1f} s")


def test_short_texts_stream_into_a_collection(stubs, channel):
    def requests():
        yield stubs.IngestRequest(start=stubs.IngestStart(collection="short-texts", create=True))
        for number, text in enumerate(texts()):
            name = str(number)
            item = stubs.IngestItem(request_id=name, item_id=name, media=stubs.Media(text=text))
            yield stubs.IngestRequest(item=item)

    began = time.monotonic()
    events = list(stubs.CollectionServiceStub(channel).Ingest(requests(), timeout=PATIENCE))
    assert len(events) == COUNT
    assert {event.status for event in events} == {stubs.INGEST_STATUS_STORED}
    print(f"{COUNT} texts stored: {time.monotonic() - began:.1f} s")
