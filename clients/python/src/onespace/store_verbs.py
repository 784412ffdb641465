"""The verbs on collections and the items in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from google.protobuf.field_mask_pb2 import FieldMask

from onespace.connection import Connection
from onespace.expression import FilterLike, filter_in
from onespace.limits import ITEMS_PER_REQUEST, RESULTS
from onespace.metadata import metadata_in
from onespace.results import Item, name_of
from onespace.rpc import (
    COUNT_ITEMS,
    CREATE,
    DELETE,
    DELETE_ITEMS,
    GET,
    GET_ITEM,
    GET_ITEMS,
    INDEX_FIELDS,
    LIST,
    LIST_ITEMS,
    UPDATE_ITEM,
)
from onespace.searching import view_in
from onespace.v1 import collection_pb2 as pb

FieldKind = Literal["keyword", "integer", "float", "bool"]
"""The kind of an indexed metadata field."""


@dataclass(frozen=True)
class Collection:
    """A collection.

    `points` are vectors, not items, and approximate while it is written. `indexed` are the metadata
    fields that filters find fast. `unavailable` says why it cannot be opened; empty: it can.
    """

    name: str
    space_fingerprint: str
    dimension: int
    points: int
    indexed: dict[str, FieldKind]
    unavailable: str

    @classmethod
    def from_message(cls, message: pb.Collection) -> Collection:
        """From the wire."""
        return cls(
            name=message.name,
            space_fingerprint=message.space_fingerprint,
            dimension=message.dimension,
            points=message.points,
            indexed={
                field: name_of(pb.FieldKind, kind, "FIELD_KIND_")
                for field, kind in message.indexed.items()
            },
            unavailable=message.unavailable,
        )


class StoreVerbs:
    """Collections and items."""

    _connection: Connection

    async def create_collection(
        self,
        name: str,
        *,
        indexed: Mapping[str, FieldKind] | None = None,
        dimension: int = 0,
        exist_ok: bool = False,
    ) -> Collection:
        """Makes a collection.

        `name`: letters, digits, '-', '_' and '.', at most 128. `indexed`: at most 64 metadata
        fields. `dimension`: vectors of this many values, one of `Space.dimensions`; 0: the space's
        own. Raises `AlreadyExistsError` unless `exist_ok`.
        """
        request = pb.CreateCollectionRequest(
            name=name, indexed=_kinds(indexed or {}), dimension=dimension, exist_ok=exist_ok
        )
        answer = await self._connection.call(CREATE, request)
        return Collection.from_message(answer.collection)

    async def list_collections(self) -> list[Collection]:
        """Every collection, by name."""
        found: list[Collection] = []
        request = pb.ListCollectionsRequest(page_size=RESULTS)
        while True:
            answer = await self._connection.call(LIST, request)
            found += map(Collection.from_message, answer.collections)
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    async def get_collection(self, name: str) -> Collection:
        """One collection. Raises `NotFoundError`."""
        answer = await self._connection.call(GET, pb.GetCollectionRequest(name=name))
        return Collection.from_message(answer.collection)

    async def delete_collection(self, name: str) -> None:
        """Deletes a collection with every item in it. Raises `NotFoundError`."""
        await self._connection.call(DELETE, pb.DeleteCollectionRequest(name=name))

    async def index_fields(self, collection: str, indexed: Mapping[str, FieldKind]) -> Collection:
        """Indexes metadata fields of what is stored already and of what will be."""
        request = pb.IndexFieldsRequest(collection=collection, indexed=_kinds(indexed))
        answer = await self._connection.call(INDEX_FIELDS, request)
        return Collection.from_message(answer.collection)

    async def get_item(
        self, collection: str, item_id: str, *, vectors: bool = True, segments: bool = True
    ) -> Item:
        """One item, with its embeddings. Raises `NotFoundError`."""
        view = view_in(metadata=True, segments=segments, vectors=vectors)
        request = pb.GetItemRequest(collection=collection, item_id=item_id, view=view)
        return Item.from_message((await self._connection.call(GET_ITEM, request)).item)

    async def get_items(
        self,
        collection: str,
        item_ids: Iterable[str],
        *,
        vectors: bool = True,
        segments: bool = True,
    ) -> dict[str, Item]:
        """Those of any number of items that are there, by their ids."""
        view = view_in(metadata=True, segments=segments, vectors=vectors)
        found: dict[str, Item] = {}
        for ids in _by_the_message(item_ids):
            request = pb.BatchGetItemsRequest(collection=collection, item_ids=ids, view=view)
            answer = await self._connection.call(GET_ITEMS, request)
            found.update((item.item_id, Item.from_message(item)) for item in answer.items)
        return found

    async def list_items(
        self,
        collection: str,
        *,
        filter: FilterLike | None = None,
        vectors: bool = False,
        segments: bool = False,
        page_size: int = 100,
    ) -> AsyncIterator[Item]:
        """Every item that a filter lets through, in a stable order; pages are fetched as needed."""
        request = pb.ListItemsRequest(
            collection=collection,
            filter=filter_in(filter),
            page_size=page_size,
            view=view_in(metadata=True, segments=segments, vectors=vectors),
        )
        while True:
            answer = await self._connection.call(LIST_ITEMS, request)
            for item in answer.items:
                yield Item.from_message(item)
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token

    async def count_items(self, collection: str, *, filter: FilterLike | None = None) -> int:
        """How many items there are, or how many a filter lets through."""
        request = pb.CountItemsRequest(collection=collection, filter=filter_in(filter))
        return (await self._connection.call(COUNT_ITEMS, request)).items

    async def update_item(
        self,
        collection: str,
        item_id: str,
        *,
        uri: str | None = None,
        title: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> Item:
        """Changes what is said of an item; nothing is embedded.

        `metadata` replaces all of it; `fields` sets single fields of it, a value of None takes one
        away. An empty `uri` or `title` is taken away. Raises `NotFoundError`.
        """
        if metadata is not None and fields is not None:
            raise ValueError("metadata replaces all fields: give it or fields, not both")
        request = pb.UpdateItemRequest(collection=collection, item_id=item_id)
        paths: list[str] = []
        if uri is not None:
            request.uri = uri
            paths.append("uri")
        if title is not None:
            request.title = title
            paths.append("title")
        if metadata is not None:
            request.metadata.CopyFrom(metadata_in(metadata))
            paths.append("metadata")
        if fields is not None:
            kept = {name: value for name, value in fields.items() if value is not None}
            request.metadata.CopyFrom(metadata_in(kept))
            paths += [f"metadata.{name}" for name in fields]
        if not paths:
            raise ValueError("nothing to change: give uri, title, metadata or fields")
        request.update_mask.CopyFrom(FieldMask(paths=paths))
        answer = await self._connection.call(UPDATE_ITEM, request)
        return Item.from_message(answer.item)

    async def delete_items(
        self,
        collection: str,
        item_ids: Iterable[str] = (),
        *,
        filter: FilterLike | None = None,
    ) -> int:
        """Deletes items by their ids, any number of them, or by a filter; how many were there."""
        if filter is not None:
            if list(item_ids):
                raise ValueError("give ids or a filter, not both")
            request = pb.DeleteItemsRequest(collection=collection, filter=filter_in(filter))
            return (await self._connection.call(DELETE_ITEMS, request)).deleted
        deleted = 0
        for ids in _by_the_message(item_ids):
            request = pb.DeleteItemsRequest(collection=collection, item_ids=ids)
            deleted += (await self._connection.call(DELETE_ITEMS, request)).deleted
        return deleted


def _kinds(indexed: Mapping[str, FieldKind]) -> dict[str, Any]:
    """Kinds by their numbers."""
    numbers = {name.removeprefix("FIELD_KIND_").lower(): n for name, n in pb.FieldKind.items()}
    for field, kind in indexed.items():
        if kind not in numbers:
            known = ", ".join(list(numbers)[1:])
            raise ValueError(f"{field}: {kind!r} is no kind of field: {known}")
    return {field: numbers[kind] for field, kind in indexed.items()}


def _by_the_message(item_ids: Iterable[str]) -> Iterable[Sequence[str]]:
    """Ids, as many together as one message takes."""
    if isinstance(item_ids, str):
        raise TypeError("give a list of ids, not one")
    ids = iter(item_ids)
    while batch := list(islice(ids, ITEMS_PER_REQUEST)):
        yield batch
