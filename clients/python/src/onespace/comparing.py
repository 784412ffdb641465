"""Comparing media with labels and with each other; nothing is stored."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Union

from onespace.connection import DEADLINE_MAX, Connection
from onespace.errors import InvalidRequestError, OnespaceError, from_item, unanswered, unreadable
from onespace.limits import CHUNK_BYTES, ENVELOPE_BYTES, ITEMS_PER_REQUEST, MESSAGE_BYTES
from onespace.media import MediaLike, to_upload
from onespace.options import SpeechLike, speech_in
from onespace.patience import Patience, pause_of
from onespace.query import QueryLike, query_in
from onespace.results import Track, name_of
from onespace.rpc import CLASSIFY, RANK
from onespace.source import Upload
from onespace.tables import Table
from onespace.v1 import search_pb2, types_pb2

QUERY_ROOM = 4 * CHUNK_BYTES
"""Bytes of a message that the query of a ranking may take: the rest is for the candidates."""

LabelsLike = Union["Sequence[MediaLike]", "Mapping[str, MediaLike | list[MediaLike]]"]
"""2 to 64 labels: texts, or names with one or more examples of any modality."""


@dataclass(frozen=True)
class LabelProbability:
    """How well a label fits.

    The probabilities of all labels sum to 1, unless the tower is scored by a sigmoid: then each
    stands alone. `score` is the cosine, -1 to 1.
    """

    label: str
    probability: float
    score: float


class Classification(Table[LabelProbability]):
    """The labels, best first."""

    def __init__(self, labels: Sequence[LabelProbability]) -> None:
        self._rows = tuple(labels)

    @property
    def label(self) -> str:
        """The label that fits best."""
        return self[0].label

    def records(self) -> list[dict[str, Any]]:
        """A dict for each label."""
        return [vars(one).copy() for one in self]


@dataclass(frozen=True)
class RankedCandidate:
    """A candidate: its place in what was given, and how near it is.

    `score` is the cosine, -1 to 1; None where the candidate failed: then `error` says why.
    """

    index: int
    score: float | None
    calibrated_score: float | None = None
    track: Track | None = None
    error: OnespaceError | None = None


class Ranking(Table[RankedCandidate]):
    """The candidates, best first; those that failed come last."""

    def __init__(self, candidates: Sequence[RankedCandidate]) -> None:
        self._rows = tuple(candidates)

    def records(self) -> list[dict[str, Any]]:
        """A dict for each candidate."""
        return [
            {**vars(one), "error": None if one.error is None else str(one.error)} for one in self
        ]


async def classify(
    connection: Connection,
    media: MediaLike,
    labels: LabelsLike,
    templates: Sequence[str],
    logit_scale: float | None,
) -> Classification:
    """Tells which label fits."""

    def prepare() -> search_pb2.ClassifyRequest:
        return search_pb2.ClassifyRequest(
            media=to_upload(media).media(complete=True),
            labels=[_label(name, examples) for name, examples in _examples(labels)],
            templates=templates,
            logit_scale=logit_scale,
        )

    request = await asyncio.to_thread(prepare)
    size = request.ByteSize()
    if size > MESSAGE_BYTES:
        raise _too_large("media", size, MESSAGE_BYTES, "embed it, and compare vectors")
    answer = await connection.call(CLASSIFY, request)
    if not answer.labels:
        raise unanswered()
    return Classification(
        [LabelProbability(one.label, one.probability, one.score) for one in answer.labels]
    )


def _examples(labels: LabelsLike) -> Iterator[tuple[str, list[MediaLike]]]:
    """The name of each label, which may be empty, and its examples."""
    if isinstance(labels, Mapping):
        for name, shown in labels.items():
            yield name, shown if isinstance(shown, list) else [shown]
    else:
        for index, label in enumerate(labels):
            yield (label if isinstance(label, str) else f"labels[{index}]"), [label]


def _label(name: str, examples: list[MediaLike]) -> search_pb2.Label:
    media = [to_upload(one).media(complete=True) for one in examples]
    return search_pb2.Label(name=name, examples=media)


def _too_large(field: str, size: int, limit: int, way_out: str) -> InvalidRequestError:
    message = f"{size} bytes, at most {limit} fit in one message: {way_out}"
    return InvalidRequestError("MEDIA_TOO_LARGE", message, field=field)


@dataclass(frozen=True)
class _Candidate:
    index: int
    upload: Upload


async def rank(
    connection: Connection,
    query: QueryLike,
    candidates: Iterable[MediaLike],
    calibrate: bool | None,
    speech: SpeechLike | None,
) -> Ranking:
    """Orders candidates by a query, as many in one message as it holds."""
    question = search_pb2.RankRequest(
        parts=await query_in(connection, query, QUERY_ROOM),
        speech=None if speech is None else speech_in(speech),
    )
    if calibrate is not None:
        question.calibrate = calibrate
    room = MESSAGE_BYTES - ENVELOPE_BYTES - question.ByteSize()
    patience = connection.patience()
    ranked: list[RankedCandidate] = []
    batches = _batches(candidates, room, ranked)
    while (batch := await asyncio.to_thread(next, batches, None)) is not None:
        ranked += await _rank_batch(connection, patience, question, batch)
    return Ranking(_ordered(ranked))


def _batches(
    media: Iterable[MediaLike], room: int, failed: list[RankedCandidate]
) -> Iterator[list[_Candidate]]:
    batch: list[_Candidate] = []
    size = 0
    for index, one in enumerate(media):
        try:
            upload = to_upload(one)
        except (TypeError, ValueError, OSError) as error:
            failed.append(_failed(index, unreadable(error)))
            continue
        if upload.size > room:
            way_out = "store it in a collection and search there"
            failed.append(_failed(index, _too_large("", upload.size, room, way_out)))
            continue
        if batch and (len(batch) == ITEMS_PER_REQUEST or size + upload.size > room):
            yield batch
            batch, size = [], 0
        batch.append(_Candidate(index, upload))
        size += upload.size
    if batch:
        yield batch


def _failed(index: int, error: OnespaceError) -> RankedCandidate:
    return RankedCandidate(index, None, error=error.of_item(index, "candidates"))


async def _rank_batch(
    connection: Connection,
    patience: Patience,
    question: search_pb2.RankRequest,
    batch: list[_Candidate],
) -> list[RankedCandidate]:
    """Ranks what goes together; what the server turns away is sent again, and nothing else."""
    ranked: dict[int, RankedCandidate] = {}
    tries = 0
    while batch:
        sent = batch
        request = await asyncio.to_thread(_request, question, sent)
        send = functools.partial(connection.call_once, RANK, request, timeout=DEADLINE_MAX)
        answer = await patience.call(send)
        again, pauses = [], []
        for message in answer.candidates:
            candidate = sent[message.index]
            error = from_item(message.error) if message.WhichOneof("outcome") == "error" else None
            told = None if error is None else pause_of(error)
            ranked[candidate.index] = _ranked(candidate.index, message, error)
            if told is not None:
                again.append(candidate)
                pauses.append(told)
        tries = tries + 1 if len(again) == len(sent) else 0
        if not again or not await patience.wait(max(pauses), tries):
            break
        batch = again
    return list(ranked.values())


def _request(question: search_pb2.RankRequest, batch: list[_Candidate]) -> search_pb2.RankRequest:
    request = search_pb2.RankRequest()
    request.CopyFrom(question)
    request.candidates.extend(one.upload.media(complete=True) for one in batch)
    return request


def _ranked(
    index: int, message: search_pb2.RankedCandidate, error: OnespaceError | None
) -> RankedCandidate:
    if error is not None:
        return _failed(index, error)
    is_calibrated = message.HasField("calibrated_score")
    return RankedCandidate(
        index=index,
        score=message.score,
        calibrated_score=message.calibrated_score if is_calibrated else None,
        track=name_of(types_pb2.Track, message.track, "TRACK_"),
    )


def _ordered(ranked: list[RankedCandidate]) -> list[RankedCandidate]:
    """Best first. By calibrated score only where each has one: two scales never meet."""
    scored = [one for one in ranked if one.score is not None]
    failed = [one for one in ranked if one.score is None]
    is_calibrated = all(one.calibrated_score is not None for one in scored)

    def place(one: RankedCandidate) -> tuple[float, int]:
        place = one.calibrated_score if is_calibrated else one.score
        return (-(place or 0.0), one.index)

    if not is_calibrated:
        scored = [RankedCandidate(one.index, one.score, None, one.track) for one in scored]
    return sorted(scored, key=place) + sorted(failed, key=lambda one: one.index)
