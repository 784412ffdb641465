"""Queries: a media of any size, a stored item, a vector, or several of these with weights."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Union

import numpy as np
from numpy.typing import ArrayLike

from onespace.connection import Connection
from onespace.embedding import embed_upload
from onespace.media import MediaLike, Modality, to_upload
from onespace.options import EmbedOptions, SpeechLike, speech_in
from onespace.results import Embedded, Embedding
from onespace.source import Upload, modality_in
from onespace.v1 import search_pb2


@dataclass(frozen=True)
class StoredItem:
    """An item of the collection, which asks by the vector that it was stored with."""

    item_id: str


@dataclass(frozen=True, eq=False)
class QueryVector:
    """A vector obtained before, of shape (dimension,), and the space that it is of.

    `modality` is that of the media it was made from, for calibration.
    """

    values: ArrayLike
    space_fingerprint: str
    modality: Modality | None = None


PartLike = Union[MediaLike, StoredItem, QueryVector, Embedding, Embedded]
"""What one part of a query is."""


@dataclass(frozen=True, eq=False)
class Part:
    """One part of a query. A negative weight pushes away.

    Of a recording in which somebody speaks, what is said asks, unless `speech` says otherwise.
    """

    content: PartLike
    weight: float = 1.0
    speech: SpeechLike | None = None


QueryLike = Union[PartLike, Part, "Sequence[PartLike | Part]"]
"""One part, or a list of at most 16: their weighted sum, scaled to unit length, is the query."""


@dataclass
class _Prepared:
    message: search_pb2.QueryPart
    upload: Upload | None

    @property
    def size(self) -> int:
        return 0 if self.upload is None else self.upload.size


async def query_in(
    connection: Connection, query: QueryLike, room: int
) -> list[search_pb2.QueryPart]:
    """The parts of a query, which together hold no more than `room` bytes.

    As long as they do, the largest is embedded first, in chunks, and its vector asks in its place.
    What is said in it is then not asked for.

    Raises TypeError, ValueError or OSError for what is no part or cannot be read.
    """
    prepared = await asyncio.to_thread(_prepare, query)
    while sum(part.size for part in prepared) > room:
        largest = max(prepared, key=lambda part: part.size)
        assert largest.upload is not None
        silent = EmbedOptions(segments=False, speech="off").message()
        embedded = await embed_upload(connection, largest.upload, silent)
        largest.message.ClearField("speech")
        _set_vector(largest.message, embedded.whole)
        largest.upload = None
    return await asyncio.to_thread(_complete, prepared)


def _prepare(query: QueryLike) -> list[_Prepared]:
    parts: list[Any] = query if isinstance(query, list) else [query]
    if not parts:
        raise ValueError("a query has at least one part")
    return [_part(part) for part in parts]


def _part(given: PartLike | Part) -> _Prepared:
    part = given if isinstance(given, Part) else Part(given)
    message = search_pb2.QueryPart()
    if part.weight != 1.0:
        message.weight = part.weight
    if part.speech is not None:
        message.speech.CopyFrom(speech_in(part.speech))
    content = part.content
    if isinstance(content, StoredItem):
        message.item_id = content.item_id
    elif isinstance(content, QueryVector):
        message.vector.values_float32 = _packed(content.values)
        message.vector.space_fingerprint = content.space_fingerprint
        message.vector.modality = modality_in(content.modality)
    elif isinstance(content, Embedding):
        _set_vector(message, content)
    elif isinstance(content, Embedded):
        _set_vector(message, content.whole)
    else:
        return _Prepared(message, to_upload(content))
    return _Prepared(message, None)


def _set_vector(message: search_pb2.QueryPart, embedding: Embedding) -> None:
    message.vector.values_float32 = _packed(embedding.vector)
    message.vector.space_fingerprint = embedding.space_fingerprint
    message.vector.modality = modality_in(embedding.modality)


def _packed(values: ArrayLike) -> bytes:
    vector = np.asarray(values)
    if vector.ndim != 1 or vector.size == 0 or not np.issubdtype(vector.dtype, np.number):
        raise ValueError(f"a vector has shape (dimension,), not {vector.dtype} {vector.shape}")
    return vector.astype("<f4").tobytes()


def _complete(prepared: list[_Prepared]) -> list[search_pb2.QueryPart]:
    for part in prepared:
        if part.upload is not None:
            part.message.media.CopyFrom(part.upload.media(complete=True))
    return [part.message for part in prepared]
