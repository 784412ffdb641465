"""LlamaIndex: onespace as an embedding model, and a collection as a retriever.

Needs llama-index-core.

from onespace.llamaindex import OnespaceEmbedding, OnespaceRetriever
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.embeddings import MultiModalEmbedding
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import ImageNode, NodeWithScore, QueryBundle, TextNode

from onespace.client import Client
from onespace.expression import FilterLike
from onespace.media import File
from onespace.options import Purpose
from onespace.searching import Hit

TEXT = "text"
"""The metadata field that becomes a node's text; else its title, or its uri."""


class OnespaceEmbedding(MultiModalEmbedding):
    """Texts and images as vectors of a server's space.

    `dimension`: vectors of this many values, one of `Space.dimensions`; 0: the space's own.
    """

    dimension: int = 0
    _client: Client = PrivateAttr()

    def __init__(self, client: Client | None = None, *, dimension: int = 0, **kwargs: Any) -> None:
        super().__init__(dimension=dimension, **{"model_name": "onespace", **kwargs})
        self._client = client or Client()

    @classmethod
    def class_name(cls) -> str:
        """Its name in LlamaIndex's files."""
        return "OnespaceEmbedding"

    def _embed(self, media: list[Any], purpose: Purpose) -> list[list[float]]:
        made = self._client.embed(media, purpose=purpose, dimension=self.dimension)
        rows: list[list[float]] = made.tolist()
        return rows

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._embed([query], "query")[0]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._embed([text], "document")[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._embed(list(texts), "document")

    def _get_image_embedding(self, img_file_path: Any) -> list[float]:
        return self._embed([_image(img_file_path)], "document")[0]

    def _get_image_embeddings(self, img_file_paths: list[Any]) -> list[list[float]]:
        return self._embed([_image(one) for one in img_file_paths], "document")

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_query_embedding, query)

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return await asyncio.to_thread(self._get_text_embedding, text)

    async def _aget_image_embedding(self, img_file_path: Any) -> list[float]:
        return await asyncio.to_thread(self._get_image_embedding, img_file_path)


def _image(given: Any) -> Any:
    """An image as LlamaIndex names it: by its path, or as an open file."""
    return given if hasattr(given, "read") else File(Path(given), "image")


class OnespaceRetriever(BaseRetriever):
    """A collection, of media of any modality, as a retriever. The server embeds the question."""

    def __init__(
        self,
        collection: str,
        client: Client | None = None,
        *,
        limit: int = 10,
        filter: FilterLike | None = None,
    ) -> None:
        super().__init__()
        self._collection = collection
        self._client = client or Client()
        self._limit = limit
        self._filter = filter

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        path = getattr(query_bundle, "image_path", None)
        query = Path(path) if path else query_bundle.query_str
        hits = self._client.search(self._collection, query, limit=self._limit, filter=self._filter)
        return [NodeWithScore(node=_node(hit), score=hit.score) for hit in hits]


def _node(hit: Hit) -> TextNode:
    item = hit.item
    metadata = {**item.metadata, "modality": item.modality, "uri": item.uri}
    text = str(metadata.pop(TEXT, "") or hit.transcript or item.title or item.uri)
    if item.modality == "image":
        path = item.uri if item.uri and "://" not in item.uri else None
        return ImageNode(id_=item.item_id, text=text, metadata=metadata, image_path=path)
    return TextNode(id_=item.item_id, text=text, metadata=metadata)
