"""The verbs that fill a collection and ask it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Union

from onespace import ingesting, searching
from onespace.checkpoint import Checkpoint
from onespace.connection import Connection
from onespace.expression import FilterLike
from onespace.feed import Entry, IngestSource, entries_of
from onespace.ingesting import IngestEvent, IngestReport
from onespace.media import Modality
from onespace.options import EmbedOptions, Fusion, SegmentsLike, SpeechLike
from onespace.progress import Bar
from onespace.query import QueryLike
from onespace.searching import Hits, SearchOptions
from onespace.v1 import collection_pb2

IngestProgress = Union[bool, Callable[[IngestEvent], None]]
"""True: a bar, where tqdm is installed. A function is told each event; it must not block."""


class SearchVerbs:
    """Storing media and finding them."""

    _connection: Connection

    async def search(
        self,
        collection: str,
        query: QueryLike,
        *,
        modalities: Sequence[Modality] = (),
        filter: FilterLike | None = None,
        limit: int = 10,
        limit_per_modality: int = 0,
        score_threshold: float | None = None,
        calibrate: bool | None = None,
        calibrated_score_threshold: float | None = None,
        metadata: bool = True,
        segments: bool = False,
        vectors: bool = False,
    ) -> Hits:
        """Finds the stored items nearest to a query of any modality.

        - `query`: a media, a `StoredItem`, a `QueryVector` or an `Embedding`; or a list of at most
          16 of these and of `Part`s, which have weights. Files of any size.
        - `modalities`: of the answers; empty: all.
        - `filter`: `field("price") < 5`, an expression such as `"price < 5"`, or a mapping of
          fields to values.
        - `limit`: how many items; beyond 1000 from several pages.
        - `limit_per_modality`: this many of each modality, instead of the best of all.
        - `score_threshold`, `calibrated_score_threshold`: leave out what scores less, as cosine, or
          in standard deviations above unrelated pairs.
        - `calibrate`: order by calibrated score; None: where the space is calibrated.
        - `metadata`, `segments`, `vectors`: what is shown of the items.

        Returns the hits, best first. Raises `OnespaceError`, among them `NotFoundError` for the
        collection or a stored item.
        """
        options = SearchOptions(
            modalities=modalities,
            filter=filter,
            limit=limit,
            limit_per_modality=limit_per_modality,
            score_threshold=score_threshold,
            calibrate=calibrate,
            calibrated_score_threshold=calibrated_score_threshold,
            metadata=metadata,
            segments=segments,
            vectors=vectors,
        )
        return await searching.search(self._connection, collection, query, options)

    async def search_pages(
        self,
        collection: str,
        query: QueryLike,
        *,
        page_size: int = 100,
        modalities: Sequence[Modality] = (),
        filter: FilterLike | None = None,
        score_threshold: float | None = None,
        calibrate: bool | None = None,
        calibrated_score_threshold: float | None = None,
        metadata: bool = True,
        segments: bool = False,
        vectors: bool = False,
    ) -> AsyncIterator[Hits]:
        """Searches as `search` does, page by page, for as long as pages are asked for.

        `page_size` is at most 1000; a page has fewer where an answer would be too large.
        """
        options = SearchOptions(
            modalities=modalities,
            filter=filter,
            limit=page_size,
            score_threshold=score_threshold,
            calibrate=calibrate,
            calibrated_score_threshold=calibrated_score_threshold,
            metadata=metadata,
            segments=segments,
            vectors=vectors,
        )
        pages = searching.search_pages(self._connection, collection, query, options, None)
        async for page in pages:
            yield page

    async def ingest(
        self,
        collection: str,
        source: IngestSource,
        *,
        create: bool = True,
        columns: Mapping[str, str] | None = None,
        target: Modality | None = None,
        segments: SegmentsLike | None = None,
        fusion: Fusion | None = None,
        speech: SpeechLike | None = None,
        progress: IngestProgress = False,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> IngestReport:
        """Stores media in a collection; what is there already is not embedded again.

        `source` is

        - a folder or a file by its path; a file of rows (`.jsonl`, `.ndjson`, `.parquet`);
        - a data frame of pandas or polars, a table of pyarrow;
        - a list, iterator or async iterator of media, `IngestItem`s and rows.

        A row is a mapping: one of `text`, `path`, `data`, `media` is its content; `item_id`, `uri`,
        `title` and `metadata` say more; every other column is a field of the metadata. `columns`
        says which column is what, such as `{"text": "caption", "item_id": "sku"}`.

        `create` makes the collection if it is not there. `progress` is True for a bar of tqdm's, or
        a function that is told each `IngestEvent`. `checkpoint` is a file in which files and items
        with ids are written down as they are done: the next ingest with it skips them.

        A stream that breaks is begun again where it was. Returns a report with every item that
        failed; raises `OnespaceError` for what befalls all of them.
        """
        start = collection_pb2.IngestStart(
            collection=collection,
            create=create,
            options=EmbedOptions(None, target, 0, segments, fusion, speech).message(),
        )
        feed = await asyncio.to_thread(entries_of, source, columns or {})
        report = IngestReport()
        bar = Bar(progress is True, feed.total, unit="item", desc=collection)

        with Checkpoint(checkpoint) as done:

            def is_done(entry: Entry) -> bool:
                if not done.has(entry.mark):
                    return False
                report.skipped += 1
                return True

            def tell(entry: Entry, event: IngestEvent) -> None:
                report.count(event)
                if event.status != "failed":
                    done.add(entry.mark)
                bar.move_to(report.total)
                if callable(progress):
                    progress(event)

            try:
                feed.skip = is_done
                await ingesting.ingest(self._connection, start, feed, tell)
            finally:
                feed.close()
                bar.close()
        return report
