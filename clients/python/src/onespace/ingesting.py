"""Storing many items: on streams that are begun again where they break, each item told once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Literal

from onespace.connection import Connection
from onespace.errors import OnespaceError, from_item, unanswered, unreadable
from onespace.feed import Entry, Feed
from onespace.media import Modality, to_upload
from onespace.metadata import metadata_in
from onespace.patience import pause_of
from onespace.results import Note, modality_out, name_of, notes_of
from onespace.rpc import INGEST
from onespace.source import Upload
from onespace.v1 import collection_pb2

WINDOW = 32
"""Items on their way without an answer: twice what a server works on at once."""

IDLE = 10.0
"""Seconds without a further item after which a stream is ended; a server waits for thirty."""

IngestStatus = Literal["stored", "updated", "unchanged", "failed"]
"""What became of an item.

- `stored`: new, and durable
- `updated`: its content was there already; what is said of it, or how it is embedded, was replaced
- `unchanged`: it was there already; nothing was embedded
- `failed`: see the error
"""


@dataclass(frozen=True)
class IngestEvent:
    """What became of one item.

    `index` is its place in what was given, `source` where it is from: a path, a row, or empty.
    `points` are the vectors that now stand for it, 0 where it was unchanged.
    """

    index: int
    source: str
    item_id: str
    status: IngestStatus
    modality: Modality | None = None
    points: int = 0
    error: OnespaceError | None = None
    notes: tuple[Note, ...] = ()


@dataclass
class IngestReport:
    """What came of an ingest: how many items, and each that failed."""

    stored: dict[str, int] = field(default_factory=dict)
    """Items now stored, by modality."""
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    """Items that a checkpoint says were done before; they were not sent."""
    failures: list[IngestEvent] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """How many items failed."""
        return len(self.failures)

    @property
    def total(self) -> int:
        """Items that are done, for good or ill."""
        done = sum(self.stored.values()) + self.updated + self.unchanged
        return done + self.failed + self.skipped

    def count(self, event: IngestEvent) -> None:
        """Counts an event."""
        if event.status == "stored":
            name = event.modality or ""
            self.stored[name] = self.stored.get(name, 0) + 1
        elif event.status == "updated":
            self.updated += 1
        elif event.status == "unchanged":
            self.unchanged += 1
        else:
            self.failures.append(event)

    def raise_for_failures(self) -> None:
        """Raises the first failure, if there is any."""
        for event in self.failures:
            raise event.error or unanswered()

    def __str__(self) -> str:
        stored = ", ".join(f"{count} {name}" for name, count in sorted(self.stored.items()))
        skipped = f"; skipped: {self.skipped}" if self.skipped else ""
        return (
            f"stored: {stored or 'nothing new'}; updated: {self.updated}; "
            f"unchanged: {self.unchanged}; failed: {self.failed}{skipped}"
        )


Tell = Callable[[Entry, IngestEvent], None]


@dataclass
class _Round:
    """What one stream is about."""

    open: dict[str, Entry] = field(default_factory=dict)
    """Sent, and not answered yet."""
    turned_away: list[Entry] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    done: int = 0
    is_torn: bool = False
    """A file on it could not be read to its end."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    def give_up(self, entry: Entry, error: OnespaceError, tell: Tell) -> None:
        """An item that failed on this side."""
        del self.open[str(entry.index)]
        self.done += 1
        tell(entry, _failed(entry, error))

    async def until_open_at_most(self, count: int) -> None:
        """Waits for answers."""
        while len(self.open) > count:
            self.answered.clear()
            await self.answered.wait()


async def ingest(
    connection: Connection, start: collection_pb2.IngestStart, feed: Feed, tell: Tell
) -> None:
    """Sends every entry and tells its event, in no order.

    What the server has no room for, and what was on its way when a stream broke, is sent again on
    the next stream, within the client's patience. Raises what ends a stream and does not pass; what
    was not told then may be stored or not, and sending it again stores nothing twice.
    """
    patience = connection.patience()
    tries = 0
    while await feed.has_more():
        this = _Round()
        ended: OnespaceError | None = None
        try:
            events = connection.converse(INGEST, _requests(start, feed, this, tell))
            async with aclosing(events):
                async for message in events:
                    _take(message, this, tell)
                    if this.done:
                        patience.served()
        except OnespaceError as error:
            ended = error
        told = None if ended is None else pause_of(ended)
        if ended is not None and told is None and not this.is_torn:
            raise ended
        if ended is None:
            silent = unanswered("the server ended the stream before it answered")
            for entry in this.open.values():
                tell(entry, _failed(entry, silent))
            this.open.clear()
        again = [*this.open.values(), *this.turned_away]
        pauses = [*this.pauses, *([told] if told is not None else [])]
        feed.put_back(again)
        if not pauses:
            continue
        tries = 0 if this.done else tries + 1
        if not await patience.wait(max(pauses), tries):
            if ended is not None:
                raise ended
            for entry in feed.take_back():
                tell(entry, _failed(entry, entry.refusal or unanswered()))
            tries = 0


async def _requests(
    start: collection_pb2.IngestStart, feed: Feed, this: _Round, tell: Tell
) -> AsyncGenerator[collection_pb2.IngestRequest, None]:
    """One stream of entries: to the end of the feed, a refusal, or a long silence."""
    yield collection_pb2.IngestRequest(start=start)
    while not this.turned_away:
        await this.until_open_at_most(WINDOW - 1)
        entry = await feed.next(IDLE)
        if entry is None:
            return
        # Before anything that may be broken off: what is open is sent again.
        this.open[str(entry.index)] = entry
        try:
            item, upload = await asyncio.to_thread(_item, entry)
        except (TypeError, ValueError, OSError) as error:
            this.give_up(entry, unreadable(error), tell)
            continue
        yield collection_pb2.IngestRequest(item=item)
        try:
            async for chunk in upload.chunks():
                yield collection_pb2.IngestRequest(chunk=chunk)
        except OSError as error:
            # Half a file is on its way: the stream ends once the items before it are done.
            this.is_torn = True
            this.give_up(entry, unreadable(error), tell)
            await this.until_open_at_most(0)
            return


def _item(entry: Entry) -> tuple[collection_pb2.IngestItem, Upload]:
    item = entry.item
    upload = entry.upload = entry.upload or to_upload(item.media)
    message = collection_pb2.IngestItem(
        request_id=str(entry.index),
        item_id=item.item_id,
        media=upload.media(),
        uri=item.uri,
        title=item.title,
    )
    if item.metadata is not None:
        message.metadata.CopyFrom(metadata_in(item.metadata))
    return message, upload


def _take(message: collection_pb2.IngestResponse, this: _Round, tell: Tell) -> None:
    """What the server says of one item."""
    entry = this.open.pop(message.request_id, None)
    this.answered.set()
    if entry is None:
        return
    error = from_item(message.error) if message.HasField("error") else None
    told = None if error is None else pause_of(error)
    if told is not None:
        entry.refusal = error
        this.turned_away.append(entry)
        this.pauses.append(told)
        return
    this.done += 1
    status: IngestStatus = (
        name_of(collection_pb2.IngestStatus, message.status, "INGEST_STATUS_") or "failed"
    )
    event = IngestEvent(
        index=entry.index,
        source=entry.source,
        item_id=message.item_id,
        status=status,
        modality=modality_out(message.modality) or None,
        points=message.points,
        error=error if error is None else error.of_item(entry.index),
        notes=notes_of(message.notes),
    )
    tell(entry, event)


def _failed(entry: Entry, error: OnespaceError) -> IngestEvent:
    """The event of an item that failed on this side."""
    return IngestEvent(
        entry.index, entry.source, entry.item.item_id, "failed", error=error.of_item(entry.index)
    )
