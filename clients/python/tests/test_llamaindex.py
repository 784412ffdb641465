"""LlamaIndex's own interfaces, over the real server."""

import asyncio

import numpy as np
import pytest

from onespace import IngestItem
from support import sample

pytest.importorskip("llama_index.core")

from llama_index.core import Document, VectorStoreIndex
from llama_index.core.schema import ImageNode

from onespace.llamaindex import OnespaceEmbedding, OnespaceRetriever

DUCK = sample("images/black-duck-01.jpg")


def test_an_index_is_built_of_its_embeddings(client):
    model = OnespaceEmbedding(client)
    np.testing.assert_allclose(
        model.get_query_embedding("a mug"), client.embed(["a mug"])[0], atol=1e-5
    )
    assert model.get_image_embedding(str(DUCK)) == model.get_image_embedding(DUCK.open("rb"))
    texts = ["a red mug", "a green piano", "a black duck"]
    index = VectorStoreIndex.from_documents(
        [Document(text=text) for text in texts], embed_model=model
    )
    [found] = index.as_retriever(similarity_top_k=1).retrieve("a piano that is green")
    assert found.node.text == "a green piano"
    made = asyncio.run(model.aget_text_embedding("a mug"))
    np.testing.assert_allclose(made, model.get_text_embedding("a mug"), atol=1e-5)


def test_a_collection_is_retrieved_from(client):
    items = [IngestItem("a red mug", metadata={"text": "a red mug", "n": 1}), DUCK]
    client.ingest("llama", items).raise_for_failures()
    try:
        retriever = OnespaceRetriever("llama", client, limit=1)
        [mug] = retriever.retrieve("a red mug")
        assert (mug.node.text, mug.node.metadata["n"]) == ("a red mug", 1)
        [duck] = OnespaceRetriever("llama", client, filter=".modality = image").retrieve("a duck")
        assert isinstance(duck.node, ImageNode) and duck.node.image_path == str(DUCK)
        assert asyncio.run(retriever.aretrieve("a red mug"))[0].node.id_ == mug.node.id_
    finally:
        client.delete_collection("llama")
