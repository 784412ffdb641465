"""Embedding: lists of any length, files of any size."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Union

from onespace.connection import DEADLINE_MAX, Connection
from onespace.errors import (
    BusyError,
    OnespaceError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnavailableError,
    from_item,
    unanswered,
    unreadable,
)
from onespace.limits import BATCH_BYTES, ITEMS_PER_REQUEST
from onespace.media import MediaLike, to_upload
from onespace.options import EmbedOptions
from onespace.patience import Patience, pause_of
from onespace.progress import FileProgress
from onespace.results import Embedded, Embedding, name_of, notes_of
from onespace.rpc import EMBED, EMBED_FILE, EMBED_STREAM
from onespace.source import Source, Upload, modality_in
from onespace.v1 import embedding_pb2, types_pb2

AT_ONCE = 4
"""Messages on their way at the same time: the next is read while the server works on the last."""

FLOAT32 = types_pb2.VECTOR_ENCODING_FLOAT32

Outcome = Union[Embedded, OnespaceError]
"""What became of one item: its own result or its own error."""


@dataclass(frozen=True)
class _Entry:
    index: int
    upload: Upload


async def embed_items(
    connection: Connection, media: Iterable[MediaLike], options: EmbedOptions, *, strict: bool
) -> list[Outcome]:
    """Embeds every media; gives one outcome for each, in order.

    Strict: raises the first error instead, and what is not embedded yet is left.
    """
    message = options.message()
    patience = connection.patience()
    outcomes: dict[int, Outcome] = {}
    free = asyncio.Semaphore(AT_ONCE)
    running: set[asyncio.Task[None]] = set()

    async def embed(batch: list[_Entry]) -> None:
        try:
            outcomes.update(await _embed_batch(connection, batch, message, patience))
        finally:
            free.release()

    batches = _batches(iter(media), outcomes)
    # Files and generators may block; texts at hand do not, and handing them over takes longer.
    is_at_hand = isinstance(media, list) and all(isinstance(one, (str, bytes)) for one in media)
    try:
        while True:
            await free.acquire()
            _collect(running)
            if strict:
                _raise_first(outcomes)
            batch = (
                next(batches, None) if is_at_hand else await asyncio.to_thread(next, batches, None)
            )
            if batch is None:
                break
            running.add(asyncio.ensure_future(embed(batch)))
        await asyncio.gather(*running)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    if strict:
        _raise_first(outcomes)
    return [outcomes[index] for index in range(len(outcomes))]


async def embed_upload(
    connection: Connection, upload: Upload, options: types_pb2.EmbedOptions
) -> Embedded:
    """Embeds one media, however large."""
    outcomes = await _embed_batch(connection, [_Entry(0, upload)], options, connection.patience())
    outcome = outcomes[0]
    if isinstance(outcome, OnespaceError):
        raise outcome
    return outcome


def _collect(running: set[asyncio.Task[None]]) -> None:
    for task in [task for task in running if task.done()]:
        running.remove(task)
        task.result()


def _raise_first(outcomes: dict[int, Outcome]) -> None:
    failed = [index for index, outcome in outcomes.items() if isinstance(outcome, OnespaceError)]
    if failed:
        first = outcomes[min(failed)]
        assert isinstance(first, OnespaceError)
        raise first


def _batches(media: Iterator[MediaLike], outcomes: dict[int, Outcome]) -> Iterator[list[_Entry]]:
    """What goes together in one call; a large media goes alone. What cannot be read is told."""
    batch: list[_Entry] = []
    room = BATCH_BYTES
    for index, one in enumerate(media):
        try:
            entry = _Entry(index, to_upload(one))
        except (TypeError, ValueError, OSError) as error:
            outcomes[index] = unreadable(error).of_item(index)
            continue
        if not entry.upload.is_small:
            yield [entry]
            continue
        if batch and (len(batch) == ITEMS_PER_REQUEST or entry.upload.size > room):
            yield batch
            batch, room = [], BATCH_BYTES
        batch.append(entry)
        room -= entry.upload.size
    if batch:
        yield batch


async def _embed_batch(
    connection: Connection,
    batch: list[_Entry],
    options: types_pb2.EmbedOptions,
    patience: Patience,
) -> dict[int, Outcome]:
    """Embeds what goes together; what the server turns away is sent again, and nothing else."""
    outcomes: dict[int, Outcome] = {}
    tries = 0
    while batch:
        sent = batch
        results = await patience.call(functools.partial(_send, connection, sent, options))
        again, pauses = [], []
        for entry, outcome in zip(sent, results):
            outcomes[entry.index] = outcome
            if isinstance(outcome, OnespaceError):
                outcomes[entry.index] = outcome.of_item(entry.index)
                told = pause_of(outcome)
                if told is not None:
                    again.append(entry)
                    pauses.append(told)
        tries = tries + 1 if len(again) == len(sent) else 0
        if not again or not await patience.wait(max(pauses), tries):
            break
        batch = again
    return outcomes


async def _send(
    connection: Connection, batch: list[_Entry], options: types_pb2.EmbedOptions
) -> list[Outcome]:
    """Once; an outcome for each."""
    upload = batch[0].upload
    if upload.is_small:
        return [_outcome(result) for result in await _send_small(connection, batch, options)]
    try:
        if not upload.whole:
            return [_outcome(await _send_parts(connection, upload, options))]
        return [await _send_file(connection, upload.parts[0][0], options, _ignore)]
    except OnespaceError as error:
        if _is_of_call(error):
            raise
        return [error]
    except OSError as error:
        return [unreadable(error)]


def _ignore(progress: FileProgress) -> None:
    """Nobody watches."""


def _is_of_call(error: OnespaceError) -> bool:
    """Whether what a file's own call says is not of the file but would befall every other, too."""
    of_caller = (BusyError, PermissionDeniedError, UnauthenticatedError, UnavailableError)
    return isinstance(error, of_caller) or "options" in error.field


def _outcome(result: types_pb2.EmbedResult) -> Outcome:
    kind = result.WhichOneof("outcome")
    if kind == "error":
        return from_item(result.error)
    if kind is None or not result.embeddings.embeddings:
        return unanswered()
    made = tuple(Embedding.from_message(one) for one in result.embeddings.embeddings)
    return Embedded(made, notes_of(result.embeddings.notes))


async def _send_small(
    connection: Connection, batch: list[_Entry], options: types_pb2.EmbedOptions
) -> list[types_pb2.EmbedResult]:
    """Several media in one message."""
    media = [entry.upload.media() for entry in batch]
    request = embedding_pb2.EmbedRequest(items=media, options=options, encoding=FLOAT32)
    answer = await connection.call_once(EMBED, request, timeout=DEADLINE_MAX)
    if len(answer.results) != len(batch):
        raise unanswered(f"{len(answer.results)} results for {len(batch)} items")
    return list(answer.results)


async def _send_parts(
    connection: Connection, upload: Upload, options: types_pb2.EmbedOptions
) -> types_pb2.EmbedResult:
    """One media of several parts, in chunks."""
    requests = _stream_requests(upload, options)
    answers = connection.converse(EMBED_STREAM, requests, timeout=connection.config.timeout)
    results = [answer.result async for answer in answers]
    return results[0] if results else types_pb2.EmbedResult()


async def _stream_requests(
    upload: Upload, options: types_pb2.EmbedOptions
) -> AsyncGenerator[embedding_pb2.EmbedStreamRequest, None]:
    start = embedding_pb2.EmbedStart(options=options, encoding=FLOAT32)
    yield embedding_pb2.EmbedStreamRequest(start=start)
    item = embedding_pb2.EmbedItem(request_id="0", media=upload.media())
    yield embedding_pb2.EmbedStreamRequest(item=item)
    async for chunk in upload.chunks():
        yield embedding_pb2.EmbedStreamRequest(chunk=chunk)


async def embed_file(
    connection: Connection,
    source: Source,
    options: EmbedOptions,
    on_progress: Callable[[FileProgress], None],
) -> Embedded:
    """Embeds one file in chunks, and tells how far it is."""
    message = options.message()
    send = functools.partial(_send_file, connection, source, message, on_progress)
    return await connection.patience().call(send)


async def _send_file(
    connection: Connection,
    source: Source,
    options: types_pb2.EmbedOptions,
    on_progress: Callable[[FileProgress], None],
) -> Embedded:
    """One file in chunks, once."""
    made: list[Embedding] = []
    done: embedding_pb2.FileDone | None = None
    timeout = connection.config.timeout or DEADLINE_MAX
    requests = _file_requests(source, options)
    async with aclosing(connection.converse(EMBED_FILE, requests, timeout=timeout)) as events:
        async for event in events:
            kind = event.WhichOneof("event")
            if kind == "progress":
                stage = name_of(embedding_pb2.FileStage, event.progress.stage, "FILE_STAGE_")
                on_progress(FileProgress(stage, event.progress.received_bytes, source.size))
            elif kind == "embedding":
                made.append(Embedding.from_message(event.embedding))
            elif kind == "done":
                done = event.done
    if done is None or not made:
        raise unanswered()
    return Embedded(tuple(made), notes_of(done.notes))


async def _file_requests(
    source: Source, options: types_pb2.EmbedOptions
) -> AsyncGenerator[embedding_pb2.EmbedFileRequest, None]:
    start = embedding_pb2.FileStart(
        modality=modality_in(source.modality),
        media_type=source.media_type,
        total_bytes=source.size,
        options=options,
        encoding=FLOAT32,
    )
    yield embedding_pb2.EmbedFileRequest(start=start)
    async for chunk in source.chunks():
        yield embedding_pb2.EmbedFileRequest(chunk=chunk)
