"""The service as it starts and fails, and a collection that is filled and asked."""

import grpc
import pytest

from everyday.evaluation import collection
from everyday.evaluation.collection import Collection
from everyday.evaluation.service import Failed, Service, stubs


class Full(grpc.RpcError):
    def code(self):
        return grpc.StatusCode.RESOURCE_EXHAUSTED


class Store:
    """Takes an ingest; what is named in `busy` is turned away the first time."""

    def __init__(self, pb, busy=(), broken=()):
        self.stubs, self.busy, self.broken, self.stored, self.full = pb, set(busy), set(broken), {}, 2
        self.collections = self.searching = self

    def Ingest(self, requests):
        pb, key = self.stubs, ""
        arrived = {}
        for request in requests:
            if request.HasField("item"):
                key = request.item.request_id
                arrived[key] = request.item.media.text.encode()
            elif request.HasField("chunk"):
                arrived[key] += request.chunk.data
        for key, data in arrived.items():
            if key in self.busy:
                self.busy.remove(key)
                error = pb.ItemError(reason="QUEUE_FULL", retry_after_ms=10)
                yield pb.IngestResponse(request_id=key, status=pb.INGEST_STATUS_FAILED, error=error)
            elif key in self.broken:
                error = pb.ItemError(reason="MEDIA_MALFORMED", message="no")
                yield pb.IngestResponse(request_id=key, status=pb.INGEST_STATUS_FAILED, error=error)
            else:
                self.stored[key] = data
                yield pb.IngestResponse(request_id=key, status=pb.INGEST_STATUS_STORED)

    def Search(self, request, timeout):
        self.full -= 1
        if self.full >= 0:
            raise Full
        self.asked = request
        hits = [self.stubs.SearchHit(item=self.stubs.Item(item_id=key)) for key in sorted(self.stored)]
        return self.stubs.SearchResponse(hits=hits[: request.limit])


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(collection, "PAUSE", 0)
    monkeypatch.setattr(collection, "CHUNK", 4)
    return Store(stubs(tmp_path), busy={"1"}, broken={"3"})


def test_a_collection_is_filled_whole(store, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"longer than one chunk")
    refused = Collection(store, "mixed").fill({"1": file, "2": "a text", "3": "broken"})
    assert store.stored == {"1": b"longer than one chunk", "2": b"a text"}
    assert refused == {"3": "MEDIA_MALFORMED: no"}


def test_a_search_waits_for_a_full_service(store):
    asked = Collection(store, "mixed")
    asked.fill({"2": "a", "4": "b"})
    assert asked.search("a dog", 1, True) == ["2"]
    assert store.asked.calibrate and store.asked.parts[0].media.text == "a dog"


def test_a_service_that_does_not_start_says_why(tmp_path):
    binary = tmp_path / "onespace"
    binary.write_text("#!/bin/sh\necho 'listening grpc=127.0.0.1:1'\necho 'the bundle is altered' >&2\nexit 1\n")
    binary.chmod(0o755)
    with pytest.raises(Failed, match="does not start: the bundle is altered"):
        Service(binary, tmp_path, tmp_path).__enter__()
