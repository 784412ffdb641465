"""LangChain: onespace as embeddings, and a collection as a vector store. Needs langchain-core.

from onespace.langchain import OnespaceEmbeddings, OnespaceVectorStore
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore
from langchain_core.vectorstores.utils import maximal_marginal_relevance

from onespace.client import Client
from onespace.errors import OnespaceError
from onespace.expression import FilterLike
from onespace.feed import IngestItem
from onespace.media import MediaLike
from onespace.query import QueryLike, QueryVector
from onespace.results import Embedded, Item
from onespace.searching import Hits

TEXT = "page_content"
"""The metadata field in which a text is kept: a collection keeps vectors, not what they are of."""


class OnespaceEmbeddings(Embeddings):
    """Texts, and images, as vectors of a server's space.

    `dimension`: vectors of this many values, one of `Space.dimensions`; 0: the space's own.
    """

    def __init__(self, client: Client | None = None, *, dimension: int = 0) -> None:
        self.client = client or Client()
        self.dimension = dimension

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Texts that are to be found."""
        made = self.client.embed(texts, purpose="document", dimension=self.dimension)
        rows: list[list[float]] = made.tolist()
        return rows

    def embed_query(self, text: str) -> list[float]:
        """A text that asks."""
        made = self.client.embed([text], purpose="query", dimension=self.dimension)
        row: list[float] = made[0].tolist()
        return row

    def embed_image(self, uris: list[str]) -> list[list[float]]:
        """Image files by their paths, as LangChain's multimodal stores ask for them."""
        paths = [Path(uri) for uri in uris]
        made = self.client.embed(paths, purpose="document", dimension=self.dimension)
        rows: list[list[float]] = made.tolist()
        return rows


class OnespaceVectorStore(VectorStore):
    """A collection as a vector store. The server embeds; texts and media may be mixed in it.

    A text is kept in the metadata field `page_content`: with the rest of the metadata it has at
    most 16 KiB as JSON. Of a stored media that is no text, a document's `page_content` is its title
    or its uri.
    """

    def __init__(self, collection: str, client: Client | None = None) -> None:
        self.collection = collection
        self.client = client or Client()

    @property
    def embeddings(self) -> OnespaceEmbeddings:
        """The same space as embeddings."""
        return OnespaceEmbeddings(self.client)

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings | None = None,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        collection: str = "langchain",
        client: Client | None = None,
        **kwargs: Any,
    ) -> OnespaceVectorStore:
        """A store of these texts. The server embeds them; `embedding` is of no use to it."""
        store = cls(collection, client)
        store.add_texts(texts, metadatas, ids=ids)
        return store

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Stores texts; their ids. Raises `OnespaceError` for the first that fails."""
        given = list(texts)
        said = metadatas or [{} for _ in given]
        if len(said) != len(given):
            raise ValueError(f"{len(said)} metadatas for {len(given)} texts")
        return self.add_media(given, [{**one, TEXT: text} for text, one in zip(given, said)], ids)

    def add_media(
        self,
        media: Sequence[MediaLike],
        metadatas: Sequence[dict[str, Any]] | None = None,
        ids: Sequence[str] | None = None,
    ) -> list[str]:
        """Stores media of any modality; their ids. A file's path is its uri."""
        said = metadatas or [{} for _ in media]
        names = ids or ["" for _ in media]
        if not len(media) == len(said) == len(names):
            raise ValueError(f"{len(media)} media, {len(said)} metadatas, {len(names)} ids")
        items = [
            IngestItem(
                one, item_id=name, uri=str(one) if isinstance(one, Path) else "", metadata=fields
            )
            for one, fields, name in zip(media, said, names)
        ]
        stored: dict[int, str] = {}
        report = self.client.ingest(
            self.collection,
            items,
            progress=lambda event: stored.__setitem__(event.index, event.item_id),
        )
        report.raise_for_failures()
        return [stored[index] for index in range(len(items))]

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> bool | None:
        """Deletes documents; without ids, all of them."""
        if ids is None:
            self.client.delete_collection(self.collection)
        else:
            self.client.delete_items(self.collection, ids)
        return True

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Those that are there, in the order of their ids."""
        found = self.client.get_items(self.collection, ids, vectors=False, segments=False)
        return [_document(found[name]) for name in ids if name in found]

    def search_media(
        self, query: QueryLike, k: int = 4, *, filter: FilterLike | None = None
    ) -> list[tuple[Document, float]]:
        """Documents near a query of any modality, and their cosines, best first."""
        hits = self.client.search(self.collection, query, limit=k, filter=filter, calibrate=False)
        return _documents(hits)

    def similarity_search(
        self, query: str, k: int = 4, *, filter: FilterLike | None = None, **kwargs: Any
    ) -> list[Document]:
        """Documents near a text, best first."""
        return [document for document, _ in self.search_media(query, k, filter=filter)]

    def similarity_search_with_score(
        self, query: str, k: int = 4, *, filter: FilterLike | None = None, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """Documents near a text, and their cosines, best first."""
        return self.search_media(query, k, filter=filter)

    def similarity_search_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        *,
        filter: FilterLike | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """Documents near a vector of this server's space, best first."""
        vector = QueryVector(embedding, self.client.space().fingerprint)
        return [document for document, _ in self.search_media(vector, k, filter=filter)]

    def max_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        *,
        filter: FilterLike | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """Documents near a text and unlike each other: `k` of the `fetch_k` nearest."""
        [asking] = self.client.embed_items([query])
        if isinstance(asking, OnespaceError):
            raise asking
        hits = self.client.search(
            self.collection, asking, limit=fetch_k, filter=filter, vectors=True, calibrate=False
        )
        vectors = [Embedded(hit.item.embeddings).vector.tolist() for hit in hits]
        chosen = maximal_marginal_relevance(asking.vector, vectors, lambda_mult, k)
        return [_document(hits[index].item) for index in chosen]

    def _select_relevance_score_fn(self) -> Any:
        """A cosine, -1 to 1, as a relevance from 0 to 1."""
        # Rounding takes a cosine a little beyond 1.
        return lambda cosine: min(1.0, (cosine + 1) / 2)


def _documents(hits: Hits) -> list[tuple[Document, float]]:
    return [(_document(hit.item), hit.score) for hit in hits]


def _document(item: Item) -> Document:
    metadata = dict(item.metadata)
    text = str(metadata.pop(TEXT, "") or item.title or item.uri)
    metadata["modality"] = item.modality
    if item.uri:
        metadata["uri"] = item.uri
    return Document(page_content=text, metadata=metadata, id=item.item_id)
