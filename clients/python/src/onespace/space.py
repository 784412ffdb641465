"""What a server's vectors are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onespace.media import Modality
from onespace.results import modality_out, name_of
from onespace.v1 import space_pb2


@dataclass(frozen=True)
class License:
    """Under which terms the weights may be used."""

    name: str
    restriction: Literal["", "none", "non_commercial", "research"]
    notice: str

    @classmethod
    def from_message(cls, message: space_pb2.License) -> License:
        """From the wire."""
        restriction = name_of(space_pb2.UsageRestriction, message.restriction, "USAGE_RESTRICTION_")
        return cls(message.name, restriction, message.notice)


@dataclass(frozen=True)
class Tower:
    """What makes vectors of one modality.

    `heads` are its outputs by what they will be compared with, where it has several; `templates`
    what a label is made into for classification.
    """

    modality: Modality
    model: str
    logit_scale: float
    logit_bias: float
    golden_cosine: float
    scoring: Literal["", "softmax", "sigmoid"]
    heads: dict[str, str]
    templates: tuple[str, ...]
    space_fingerprint: str


@dataclass(frozen=True)
class Calibration:
    """The cosines of unrelated pairs of two modalities: their mean and standard deviation."""

    query: Modality
    item: Modality
    mean: float
    std: float


@dataclass(frozen=True)
class Transcriber:
    """What writes down speech."""

    name: str
    fingerprint: str
    license: License
    languages: tuple[str, ...]


@dataclass(frozen=True)
class Format:
    """A format of files that is decoded."""

    name: str
    media_type: str
    modality: Modality


@dataclass(frozen=True)
class Space:
    """A server's space, what makes vectors of it, what bounds requests, and what is decoded.

    `fingerprint` is carried by every vector. `dimension` is the length of a vector; `dimensions`
    are the lengths to which vectors may be cut, longest first. `limits` are in the units that
    docs/LIMITS.md says. `transcriber` is None where nothing writes down speech.
    """

    fingerprint: str
    dimension: int
    dimensions: tuple[int, ...]
    name: str
    license: License
    towers: dict[Modality, Tower]
    calibration: tuple[Calibration, ...]
    limits: dict[str, int]
    formats: tuple[Format, ...]
    version: str
    transcriber: Transcriber | None

    @classmethod
    def from_message(cls, message: space_pb2.GetSpaceResponse) -> Space:
        """From the wire."""
        space = message.space
        return cls(
            fingerprint=space.space_fingerprint,
            dimension=space.dimension,
            dimensions=tuple(space.dimensions),
            name=space.name,
            license=License.from_message(space.license),
            towers={modality_out(one.modality): _tower(one) for one in space.towers},
            calibration=tuple(
                Calibration(modality_out(one.query), modality_out(one.item), one.mean, one.std)
                for one in space.calibration
            ),
            limits={limit.name: limit.value for limit in message.limits},
            formats=tuple(
                Format(one.name, one.media_type, modality_out(one.modality))
                for one in message.formats
            ),
            version=message.version,
            transcriber=_transcriber(message),
        )


def _tower(message: space_pb2.Tower) -> Tower:
    return Tower(
        modality=modality_out(message.modality),
        model=message.model,
        logit_scale=message.logit_scale,
        logit_bias=message.logit_bias,
        golden_cosine=message.golden_cosine,
        scoring=name_of(space_pb2.Scoring, message.scoring, "SCORING_"),
        heads={modality_out(head.target): head.name for head in message.heads},
        templates=tuple(message.templates),
        space_fingerprint=message.space_fingerprint,
    )


def _transcriber(message: space_pb2.GetSpaceResponse) -> Transcriber | None:
    if not message.HasField("transcriber"):
        return None
    said = message.transcriber
    return Transcriber(
        said.name, said.fingerprint, License.from_message(said.license), tuple(said.languages)
    )
