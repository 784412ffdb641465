"""A busy server is waited for as it says. A stand-in says it when it is told to."""

import asyncio
import io
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from onespace import (
    BusyError,
    Client,
    DeadlineExceededError,
    OnespaceError,
    UnavailableError,
)
from onespace.patience import LONGEST, Patience, grown
from onespace.rpc import EMBED, GET_SPACE, INGEST, RANK
from onespace.v1 import collection_pb2, embedding_pb2, search_pb2, space_pb2, types_pb2


def refuse(context, code, reason, pause=None, field=""):
    info = error_details_pb2.ErrorInfo(
        reason=reason, domain="onespace.v1", metadata={"field": field}
    )
    details = [info]
    if pause is not None:
        details.append(error_details_pb2.RetryInfo(retry_delay=Duration(nanos=int(pause * 1e9))))
    packed = []
    for detail in details:
        one = Any()
        one.Pack(detail)
        packed.append(one)
    status = status_pb2.Status(code=code.value[0], message="because", details=packed)
    context.set_trailing_metadata([("grpc-status-details-bin", status.SerializeToString())])
    context.abort(code, "because")


FULL = types_pb2.ItemError(code=8, reason="QUEUE_FULL", message="full", retry_after_ms=20)
DONE = types_pb2.EmbedResult(
    embeddings=types_pb2.Embeddings(
        embeddings=[types_pb2.Embedding(vector=[1.0, 0.0], modality=1, track=1)]
    )
)


class StandIn:
    """Answers four calls by functions that a test sets."""

    def __init__(self) -> None:
        self.calls = 0
        self.requests = []
        self.answer = None

    def handler(self, method, streams):
        def unary(request, context):
            self.calls += 1
            self.requests.append(request)
            return self.answer(self.calls, request, context)

        def stream(requests, context):
            self.calls += 1
            yield from self.answer(self.calls, requests, context)

        make = (
            grpc.stream_stream_rpc_method_handler
            if streams
            else grpc.unary_unary_rpc_method_handler
        )
        return make(
            stream if streams else unary,
            request_deserializer=method.request.FromString,
            response_serializer=method.answer.SerializeToString,
        )


@pytest.fixture
def stand_in():
    mine = StandIn()
    handlers = {
        method.path: mine.handler(method, method is INGEST)
        for method in (EMBED, GET_SPACE, INGEST, RANK)
    }

    class Handler(grpc.GenericRpcHandler):
        def service(self, details):
            return handlers.get(details.method)

    server = grpc.server(ThreadPoolExecutor(4), handlers=[Handler()])
    mine.endpoint = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield mine
    server.stop(None)


@pytest.mark.parametrize(
    ("code", "reason", "pause"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL", 0.02),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED", 0.02),
        (grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE", None),
        (grpc.StatusCode.UNAVAILABLE, "NOT_READY", None),
        (grpc.StatusCode.UNAVAILABLE, "A_LATER_REASON", 0.02),
    ],
)
def test_what_passes_is_waited_for(stand_in, code, reason, pause):
    def answer(count, request, context):
        if count < 4:
            refuse(context, code, reason, pause)
        return space_pb2.GetSpaceResponse(version="9")

    stand_in.answer = answer
    with Client(stand_in.endpoint) as client:
        assert client.space().version == "9"
    assert stand_in.calls == 4


@pytest.mark.parametrize(
    ("code", "reason", "pause"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "STORE_FULL", 0.01),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_COLLECTIONS", None),
        (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", None),
        (grpc.StatusCode.INTERNAL, "INTERNAL", None),
        (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED", 0.01),
    ],
)
def test_what_does_not_pass_is_told_at_once(stand_in, code, reason, pause):
    stand_in.answer = lambda count, request, context: refuse(context, code, reason, pause, "a.b")
    with Client(stand_in.endpoint) as client, pytest.raises(OnespaceError) as refused:
        client.space()
    error = refused.value
    assert (error.code, error.reason, error.field, error.message) == (
        code,
        reason,
        "a.b",
        "because",
    )
    assert error.retry_after == pause and stand_in.calls == 1
    assert str(error) == f"{reason}: a.b: because"


def test_a_proxy_is_waited_for_where_it_says_how_long(stand_in):
    def answer(count, request, context):
        if count < 3:
            context.set_trailing_metadata([("grpc-retry-pushback-ms", "20")])
            context.abort(grpc.StatusCode.UNAVAILABLE, "overloaded")
        return space_pb2.GetSpaceResponse()

    stand_in.answer = answer
    with Client(stand_in.endpoint) as client:
        client.space()
    assert stand_in.calls == 3


def test_patience_ends(stand_in):
    stand_in.answer = lambda count, request, context: refuse(
        context, grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL", 0.05
    )
    with Client(stand_in.endpoint, patience=0.2) as client, pytest.raises(BusyError):
        client.space()
    assert 2 <= stand_in.calls <= 5
    with Client(stand_in.endpoint, patience=0) as client, pytest.raises(BusyError) as refused:
        client.space()
    assert refused.value.retry_after == 0.05


def test_a_try_has_a_deadline(stand_in):
    release = threading.Event()
    stand_in.answer = lambda count, request, context: release.wait(10)
    with Client(stand_in.endpoint, timeout=0.2) as client, pytest.raises(DeadlineExceededError):
        client.space()
    release.set()
    assert stand_in.calls == 1


def test_items_that_are_turned_away_are_sent_again_and_no_others(stand_in):
    def answer(count, request, context):
        results = []
        for place, _ in enumerate(request.items):
            error = types_pb2.EmbedResult(error=FULL)
            results.append(error if count < 3 and place % 2 else DONE)
        return embedding_pb2.EmbedResponse(results=results)

    stand_in.answer = answer
    with Client(stand_in.endpoint) as client:
        assert client.embed(["a", "b", "c", "d"]).shape == (4, 2)
    sent = [[media.text for media in request.items] for request in stand_in.requests]
    assert sent == [["a", "b", "c", "d"], ["b", "d"], ["d"]]


def test_candidates_that_are_turned_away_are_sent_again(stand_in):
    def answer(count, request, context):
        candidates = []
        for index, media in enumerate(request.candidates):
            if count == 1 and media.text == "b":
                candidates.append(search_pb2.RankedCandidate(index=index, error=FULL))
            else:
                candidates.append(search_pb2.RankedCandidate(index=index, score=ord(media.text)))
        return search_pb2.RankResponse(candidates=candidates)

    stand_in.answer = answer
    with Client(stand_in.endpoint) as client:
        assert [one.index for one in client.rank("q", ["a", "b", "c"])] == [2, 1, 0]
    assert [[media.text for media in request.candidates] for request in stand_in.requests] == [
        ["a", "b", "c"],
        ["b"],
    ]


def test_an_open_file_is_sent_again_whole(stand_in):
    sent = []

    def answer(count, requests, context):
        for request in requests:
            if request.WhichOneof("message") == "item":
                sent.append(request.item.media.data)
                answer = collection_pb2.IngestResponse(request_id=request.item.request_id)
                answer.status = collection_pb2.INGEST_STATUS_STORED
                if count == 1:
                    answer.error.CopyFrom(FULL)
                yield answer

    stand_in.answer = answer
    with Client(stand_in.endpoint) as client:
        assert client.ingest("c", [io.BytesIO(b"content")]).failed == 0
    assert sent == [b"content", b"content"]


def test_an_ingest_goes_on_after_refusals_of_items_and_streams(stand_in):
    sent = []

    def answer(count, requests, context):
        if count == 2:
            refuse(context, grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL", 0.02)
        for request in requests:
            if request.WhichOneof("message") != "item":
                continue
            item = request.item
            sent.append((count, item.media.text))
            answer = collection_pb2.IngestResponse(
                request_id=item.request_id, item_id="x", modality=1
            )
            if count == 1 and item.media.text == "b":
                answer.status = collection_pb2.INGEST_STATUS_FAILED
                answer.error.CopyFrom(FULL)
            elif item.media.text == "d":
                return
            else:
                answer.status = collection_pb2.INGEST_STATUS_STORED
            yield answer

    stand_in.answer = answer
    with Client(stand_in.endpoint) as client:
        report = client.ingest("c", ["a", "b", "c", "d", "e"])
    # "d" was never answered, though the stream ended well: that is the server's fault, and told.
    assert report.stored["text"] >= 3 and 3 in [one.index for one in report.failures]
    assert {one.error.reason for one in report.failures} == {"UNANSWERED"}
    assert (3, "b") in sent and (3, "a") not in sent


def test_where_nobody_is_nobody_is_waited_for():
    with Client("127.0.0.1:1") as client:
        with pytest.raises(UnavailableError) as nobody:
            client.space()
        assert nobody.value.reason == "UNREACHABLE" and "127.0.0.1:1" in nobody.value.message
        with pytest.raises(UnavailableError):
            client.ingest("c", ["a"])
        with pytest.raises(UnavailableError):
            client.embed(["a"], errors="return")


def test_pauses_are_as_told_and_grow_to_a_bound():
    assert grown(0.2, 0, 0) == 0.2 and grown(0.2, 0, 1) == pytest.approx(0.3)
    assert grown(0.2, 3, 0) > grown(0.2, 2, 0) and grown(0.2, 10**9, 0) == LONGEST
    assert grown(15, 9, 0) == 15

    async def main():
        none = Patience(0)
        assert not await none.wait(0.001, 0)
        some = Patience(0.1)
        assert not await some.wait(0.2, 0), "what is not worth waiting for is not waited for"
        waits = 0
        while await some.wait(0.02, 0):
            waits += 1
        assert 1 <= waits <= 5
        some.served()
        assert await some.wait(0.02, 0)

    asyncio.run(main())
