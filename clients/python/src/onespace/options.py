"""How vectors are made: the same for embedding and storing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Union

from onespace.source import modality_in
from onespace.v1 import types_pb2

Purpose = Literal["query", "document"]
"""What a vector is made for: to ask, or to be found. Some text models word the two otherwise."""

SpeechMode = Literal["on", "off"]
"""Whether what people say is written down, whatever it sounds like, or not listened to."""


@dataclass(frozen=True)
class Segments:
    """Segments of a length and overlap of the caller's choice, at most 64 of one media.

    Seconds for audio and videos, at least 0.1; tokens for texts. 0: as the tower. An overlap is
    less than its window.
    """

    window: float = 0.0
    overlap: float = 0.0
    window_tokens: int = 0
    overlap_tokens: int = 0


@dataclass(frozen=True)
class Fusion:
    """The weights of a video's tracks in their sum, which becomes a vector of its own."""

    visual: float = 1.0
    audio: float = 1.0


@dataclass(frozen=True)
class Speech:
    """How speech is understood: whether, and in which language, by its tag, such as "de".

    Without a mode the server listens where it has a transcriber and the recording sounds like
    speech; without a language it tells that from the sound.
    """

    mode: SpeechMode | None = None
    language: str = ""


SegmentsLike = Union[bool, Segments]
"""True: segments of the length that the tower takes at once. False: the whole only."""

SpeechLike = Union[SpeechMode, Speech]
"""A mode, or a mode and a language."""


@dataclass(frozen=True)
class EmbedOptions:
    """How vectors are made.

    - `purpose`: `"query"` or `"document"`; what it is where nothing is said depends on the call.
    - `target`: the modality that the vectors will be compared with, for towers that have several
      heads.
    - `dimension`: vectors of this many values, one of `Space.dimensions`; 0: the space's own.
    - `segments`: True, False or `Segments`.
    - `fusion`: of a video also the weighted sum of its two tracks.
    - `speech`: `"on"`, `"off"` or `Speech`.
    """

    purpose: Purpose | None = None
    target: str | None = None
    dimension: int = 0
    segments: SegmentsLike | None = None
    fusion: Fusion | None = None
    speech: SpeechLike | None = None

    def message(self) -> types_pb2.EmbedOptions:
        """As the wire has it. Raises ValueError for a name that is none."""
        options = types_pb2.EmbedOptions(
            purpose=_purpose(self.purpose),
            target=modality_in(self.target),
            dimension=self.dimension,
        )
        if self.segments is not None:
            options.segments.CopyFrom(_segments(self.segments))
        if self.fusion is not None:
            options.fusion.visual_weight = self.fusion.visual
            options.fusion.audio_weight = self.fusion.audio
        if self.speech is not None:
            options.speech.CopyFrom(speech_in(self.speech))
        return options


def _purpose(name: str | None) -> types_pb2.Purpose:
    known = {
        None: types_pb2.PURPOSE_UNSPECIFIED,
        "query": types_pb2.PURPOSE_QUERY,
        "document": types_pb2.PURPOSE_DOCUMENT,
    }
    if name not in known:
        raise ValueError(f"{name!r} is no purpose: query, document")
    return known[name]


def _segments(segments: SegmentsLike) -> types_pb2.Segments:
    if isinstance(segments, bool):
        mode = types_pb2.SEGMENT_MODE_TOWER if segments else types_pb2.SEGMENT_MODE_OFF
        return types_pb2.Segments(mode=mode)
    return types_pb2.Segments(
        mode=types_pb2.SEGMENT_MODE_WINDOW,
        window_ms=_milliseconds(segments.window),
        overlap_ms=_milliseconds(segments.overlap),
        window_tokens=segments.window_tokens,
        overlap_tokens=segments.overlap_tokens,
    )


def _milliseconds(seconds: float) -> int:
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"{seconds} is no number of seconds")
    return round(seconds * 1000)


def speech_in(speech: SpeechLike) -> types_pb2.Speech:
    """How speech is understood, as the wire has it."""
    given = Speech(speech) if isinstance(speech, str) else speech
    modes = {
        None: types_pb2.SPEECH_MODE_UNSPECIFIED,
        "on": types_pb2.SPEECH_MODE_ON,
        "off": types_pb2.SPEECH_MODE_OFF,
    }
    if given.mode not in modes:
        raise ValueError(f"{given.mode!r} is no speech mode: on, off")
    return types_pb2.Speech(mode=modes[given.mode], language=given.language)
