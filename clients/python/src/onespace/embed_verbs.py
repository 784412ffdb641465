"""The verbs that make vectors and compare them; nothing is stored."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from onespace import comparing, embedding
from onespace.comparing import Classification, LabelsLike, Ranking
from onespace.connection import Connection
from onespace.embedding import Outcome
from onespace.errors import OnespaceError
from onespace.media import File, MediaLike, Modality, to_source
from onespace.options import EmbedOptions, Fusion, Purpose, SegmentsLike, SpeechLike
from onespace.progress import Bar, FileProgress, FileProgressLike
from onespace.query import QueryLike
from onespace.results import Embedded, Vector
from onespace.rpc import GET_SPACE
from onespace.space import Space
from onespace.v1 import space_pb2


class EmbedVerbs:
    """Embedding, classifying, ranking."""

    _connection: Connection

    @overload
    async def embed(
        self,
        media: Iterable[MediaLike],
        *,
        errors: Literal["raise"] = ...,
        purpose: Purpose | None = ...,
        target: Modality | None = ...,
        dimension: int = ...,
        fusion: Fusion | None = ...,
        speech: SpeechLike | None = ...,
    ) -> NDArray[np.float32]: ...
    @overload
    async def embed(
        self,
        media: Iterable[MediaLike],
        *,
        errors: Literal["return"],
        purpose: Purpose | None = ...,
        target: Modality | None = ...,
        dimension: int = ...,
        fusion: Fusion | None = ...,
        speech: SpeechLike | None = ...,
    ) -> list[Vector | OnespaceError]: ...
    async def embed(
        self,
        media: Iterable[MediaLike],
        *,
        errors: Literal["raise", "return"] = "raise",
        purpose: Purpose | None = None,
        target: Modality | None = None,
        dimension: int = 0,
        fusion: Fusion | None = None,
        speech: SpeechLike | None = None,
    ) -> NDArray[np.float32] | list[Vector | OnespaceError]:
        """Embeds media of any modality: unit vectors of one space.

        `media` is a list, or any iterable, of what `onespace.MediaLike` says, of any length and
        size: it is sent in as many messages as that takes, large files in chunks. The other options
        are those of `onespace.EmbedOptions`; `purpose` is `"query"` where nothing is said.

        Returns an array of shape (n, dimension), float32, in the order of the media. Raises the
        first `OnespaceError`, whose field names the item. With `errors="return"` one item's failure
        is its own: returns a list with a vector of shape (dimension,) or an error for each.
        """
        if errors not in ("raise", "return"):
            raise ValueError(f"errors is 'raise' or 'return', not {errors!r}")
        options = EmbedOptions(purpose, target, dimension, False, fusion, speech)
        strict = errors == "raise"
        outcomes = await embedding.embed_items(
            self._connection, _several(media), options, strict=strict
        )
        rows = [one.vector if isinstance(one, Embedded) else one for one in outcomes]
        if not strict:
            return rows
        if not rows:
            return np.empty((0, dimension or (await self.space()).dimension), np.float32)
        return np.stack([row for row in rows if isinstance(row, np.ndarray)])

    async def embed_items(
        self,
        media: Iterable[MediaLike],
        *,
        purpose: Purpose | None = None,
        target: Modality | None = None,
        dimension: int = 0,
        segments: SegmentsLike | None = None,
        fusion: Fusion | None = None,
        speech: SpeechLike | None = None,
    ) -> list[Outcome]:
        """Embeds as `embed` does; gives all that each media gave, or its error.

        An `Embedded` has tracks, segments where they are asked for, transcripts and notes.
        """
        options = EmbedOptions(purpose, target, dimension, segments or False, fusion, speech)
        return await embedding.embed_items(self._connection, _several(media), options, strict=False)

    async def embed_file(
        self,
        file: str | os.PathLike[str] | bytes | IO[bytes] | File,
        *,
        modality: Modality | None = None,
        media_type: str = "",
        purpose: Purpose | None = None,
        target: Modality | None = None,
        dimension: int = 0,
        segments: SegmentsLike | None = None,
        fusion: Fusion | None = None,
        speech: SpeechLike | None = None,
        progress: FileProgressLike = None,
    ) -> Embedded:
        """Embeds one file of any size, with its segments unless `segments=False`.

        `file` is a path, bytes, or a file that is open for reading in binary. `progress` is True
        for a bar of tqdm's, or a function that is told a `FileProgress`.

        Raises `OnespaceError`; OSError where the file cannot be read.
        """
        given = file if isinstance(file, File) else File(file, modality, media_type)
        source = await asyncio.to_thread(to_source, given)
        options = EmbedOptions(purpose, target, dimension, segments, fusion, speech)
        bar = Bar(progress is True, source.size, unit="B", unit_scale=True, desc="sending")

        def on_progress(told: FileProgress) -> None:
            bar.move_to(told.received_bytes)
            if callable(progress):
                progress(told)

        try:
            return await embedding.embed_file(self._connection, source, options, on_progress)
        finally:
            bar.close()

    async def classify(
        self,
        media: MediaLike,
        labels: LabelsLike,
        *,
        templates: Sequence[str] = (),
        logit_scale: float | None = None,
    ) -> Classification:
        """Tells which of 2 to 64 labels fits a media, without training.

        `labels` are texts, or media of any modality, or a mapping of names to examples of any
        modality, several of which are averaged. In `templates`, at most 16, `{}` stands for a
        label's text; where there are none, those of the space's text tower are taken.
        `logit_scale` is what cosines are multiplied with; None: as the space says.

        Returns the labels, best first. Raises `OnespaceError`.
        """
        return await comparing.classify(self._connection, media, labels, templates, logit_scale)

    async def rank(
        self,
        query: QueryLike,
        candidates: Iterable[MediaLike],
        *,
        calibrate: bool | None = None,
        speech: SpeechLike | None = None,
    ) -> Ranking:
        """Orders any number of candidates by a query; nothing is stored.

        `query` is as in `search`. `calibrate`: order by calibrated score; None: where the space is
        calibrated for all of them. `speech="off"`: candidates by how they look and sound only.

        Returns the candidates, best first; those that failed come last, each with its error.
        """
        return await comparing.rank(
            self._connection, query, _several(candidates), calibrate, speech
        )

    async def space(self) -> Space:
        """The server's space: fingerprint, dimensions, towers, limits, formats."""
        answer = await self._connection.call(GET_SPACE, space_pb2.GetSpaceRequest())
        return Space.from_message(answer)


def _several(media: Any) -> Iterable[MediaLike]:
    """A list of media. One alone is a mistake: a text would be embedded letter by letter."""
    is_audio = isinstance(media, tuple) and len(media) == 2 and isinstance(media[0], np.ndarray)
    single = (str, bytes, bytearray, memoryview, os.PathLike, np.ndarray, Mapping)
    if is_audio or isinstance(media, single) or hasattr(media, "read"):
        raise TypeError("give a list of media, not one: [media]")
    if not isinstance(media, Iterable):
        raise TypeError(f"give a list of media, not {type(media).__name__}")
    return media
