"""`POST /v1/embeddings` through the clients that people have: OpenAI's, LangChain's, LlamaIndex's, Haystack's.

Every vector is compared with what gRPC answers for the same content: the door reads, it embeds nothing of its own.
"""

import base64
import json
import urllib.request

import numpy as np
import openai
import pytest
from support import SAMPLES

KEY = "any"


@pytest.fixture(scope="module")
def client(http):
    return openai.OpenAI(base_url=f"{http}/v1", api_key=KEY, max_retries=0)


@pytest.fixture(scope="module")
def by_grpc(channel, stubs):
    """What gRPC answers for texts and for files."""
    service = stubs.EmbeddingServiceStub(channel)

    def embed(*contents, **options):
        media = [stubs.Media(text=c) if isinstance(c, str) else stubs.Media(data=c) for c in contents]
        speech = stubs.Speech(mode=stubs.SPEECH_MODE_OFF)
        request = stubs.EmbedRequest(items=media, options=stubs.EmbedOptions(speech=speech, **options))
        results = service.Embed(request).results
        return np.array([result.embeddings.embeddings[0].vector for result in results])

    return embed


def same(found, expected):
    found = np.array(found)
    assert found.shape == expected.shape
    cosines = (found * expected).sum(axis=1)
    assert (cosines > 0.99999).all(), cosines


def sample(folder):
    return next(path for path in sorted((SAMPLES / folder).iterdir()) if path.is_file())


def uri(path, media_type):
    return f"data:{media_type};base64,{base64.b64encode(path.read_bytes()).decode()}"


TEXTS = ["a red mug", "eine gelbe Teekanne", "a dog barks"]


@pytest.mark.parametrize("encoding", [{}, {"encoding_format": "float"}])
def test_texts(client, by_grpc, encoding):
    answer = client.embeddings.create(model="anything", input=TEXTS, **encoding)
    same([entry.embedding for entry in answer.data], by_grpc(*TEXTS))
    assert [entry.index for entry in answer.data] == [0, 1, 2]
    one = client.embeddings.create(model="anything", input=TEXTS[0], **encoding)
    same([one.data[0].embedding], by_grpc(TEXTS[0]))
    assert 0 < one.usage.prompt_tokens < answer.usage.prompt_tokens == answer.usage.total_tokens


def test_media(client, by_grpc):
    image, sound = sample("images"), sample("sounds")
    inputs = [TEXTS[0], uri(image, "image/jpeg"), {"audio": uri(sound, "audio/wav")}, {"text": TEXTS[1]}]
    answer = client.embeddings.create(model="m", input=inputs)
    expected = by_grpc(TEXTS[0], image.read_bytes(), sound.read_bytes(), TEXTS[1])
    same([entry.embedding for entry in answer.data], expected)
    parts = [{"type": "text", "text": TEXTS[0]}, {"type": "image_url", "image_url": {"url": uri(image, "image/jpeg")}}]
    both = expected[:2].sum(axis=0)
    both /= np.linalg.norm(both)
    for request in ({"input": [{"content": parts}]}, {"input": [parts]}):
        fused = client.embeddings.create(model="m", **request)
        same([entry.embedding for entry in fused.data], both[None])
    body = {"messages": [{"role": "user", "content": parts}], "model": "m"}
    vllm = client.post("/embeddings", cast_to=object, body=body)
    same([entry["embedding"] for entry in vllm["data"]], both[None])


def test_a_query_is_worded_as_such(client, by_grpc, stubs):
    for words, purpose in (("query", stubs.PURPOSE_QUERY), ("document", stubs.PURPOSE_DOCUMENT)):
        answer = client.embeddings.create(model="m", input=TEXTS, extra_body={"input_type": words})
        same([entry.embedding for entry in answer.data], by_grpc(*TEXTS, purpose=purpose))


def test_shorter_vectors(client, by_grpc):
    answer = client.embeddings.create(model="m", input=TEXTS, dimensions=128)
    same([entry.embedding for entry in answer.data], by_grpc(*TEXTS, dimension=128))
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model="m", input=TEXTS, dimensions=77)
    assert refused.value.param == "dimensions" and "128" in refused.value.message


def test_as_many_as_openai_takes(client, by_grpc):
    texts = [f"thing number {number}" for number in range(2048)]
    answer = client.embeddings.create(model="m", input=texts, timeout=120, extra_headers={"x-request-timeout-ms": "115000"})
    assert [entry.index for entry in answer.data] == list(range(2048))
    same([answer.data[at].embedding for at in (0, 63, 64, 2047)], by_grpc(*(texts[at] for at in (0, 63, 64, 2047))))
    with pytest.raises(openai.BadRequestError, match="HTTP_INPUTS"):
        client.embeddings.create(model="m", input=[*texts, "one more"])


def test_refusals_say_what_to_do(client):
    with pytest.raises(openai.BadRequestError, match="check_embedding_ctx_length=False"):
        client.embeddings.create(model="m", input=[[1, 2, 3]])
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model="m", input=["a", "data:image/png;base64,AAAA"])
    assert refused.value.param == "input[1]"
    with pytest.raises(openai.PermissionDeniedError, match="send the bytes"):
        client.embeddings.create(model="m", input=[{"image": "https://example.org/a.png"}])
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model="m", input=["a"], extra_body={"stream": True})
    assert refused.value.param == "stream"


def test_one_item_may_fail_alone(client):
    answer = client.embeddings.create(model="m", input=["a", {"image": "AAAA"}, "b"], extra_body={"on_error": "item"})
    assert len(answer.data[0].embedding) == len(answer.data[2].embedding) > 0
    failed = answer.data[1].model_dump()
    assert failed["embedding"] is None and failed["error"]["param"] == "input[1]"


def test_models_and_headers(client, http):
    [model] = client.models.list().data
    assert client.models.retrieve(model.id).id == model.id
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("another")
    raw = client.embeddings.with_raw_response.create(model=model.id, input="a", extra_headers={"x-request-id": "mine"})
    assert raw.headers["x-request-id"] == "mine" and int(raw.headers["openai-processing-ms"]) >= 0
    with urllib.request.urlopen(f"{http}/info") as info:
        assert json.load(info)["model_id"] == model.id


def test_langchain(http, by_grpc):
    embeddings = pytest.importorskip("langchain_openai").OpenAIEmbeddings(
        base_url=f"{http}/v1", api_key=KEY, model="m", check_embedding_ctx_length=False
    )
    same(embeddings.embed_documents(TEXTS), by_grpc(*TEXTS))
    same([embeddings.embed_query(TEXTS[0])], by_grpc(TEXTS[0]))


def test_llama_index(http, by_grpc):
    like = pytest.importorskip("llama_index.embeddings.openai_like").OpenAILikeEmbedding(
        model_name="m", api_base=f"{http}/v1", api_key=KEY
    )
    same(like.get_text_embedding_batch(TEXTS), by_grpc(*TEXTS))


def test_llama_index_of_jina(http, by_grpc):
    jina = pytest.importorskip("llama_index.embeddings.jinaai").JinaEmbedding(
        model="m", api_key=KEY, base_url=f"{http}/v1/embeddings", task="retrieval.passage"
    )
    same(jina.get_text_embedding_batch(TEXTS), by_grpc(*TEXTS))


def test_haystack(http, by_grpc, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    embedder = pytest.importorskip("haystack.components.embedders").OpenAITextEmbedder(api_base_url=f"{http}/v1", model="m")
    same([embedder.run(TEXTS[0])["embedding"]], by_grpc(TEXTS[0]))
