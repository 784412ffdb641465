"""What embedding gives back, and what a stored item is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from numpy.typing import NDArray

from onespace.media import Modality
from onespace.metadata import metadata_out
from onespace.v1 import types_pb2

Vector = NDArray[np.float32]
"""Values of a vector: shape (dimension,), Euclidean norm 1."""

Track = Literal["whole", "visual", "audio", "fused", "parts", "speech"]
"""Which part of an item a vector stands for."""


def name_of(enum: EnumTypeWrapper, value: int, prefix: str) -> Any:
    """The name of a number of the wire, in small letters; empty where it says nothing."""
    if value == 0:
        return ""
    # A later server may know more than this client.
    known = enum.values()
    return enum.Name(value).removeprefix(prefix).lower() if value in known else str(value)


def modality_out(value: int) -> Modality:
    """A modality's name."""
    name: Modality = name_of(types_pb2.Modality, value, "MODALITY_")
    return name


@dataclass(frozen=True, eq=False)
class Embedding:
    """A unit vector and what it stands for.

    `segment` is 0 for the whole item or track, 1, 2, … for its segments in order. `start` and `end`
    are seconds, for audio and videos. `transcript` is what was said, of the track `"speech"`.
    `parts` are the summands of a sum: modalities and weights.
    """

    vector: Vector
    modality: Modality
    track: Track
    segment: int
    start: float | None
    end: float | None
    space_fingerprint: str
    transcript: str = ""
    parts: tuple[tuple[Modality, float], ...] = ()

    @classmethod
    def from_message(cls, message: types_pb2.Embedding) -> Embedding:
        """From the wire."""
        has_span = message.HasField("span")
        return cls(
            vector=_vector(message),
            modality=modality_out(message.modality),
            track=name_of(types_pb2.Track, message.track, "TRACK_"),
            segment=message.segment,
            start=message.span.start_ms / 1000 if has_span else None,
            end=message.span.end_ms / 1000 if has_span else None,
            space_fingerprint=message.space_fingerprint,
            transcript=message.transcript,
            parts=tuple((modality_out(part.modality), part.weight) for part in message.parts),
        )


def _vector(message: types_pb2.Embedding) -> Vector:
    if message.vector_float32:
        # A copy of its own, which may be written to.
        return np.frombuffer(message.vector_float32, "<f4").astype(np.float32)
    return np.asarray(message.vector, np.float32)


@dataclass(frozen=True)
class Note:
    """Something that did not fail an item, but that its owner should know: a reason, a sentence."""

    reason: str
    message: str


def notes_of(messages: Iterable[types_pb2.Note]) -> tuple[Note, ...]:
    """Notes from the wire."""
    return tuple(Note(note.reason, note.message) for note in messages)


@dataclass(frozen=True, eq=False)
class Embedded:
    """All that one media gave: wholes first, then segments; and what is missing, and why."""

    embeddings: tuple[Embedding, ...]
    notes: tuple[Note, ...] = ()

    @property
    def whole(self) -> Embedding:
        """The one embedding that stands for the item.

        The sum of its parts or tracks where there is one; else its first: of a video the visual
        track, of a recording how it sounds.
        """
        sums = (one for one in self.embeddings if one.track in ("parts", "fused"))
        return next((one for one in sums if one.segment == 0), self.embeddings[0])

    @property
    def vector(self) -> Vector:
        """The vector of the whole, shape (dimension,)."""
        return self.whole.vector

    @property
    def segments(self) -> tuple[Embedding, ...]:
        """The segments alone, in order."""
        return tuple(one for one in self.embeddings if one.segment > 0)

    @property
    def transcript(self) -> str:
        """What was said, if anything was."""
        spoken = (one for one in self.embeddings if one.track == "speech" and one.segment == 0)
        return next((one.transcript for one in spoken), "")


@dataclass(frozen=True, eq=False)
class Item:
    """A stored item. `embeddings` only where they were asked for."""

    item_id: str
    modality: Modality
    uri: str
    title: str
    metadata: dict[str, Any]
    content_hash: str
    space_fingerprint: str
    embeddings: tuple[Embedding, ...] = field(default=(), repr=False)

    @classmethod
    def from_message(cls, message: types_pb2.Item) -> Item:
        """From the wire."""
        return cls(
            item_id=message.item_id,
            modality=modality_out(message.modality),
            uri=message.uri,
            title=message.title,
            metadata=metadata_out(message.metadata),
            content_hash=message.content_hash,
            space_fingerprint=message.space_fingerprint,
            embeddings=tuple(Embedding.from_message(one) for one in message.embeddings),
        )
