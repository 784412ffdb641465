"""LangChain's own interfaces, over the real server."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from onespace import OnespaceError, field
from support import sample

pytest.importorskip("langchain_core")

from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda
from langchain_core.vectorstores import InMemoryVectorStore

from onespace.langchain import OnespaceEmbeddings, OnespaceVectorStore

TEXTS = ["a red mug", "a green piano", "a black duck"]
DUCK = sample("images/black-duck-01.jpg")


@pytest.fixture
def store(client):
    store = OnespaceVectorStore.from_texts(
        TEXTS,
        metadatas=[{"n": n} for n in range(3)],
        ids=["a", "b", "c"],
        collection="chain",
        client=client,
    )
    yield store
    try:
        store.delete()
    except OnespaceError:
        pass


def test_embeddings_serve_another_store(client):
    embeddings = OnespaceEmbeddings(client)
    np.testing.assert_allclose(
        embeddings.embed_query("a mug"), client.embed(["a mug"])[0], atol=1e-5
    )
    assert len(embeddings.embed_documents(TEXTS)) == 3
    assert asyncio.run(embeddings.aembed_query("a mug")) == embeddings.embed_query("a mug")
    assert len(embeddings.embed_image([str(DUCK)])[0]) == client.space().dimension
    memory = InMemoryVectorStore.from_texts(TEXTS, embeddings)
    assert memory.similarity_search("a piano that is green", k=1)[0].page_content == TEXTS[1]


def test_a_store_finds_its_texts(store):
    [document] = store.similarity_search("a green piano", k=1)
    assert (document.page_content, document.id) == (TEXTS[1], "b")
    assert document.metadata == {"n": 1, "modality": "text"}
    [(_, score)] = store.similarity_search_with_score("a green piano", k=1)
    assert score == pytest.approx(1, abs=0.2)
    [(_, relevance)] = store.similarity_search_with_relevance_scores("a green piano", k=1)
    assert relevance == pytest.approx((score + 1) / 2, abs=1e-3)
    by_vector = store.similarity_search_by_vector(
        store.embeddings.embed_query("a green piano"), k=1
    )
    assert by_vector[0].id == "b"
    assert [one.id for one in store.similarity_search("a mug", filter=field("n") >= 1)] != []
    assert "a" not in [one.id for one in store.similarity_search("a mug", filter="n >= 1")]
    assert [one.id for one in store.get_by_ids(["c", "nobody", "a"])] == ["c", "a"]


def test_what_is_chosen_is_unlike_each_other(store):
    store.add_texts(["a green piano!", "a green piano."], ids=["d", "e"])
    nearest = store.similarity_search("a green piano", k=2)
    assert {one.id for one in nearest} < {"b", "d", "e"}
    varied = store.max_marginal_relevance_search("a green piano", k=2, lambda_mult=0.1)
    assert varied[0].id in {"b", "d", "e"} and varied[1].id in {"a", "c"}
    retriever = store.as_retriever(search_type="mmr", search_kwargs={"k": 2, "filter": "n >= 0"})
    assert {one.id for one in retriever.invoke("a green piano")} < {"a", "b", "c"}


def test_documents_come_and_go(store):
    ids = store.add_documents(
        [Document("a blue whale", metadata={"n": 9}), Document("a clock", id="d")]
    )
    assert ids[1] == "d" and len(ids[0]) > 1
    assert store.get_by_ids(ids[:1])[0].page_content == "a blue whale"
    store.delete(["a", "d"])
    assert {one.id for one in store.similarity_search("anything", k=10)} == {"b", "c", ids[0]}
    with pytest.raises(ValueError, match="metadatas"):
        store.add_texts(["a"], [{}, {}])
    with pytest.raises(OnespaceError):
        store.add_texts(["a", ""])


def test_media_are_found_by_words_and_words_by_media(store):
    [picture] = store.add_media([DUCK], [{"kind": "photo"}])
    found = store.similarity_search("a black duck", k=2)
    assert {one.id for one in found} == {"c", picture}
    [document] = [one for one in found if one.id == picture]
    assert document.page_content == str(DUCK) == document.metadata["uri"]
    best = store.search_media(Path(DUCK), k=2)
    assert [one.id for one, _ in best] == [picture, "c"]


def test_a_chain_retrieves(store):
    chain = store.as_retriever(search_kwargs={"k": 1}) | RunnableLambda(
        lambda found: found[0].page_content
    )
    assert chain.invoke("a green piano") == TEXTS[1]
    assert asyncio.run(chain.ainvoke("a red mug")) == TEXTS[0]
