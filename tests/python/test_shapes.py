"""The shapes of others beside OpenAI's: through their clients, or as they send them."""

import base64
import json
import urllib.error
import urllib.request
import uuid

import numpy as np
import pytest
from support import SAMPLES

TEXTS = ["a red mug", "a dog barks"]
IMAGE = next(path for path in sorted((SAMPLES / "images").iterdir()) if path.is_file())
IN_BASE64 = base64.b64encode(IMAGE.read_bytes()).decode()
DATA_URI = f"data:image/jpeg;base64,{IN_BASE64}"


@pytest.fixture(scope="module")
def post(http):
    """The answer to a body; of one that is refused its status and error."""

    def post(path, body, headers=None, method="POST"):
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json", **(headers or {})}
        request = urllib.request.Request(f"{http}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)["error"]

    return post


@pytest.fixture(scope="module")
def vectors(post):
    """The text and the image as `/v1/embeddings` has them."""
    answer = post("/v1/embeddings", {"input": [*TEXTS, DATA_URI]})
    return np.array([entry["embedding"] for entry in answer["data"]])


def same(found, expected):
    assert np.allclose(np.array(found), expected, atol=1e-5)


def test_cohere(http, vectors):
    cohere = pytest.importorskip("cohere")
    client = cohere.ClientV2(api_key="any", base_url=http)
    texts = client.embed(model="m", texts=TEXTS, input_type="search_query", embedding_types=["float"])
    same(texts.embeddings.float_, vectors[:2])
    assert texts.texts == TEXTS and texts.meta.billed_units.input_tokens > 0
    images = client.embed(model="m", images=[DATA_URI], input_type="image", embedding_types=["float"])
    same(images.embeddings.float_, vectors[2:])
    ranked = client.rerank(model="m", query=TEXTS[0], documents=["a yellow car", TEXTS[0], "a dog"], top_n=2)
    assert [entry.index for entry in ranked.results][0] == 1 and len(ranked.results) == 2
    scores = [entry.relevance_score for entry in ranked.results]
    assert scores == sorted(scores, reverse=True) and all(0 <= score <= 1 for score in scores)
    with pytest.raises(cohere.errors.BadRequestError):
        client.embed(model="m", texts=TEXTS, input_type="search_query", embedding_types=["int8"])


def test_more_documents_than_a_call_takes_are_ranked_together(post):
    documents = [f"thing number {number}" for number in range(100)] + ["a red mug"]
    results = post("/v1/rerank", {"query": "a red mug", "documents": documents, "return_documents": True})["results"]
    assert results[0]["index"] == 100 and results[0]["document"] == {"text": "a red mug"}
    assert sorted(entry["index"] for entry in results) == list(range(101))


def test_voyage(post, vectors):
    parts = [{"type": "text", "text": TEXTS[0]}, {"type": "image_base64", "image_base64": DATA_URI}]
    body = {"model": "m", "inputs": [{"content": parts}, {"content": parts[:1]}], "input_type": "query", "truncation": True}
    answer = post("/v1/multimodalembeddings", {**body, "output_dtype": None, "output_dimension": None})
    both = vectors[0] + vectors[2]
    same([entry["embedding"] for entry in answer["data"]], [both / np.linalg.norm(both), vectors[0]])
    assert answer["usage"]["total_tokens"] > 0


def test_ollama(http, vectors):
    client = pytest.importorskip("ollama").Client(host=http)
    same(client.embed(model="m", input=TEXTS).embeddings, vectors[:2])
    assert len(client.list().models) == 1


def test_text_embeddings_inference(post, vectors):
    same(post("/embed", {"inputs": TEXTS, "truncate": True, "normalize": True}), vectors[:2])
    same(post("/embed", {"inputs": TEXTS[0]}), vectors[:1])
    assert post("/embed", {"inputs": TEXTS, "normalize": False})[1]["param"] == "normalize"


def test_weaviate_bind(post, vectors, http):
    """What `modules/multi2vec-bind/clients/vectorizer.go` sends."""
    lists = {name: [] for name in ("texts", "images", "audio", "video", "imu", "thermal", "depth")}
    answer = post("/vectorize", {**lists, "texts": TEXTS, "images": [IN_BASE64]})
    same(answer["textVectors"], vectors[:2])
    same(answer["imageVectors"], vectors[2:])
    assert answer["audioVectors"] == [] and answer["error"] == ""
    assert post("/vectorize", {**lists, "depth": [IN_BASE64]})[1]["code"] == "MODALITY_NOT_SERVED"
    for path in ("ready", "live"):
        with urllib.request.urlopen(f"{http}/.well-known/{path}") as ready:
            assert ready.status == 204
    assert "text" in post("/meta", None, method="GET")["modalities"]


def form(**fields):
    """multipart/form-data as Immich's server sends it."""
    boundary = uuid.uuid4().hex
    body = b""
    for name, value in fields.items():
        file = f'; filename="{name}"\r\ncontent-type: application/octet-stream' if isinstance(value, bytes) else ""
        body += f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()
        body += (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), {"content-type": f"multipart/form-data; boundary={boundary}"}


def test_immich(post, vectors, http):
    """What `machine-learning.repository.ts` sends."""
    visual = json.dumps({"clip": {"visual": {"modelName": "ViT-B-32__openai"}}})
    textual = json.dumps({"clip": {"textual": {"modelName": "ViT-B-32__openai", "options": {"language": "de"}}}})
    same(json.loads(post("/predict", *form(entries=visual, image=IMAGE.read_bytes()))["clip"]), vectors[2])
    same(json.loads(post("/predict", *form(entries=textual, text=TEXTS[0]))["clip"]), vectors[0])
    faces = json.dumps({"facial-recognition": {"detection": {"modelName": "buffalo_l"}}})
    assert post("/predict", *form(entries=faces, image=IMAGE.read_bytes()))[1]["code"] == "MODALITY_NOT_SERVED"
    with urllib.request.urlopen(f"{http}/ping") as ping:
        assert ping.read() == b"pong"


def test_our_own_calls(post):
    name = f"shapes-{uuid.uuid4().hex[:8]}"
    made = post("/v1/collections", {"name": name})
    assert made["collection"]["name"] == name
    assert name in [entry["name"] for entry in post("/v1/collections?page_size=1000", None, method="GET")["collections"]]
    parts = [{"media": {"text": "a red mug"}}]
    found = post("/v1/search", {"collection": name, "parts": parts})
    assert found.get("hits", []) == []
    ranked = post("/v1/rank", {"parts": parts, "candidates": [{"text": "a dog"}, {"data": IN_BASE64}]})
    assert {entry.get("index", 0) for entry in ranked["candidates"]} == {0, 1}
    labels = [{"name": "mug", "examples": [{"text": "a mug"}]}, {"name": "dog", "examples": [{"text": "a dog"}]}]
    classified = post("/v1/classify", {"media": {"text": "a red mug"}, "labels": labels})
    assert isinstance(classified, dict), classified
    status, error = post("/v1/search", {"collection": name, "partz": []})
    assert status == 400 and "partz" in error["message"]
    assert post(f"/v1/collections/{name}", None, method="DELETE") == {}
    assert post(f"/v1/collections/{name}", None, method="GET")[1]["code"] == "COLLECTION_NOT_FOUND"
