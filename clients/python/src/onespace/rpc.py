"""The calls of the wire, with the types of what goes in and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from onespace.v1 import collection_pb2, embedding_pb2, search_pb2, space_pb2

Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)


@dataclass(frozen=True)
class Method(Generic[Q, A]):
    """One call: its path, its request, its answer."""

    path: str
    request: type[Q]
    answer: type[A]


def _embedding(name: str, request: type[Q], answer: type[A]) -> Method[Q, A]:
    return Method(f"/onespace.v1.EmbeddingService/{name}", request, answer)


def _search(name: str, request: type[Q], answer: type[A]) -> Method[Q, A]:
    return Method(f"/onespace.v1.SearchService/{name}", request, answer)


def _collection(name: str, request: type[Q], answer: type[A]) -> Method[Q, A]:
    return Method(f"/onespace.v1.CollectionService/{name}", request, answer)


_e, _s, _c = embedding_pb2, search_pb2, collection_pb2

EMBED = _embedding("Embed", _e.EmbedRequest, _e.EmbedResponse)
EMBED_STREAM = _embedding("EmbedStream", _e.EmbedStreamRequest, _e.EmbedStreamResponse)
EMBED_FILE = _embedding("EmbedFile", _e.EmbedFileRequest, _e.EmbedFileResponse)

SEARCH = _search("Search", _s.SearchRequest, _s.SearchResponse)
CLASSIFY = _search("Classify", _s.ClassifyRequest, _s.ClassifyResponse)
RANK = _search("Rank", _s.RankRequest, _s.RankResponse)

CREATE = _collection("CreateCollection", _c.CreateCollectionRequest, _c.CreateCollectionResponse)
LIST = _collection("ListCollections", _c.ListCollectionsRequest, _c.ListCollectionsResponse)
GET = _collection("GetCollection", _c.GetCollectionRequest, _c.GetCollectionResponse)
DELETE = _collection("DeleteCollection", _c.DeleteCollectionRequest, _c.DeleteCollectionResponse)
INDEX_FIELDS = _collection("IndexFields", _c.IndexFieldsRequest, _c.IndexFieldsResponse)
INGEST = _collection("Ingest", _c.IngestRequest, _c.IngestResponse)
GET_ITEMS = _collection("BatchGetItems", _c.BatchGetItemsRequest, _c.BatchGetItemsResponse)
GET_ITEM = _collection("GetItem", _c.GetItemRequest, _c.GetItemResponse)
UPDATE_ITEM = _collection("UpdateItem", _c.UpdateItemRequest, _c.UpdateItemResponse)
DELETE_ITEMS = _collection("DeleteItems", _c.DeleteItemsRequest, _c.DeleteItemsResponse)
LIST_ITEMS = _collection("ListItems", _c.ListItemsRequest, _c.ListItemsResponse)
COUNT_ITEMS = _collection("CountItems", _c.CountItemsRequest, _c.CountItemsResponse)

GET_SPACE: Method[space_pb2.GetSpaceRequest, space_pb2.GetSpaceResponse] = Method(
    "/onespace.v1.SpaceService/GetSpace", space_pb2.GetSpaceRequest, space_pb2.GetSpaceResponse
)
