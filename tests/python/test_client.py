"""A client made from the .proto files alone does everything that the service offers."""

import math

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from support import PATIENCE, SAMPLES, refusal

FOLDERS = {"texts": "TEXT", "images": "IMAGE", "sounds": "AUDIO", "videos": "VIDEO", "points": "POINT_CLOUD"}
COLLECTION = "python"


@pytest.fixture(scope="session")
def embedding(stubs, channel):
    return stubs.EmbeddingServiceStub(channel)


@pytest.fixture(scope="session")
def search(stubs, channel):
    return stubs.SearchServiceStub(channel)


def sample(folder: str, name: str) -> bytes:
    return (SAMPLES / folder / name).read_bytes()


def one_of(folder: str) -> bytes:
    return sorted((SAMPLES / folder).iterdir())[0].read_bytes()


@pytest.fixture(scope="session")
def stored(stubs, channel) -> dict:
    """The events of the samples' ingest, by id."""

    def requests():
        yield stubs.IngestRequest(start=stubs.IngestStart(collection=COLLECTION, create=True))
        for folder in FOLDERS:
            for path in sorted((SAMPLES / folder).glob("*-01.*")):
                item = stubs.IngestItem(
                    request_id=path.name, item_id=f"{folder}/{path.name}", media=stubs.Media(data=path.read_bytes())
                )
                item.metadata.update({"folder": folder, "size": path.stat().st_size})
                yield stubs.IngestRequest(item=item)
        yield stubs.IngestRequest(item=stubs.IngestItem(request_id="broken", media=stubs.Media(data=b"\x89PNG\r\n\x1a\n")))

    return {event.request_id: event for event in stubs.CollectionServiceStub(channel).Ingest(requests(), timeout=PATIENCE)}


def test_embed_gives_unit_vectors_and_errors_of_their_own(stubs, embedding):
    items = [stubs.Media(data=one_of(folder)) for folder in FOLDERS]
    items.append(stubs.Media(data=b"\x00\x01\x02"))
    results = embedding.Embed(stubs.EmbedRequest(items=items), timeout=PATIENCE).results
    for result, name in zip(results, FOLDERS.values()):
        first = result.embeddings.embeddings[0]
        assert math.isclose(math.hypot(*first.vector), 1, abs_tol=1e-3) and len(first.vector) == 256
        assert first.modality == stubs.Modality.Value(f"MODALITY_{name}")
    assert results[-1].error.reason == "MODALITY_UNKNOWN"
    assert results[-1].error.field == "items[5].bytes"


def test_embed_stream_answers_by_id(stubs, embedding):
    items = [stubs.EmbedItem(request_id=str(n), media=stubs.Media(text=f"{n} mugs")) for n in range(50)]
    requests = [stubs.EmbedStreamRequest(start=stubs.EmbedStart()), *(stubs.EmbedStreamRequest(item=item) for item in items)]
    answers = list(embedding.EmbedStream(iter(requests), timeout=PATIENCE))
    assert {answer.request_id for answer in answers} == {item.request_id for item in items}
    assert all(answer.result.embeddings.embeddings for answer in answers)


def test_embed_file_tells_how_far_it_is(stubs, embedding):
    # Short enough that pictures and sound are one stretch each.
    data = sample("videos", "purple-guitar-bouncing-01.mp4")

    def requests():
        yield stubs.EmbedFileRequest(start=stubs.FileStart(total_bytes=len(data)))
        for start in range(0, len(data), 10_000):
            end = start + 10_000
            yield stubs.EmbedFileRequest(chunk=stubs.Chunk(data=data[start:end], last=end >= len(data)))

    events = list(embedding.EmbedFile(requests(), timeout=PATIENCE))
    kinds = [event.WhichOneof("event") for event in events]
    assert kinds[-1] == "done" and kinds.count("embedding") == events[-1].done.embeddings == 2
    assert max(e.progress.received_bytes for e in events if e.WhichOneof("event") == "progress") == len(data)


def test_ingest_answers_every_item(stubs, channel, stored):
    broken = stored["broken"]
    assert broken.status == stubs.INGEST_STATUS_FAILED and broken.error.reason == "MEDIA_MALFORMED"
    assert all(event.status == stubs.INGEST_STATUS_STORED for name, event in stored.items() if name != "broken")
    collections = stubs.CollectionServiceStub(channel).ListCollections(stubs.ListCollectionsRequest()).collections
    assert COLLECTION in {collection.name for collection in collections}
    request = stubs.GetItemRequest(collection=COLLECTION, item_id="images/yellow-teapot-01.jpg")
    item = stubs.CollectionServiceStub(channel).GetItem(request).item
    assert item.metadata["folder"] == "images" and item.metadata["size"] > 1000


def test_search_crosses_modalities(stubs, search, stored):
    parts = [stubs.QueryPart(media=stubs.Media(data=sample("points", "white-house-01.ply")))]
    request = stubs.SearchRequest(collection=COLLECTION, parts=parts, limit_per_modality=3)
    hits = search.Search(request, timeout=PATIENCE).hits
    assert len(hits) == 15
    best = [hit.item.item_id for hit in hits if "white-house" in hit.item.item_id]
    assert "points/white-house-01.ply" in best and len(best) >= 3, [hit.item.item_id for hit in hits]


def test_search_filters_and_weighs(stubs, search, stored):
    field = stubs.FieldCondition(metadata="folder", any=stubs.MatchAny(values=[stubs.Scalar(text="videos")]))
    condition = stubs.Condition(field=field)
    parts = [
        stubs.QueryPart(media=stubs.Media(text="a rocket"), weight=1.0),
        stubs.QueryPart(item_id="images/orange-piano-01.jpg", weight=-0.5),
    ]
    request = stubs.SearchRequest(collection=COLLECTION, parts=parts, filter=stubs.Filter(must=[condition]), limit=5)
    hits = search.Search(request, timeout=PATIENCE).hits
    assert len(hits) == 5 and all(hit.item.item_id.startswith("videos/") for hit in hits)
    assert any("rocket" in hit.item.item_id for hit in hits)


def test_classify_and_rank(stubs, search):
    labels = [stubs.Label(name=name) for name in ("a mug", "a tree", "a robot")]
    media = stubs.Media(data=sample("images", "black-robot-01.webp"))
    rows = search.Classify(stubs.ClassifyRequest(media=media, labels=labels), timeout=PATIENCE).labels
    assert rows[0].label == "a robot" and math.isclose(sum(row.probability for row in rows), 1, abs_tol=1e-3)
    candidates = [stubs.Media(text=text) for text in ("a mug", "a black robot")] + [stubs.Media(data=b"\x00")]
    request = stubs.RankRequest(parts=[stubs.QueryPart(media=media)], candidates=candidates)
    ranked = search.Rank(request, timeout=PATIENCE).candidates
    assert [candidate.index for candidate in ranked] == [1, 0, 2]
    assert ranked[-1].error.reason == "MODALITY_UNKNOWN"


def test_vectors_are_cut_and_scores_calibrated_as_the_space_says(stubs, channel, embedding, search, stored):
    space = stubs.SpaceServiceStub(channel).GetSpace(stubs.GetSpaceRequest()).space
    item = stubs.Media(text="a mug")
    for length in [space.dimension, *space.dimensions]:
        results = embedding.Embed(stubs.EmbedRequest(items=[item], options=stubs.EmbedOptions(dimension=length)), timeout=PATIENCE).results
        assert len(results[0].embeddings.embeddings[0].vector) == length
    with pytest.raises(grpc.RpcError) as odd:
        embedding.Embed(stubs.EmbedRequest(items=[item], options=stubs.EmbedOptions(dimension=space.dimension + 1)))
    assert (refusal(odd.value).reason, refusal(odd.value).violations) == ("FIELD_INVALID", ["options.dimension"])
    parts = [stubs.QueryPart(media=item)]
    plain = search.Search(stubs.SearchRequest(collection=COLLECTION, parts=parts, calibrate=False), timeout=PATIENCE).hits
    assert plain and not any(hit.HasField("calibrated_score") for hit in plain)
    if not space.calibration:
        with pytest.raises(grpc.RpcError) as unmeasured:
            search.Search(stubs.SearchRequest(collection=COLLECTION, parts=parts, calibrate=True), timeout=PATIENCE)
        assert refusal(unmeasured.value).reason == "NOT_CALIBRATED"


def test_a_refusal_carries_google_rpc_details(stubs, search, embedding):
    with pytest.raises(grpc.RpcError) as absent:
        search.Search(stubs.SearchRequest(collection="nowhere", parts=[stubs.QueryPart(media=stubs.Media(text="a"))]))
    said = refusal(absent.value)
    assert (said.code, said.reason, said.field) == (grpc.StatusCode.NOT_FOUND, "COLLECTION_NOT_FOUND", "collection")
    with pytest.raises(grpc.RpcError) as empty:
        embedding.Embed(stubs.EmbedRequest())
    said = refusal(empty.value)
    assert (said.code, said.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_REQUIRED")
    assert said.violations == ["items"]


def test_the_space_is_described(stubs, channel):
    space = stubs.SpaceServiceStub(channel).GetSpace(stubs.GetSpaceRequest()).space
    assert len(space.space_fingerprint) == 64 and space.dimension == 256
    assert {tower.modality for tower in space.towers} == {1, 2, 3, 4, 5}
    assert all(tower.golden_cosine >= 0.999 for tower in space.towers)


def test_health_names_every_service(channel):
    health = health_pb2_grpc.HealthStub(channel)
    for service in ("", "onespace.v1.EmbeddingService", "onespace.v1.SearchService", "onespace.v1.CollectionService"):
        assert health.Check(health_pb2.HealthCheckRequest(service=service)).status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as unknown:
        health.Check(health_pb2.HealthCheckRequest(service="nobody"))
    assert unknown.value.code() == grpc.StatusCode.NOT_FOUND


def test_reflection_lists_every_service(channel):
    services = set(ProtoReflectionDescriptorDatabase(channel).get_services())
    assert {f"onespace.v1.{name}Service" for name in ("Embedding", "Search", "Collection", "Space")} <= services
    assert "grpc.health.v1.Health" in services
