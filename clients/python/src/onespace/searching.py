"""Searching a collection, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from onespace.connection import Connection
from onespace.errors import unanswered
from onespace.expression import FilterLike, filter_in
from onespace.limits import ENVELOPE_BYTES, MESSAGE_BYTES, RESULTS
from onespace.media import Modality
from onespace.query import QueryLike, query_in
from onespace.results import Item, Track, name_of
from onespace.rpc import SEARCH
from onespace.source import modality_in
from onespace.tables import Table
from onespace.v1 import search_pb2, types_pb2

FLOAT32 = types_pb2.VECTOR_ENCODING_FLOAT32


@dataclass(frozen=True, eq=False)
class Hit:
    """A found item, at the best matching of its vectors.

    `score` is the cosine, -1 to 1; `calibrated_score` is how many standard deviations it is above
    what unrelated pairs score, where the space says that. `track`, `segment`, `start` and `end`
    (seconds) say where in the item the match lies, `transcript` what was said there.
    """

    item: Item
    score: float
    calibrated_score: float | None
    track: Track
    segment: int
    start: float | None
    end: float | None
    transcript: str

    @classmethod
    def from_message(cls, message: search_pb2.SearchHit) -> Hit:
        """From the wire."""
        is_calibrated = message.HasField("calibrated_score")
        has_span = message.HasField("span")
        return cls(
            item=Item.from_message(message.item),
            score=message.score,
            calibrated_score=message.calibrated_score if is_calibrated else None,
            track=name_of(types_pb2.Track, message.track, "TRACK_"),
            segment=message.segment,
            start=message.span.start_ms / 1000 if has_span else None,
            end=message.span.end_ms / 1000 if has_span else None,
            transcript=message.transcript,
        )


class Hits(Table[Hit]):
    """Found items, best first: by calibrated score where there is one, by score otherwise.

    `space_fingerprint` names the space in which was searched. `transcripts` are what was understood
    of the spoken parts of the query, one for each part; empty where nobody speaks.
    """

    def __init__(
        self, hits: Sequence[Hit], space_fingerprint: str, transcripts: Sequence[str]
    ) -> None:
        self._rows = tuple(hits)
        self.space_fingerprint = space_fingerprint
        self.transcripts = tuple(transcripts)

    def records(self) -> list[dict[str, Any]]:
        """A dict for each hit; metadata fields have their names after `metadata.`."""
        return [
            {
                "item_id": hit.item.item_id,
                "score": hit.score,
                "calibrated_score": hit.calibrated_score,
                "modality": hit.item.modality,
                "title": hit.item.title,
                "uri": hit.item.uri,
                "track": hit.track,
                "segment": hit.segment,
                "start": hit.start,
                "end": hit.end,
                "transcript": hit.transcript,
                **{f"metadata.{name}": value for name, value in hit.item.metadata.items()},
            }
            for hit in self
        ]


@dataclass(frozen=True)
class SearchOptions:
    """What is asked for beside the query itself; as `Client.search` says."""

    modalities: Sequence[Modality] = ()
    filter: FilterLike | None = None
    limit: int = 10
    limit_per_modality: int = 0
    score_threshold: float | None = None
    calibrate: bool | None = None
    calibrated_score_threshold: float | None = None
    metadata: bool = True
    segments: bool = False
    vectors: bool = False

    def message(self, collection: str) -> search_pb2.SearchRequest:
        """The request, without the parts of its query."""
        request = search_pb2.SearchRequest(
            collection=collection,
            modalities=[modality_in(one) for one in self.modalities],
            filter=filter_in(self.filter),
            limit_per_modality=self.limit_per_modality,
            view=view_in(metadata=self.metadata, segments=self.segments, vectors=self.vectors),
        )
        if self.score_threshold is not None:
            request.score_threshold = self.score_threshold
        if self.calibrate is not None:
            request.calibrate = self.calibrate
        if self.calibrated_score_threshold is not None:
            request.calibrated_score_threshold = self.calibrated_score_threshold
        return request


def view_in(*, metadata: bool, segments: bool, vectors: bool) -> types_pb2.ItemView:
    """What an answer shows of stored items."""
    return types_pb2.ItemView(
        metadata=metadata, segments=segments, vectors=vectors, encoding=FLOAT32
    )


async def search(
    connection: Connection, collection: str, query: QueryLike, options: SearchOptions
) -> Hits:
    """The nearest items: as many as the limit says, from as many pages as that takes."""
    hits: list[Hit] = []
    last: Hits | None = None
    async for last in search_pages(connection, collection, query, options, options.limit):
        hits.extend(last)
        if options.limit_per_modality == 0 and len(hits) >= options.limit:
            break
    if last is None:
        raise unanswered()
    return Hits(hits, last.space_fingerprint, last.transcripts)


async def search_pages(
    connection: Connection,
    collection: str,
    query: QueryLike,
    options: SearchOptions,
    left: int | None,
) -> AsyncIterator[Hits]:
    """Page after page, until so many items have been found, or all."""
    if options.limit < 1:
        raise ValueError(f"limit is at least 1, not {options.limit}")
    request = options.message(collection)
    parts = await query_in(connection, query, MESSAGE_BYTES - ENVELOPE_BYTES)
    request.parts.extend(parts)
    while True:
        request.limit = min(options.limit if left is None else left, RESULTS)
        answer = await connection.call(SEARCH, request)
        hits = [Hit.from_message(hit) for hit in answer.hits]
        yield Hits(hits, answer.space_fingerprint, answer.transcripts)
        left = None if left is None else left - len(hits)
        if not answer.next_page_token or (left is not None and left <= 0):
            return
        request.page_token = answer.next_page_token
