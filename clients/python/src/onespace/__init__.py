"""Embeds, stores and searches text, images, audio, video and point clouds with a onespace server.

from onespace import Client

with Client() as client:
    vectors = client.embed(["a red mug", Path("mug.jpg")])
"""

from onespace.async_client import AsyncClient
from onespace.client import Client
from onespace.comparing import Classification, LabelProbability, RankedCandidate, Ranking
from onespace.errors import (
    AlreadyExistsError,
    BusyError,
    DeadlineExceededError,
    FailedPreconditionError,
    InvalidRequestError,
    NotFoundError,
    OnespaceError,
    PermissionDeniedError,
    ServerError,
    UnauthenticatedError,
    UnavailableError,
    UnreadableError,
)
from onespace.expression import FilterSyntaxError, parse
from onespace.feed import IngestItem
from onespace.filters import Filter, all_of, any_of, field, item_field
from onespace.ingesting import IngestEvent, IngestReport
from onespace.local import LocalServer
from onespace.media import Audio, File, MediaLike, Modality, Parts, PointCloud
from onespace.options import Fusion, Segments, Speech
from onespace.progress import FileProgress
from onespace.query import Part, QueryVector, StoredItem
from onespace.results import Embedded, Embedding, Item, Note
from onespace.searching import Hit, Hits
from onespace.space import Space
from onespace.store_verbs import Collection

__all__ = [
    "AlreadyExistsError",
    "AsyncClient",
    "Audio",
    "BusyError",
    "Classification",
    "Client",
    "Collection",
    "DeadlineExceededError",
    "Embedded",
    "Embedding",
    "FailedPreconditionError",
    "File",
    "FileProgress",
    "Filter",
    "FilterSyntaxError",
    "Fusion",
    "Hit",
    "Hits",
    "IngestEvent",
    "IngestItem",
    "IngestReport",
    "InvalidRequestError",
    "Item",
    "LabelProbability",
    "LocalServer",
    "MediaLike",
    "Modality",
    "NotFoundError",
    "Note",
    "OnespaceError",
    "Part",
    "Parts",
    "PermissionDeniedError",
    "PointCloud",
    "QueryVector",
    "RankedCandidate",
    "Ranking",
    "Segments",
    "ServerError",
    "Space",
    "Speech",
    "StoredItem",
    "UnauthenticatedError",
    "UnavailableError",
    "UnreadableError",
    "all_of",
    "any_of",
    "field",
    "item_field",
    "parse",
]
