"""Why a call failed, or one item of it."""

from __future__ import annotations

import re
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from onespace.v1 import types_pb2

UNREACHABLE = "UNREACHABLE"
"""The reason where no server has answered yet: a wrong endpoint, or nothing started."""

CONNECTION_LOST = "CONNECTION_LOST"
"""The reason where the connection to a server that has answered before is gone."""

UNANSWERED = "UNANSWERED"
"""The reason where the server ended an answer before it said what became of an item."""

UNREADABLE = "UNREADABLE"
"""The reason where an item could not be read or written down on this side."""

INTERNAL = "INTERNAL"
"""The reason where none is known."""


class OnespaceError(Exception):
    """Why a call failed, or one item of it.

    `reason` is stable, for programs (`"MEDIA_MALFORMED"`); docs/ERRORS.md lists the server's, and
    this module has a few of its own. `field` is the field to blame, as a path (`"items[3].bytes"`),
    or empty. `message` names the cause and the limit, for people. `code` is the gRPC status.
    `retry_after` is the pause in seconds that the server asked for, if it did.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        field: str = "",
        code: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(reason, field, message)
        self.reason = reason
        self.field = field
        self.message = message
        self.code = code
        self.retry_after = retry_after

    def __str__(self) -> str:
        where = f"{self.field}: " if self.field else ""
        return f"{self.reason}: {where}{self.message}"

    def of_item(self, index: int, name: str = "items") -> OnespaceError:
        """The same error, whose field counts items as the caller does, not as a message does."""
        found = re.match(rf"{name}\[\d+\](.*)", self.field)
        rest = found[1] if found else f".{self.field}" if self.field else ""
        error = type(self)(
            self.reason,
            self.message,
            field=f"{name}[{index}]{rest}",
            code=self.code,
            retry_after=self.retry_after,
        )
        error.__cause__ = self.__cause__
        return error


class InvalidRequestError(OnespaceError):
    """The request, or a media in it, is not as it has to be; trying again is of no use."""


class NotFoundError(OnespaceError):
    """There is no such collection or item."""


class AlreadyExistsError(OnespaceError):
    """A collection of that name stands already."""


class FailedPreconditionError(OnespaceError):
    """This server, or this collection, cannot do that as it is."""


class UnauthenticatedError(OnespaceError):
    """No key or token, or one that is not known, has ended or was withdrawn."""


class PermissionDeniedError(OnespaceError):
    """The caller is known, and may not do this."""


class BusyError(OnespaceError):
    """A queue, a quota or a disk is full, and stayed so for as long as the client is patient."""


class UnavailableError(OnespaceError):
    """No server answers, or it is not ready."""


class DeadlineExceededError(OnespaceError):
    """The answer was not ready in time."""


class ServerError(OnespaceError):
    """A defect of the server, or an answer that is none."""


class UnreadableError(OnespaceError):
    """An item could not be read on this side; `__cause__` says why."""


_CLASSES: dict[grpc.StatusCode, type[OnespaceError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequestError,
    grpc.StatusCode.OUT_OF_RANGE: InvalidRequestError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExistsError,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPreconditionError,
    grpc.StatusCode.UNIMPLEMENTED: FailedPreconditionError,
    grpc.StatusCode.UNAUTHENTICATED: UnauthenticatedError,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDeniedError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: BusyError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceededError,
}
_CODES = {code.value[0]: code for code in grpc.StatusCode}


def from_item(error: types_pb2.ItemError) -> OnespaceError:
    """The error of one item."""
    code = _CODES.get(error.code, grpc.StatusCode.UNKNOWN)
    return _CLASSES.get(code, ServerError)(
        error.reason,
        error.message,
        field=error.field,
        code=code,
        retry_after=error.retry_after_ms / 1000 or None,
    )


def from_rpc(error: grpc.RpcError, endpoint: str) -> OnespaceError:
    """The error of a call, from its status and its google.rpc details."""
    code = error.code()
    trailers = dict(error.trailing_metadata() or ())
    details = _details(trailers.get("grpc-status-details-bin", b""))
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in details:
        for message in (info, retry):
            if detail.Is(message.DESCRIPTOR):
                detail.Unpack(message)
    pause = retry.retry_delay.ToTimedelta().total_seconds() or _pushback(trailers)
    reason, text = info.reason, error.details() or ""
    if not reason and code is grpc.StatusCode.UNAVAILABLE and pause is None:
        reason, text = UNREACHABLE, f"no server answers at {endpoint}: {text}"
    if not reason and code is grpc.StatusCode.DEADLINE_EXCEEDED:
        reason = "DEADLINE_EXCEEDED"
    return _CLASSES.get(code, ServerError)(
        reason or INTERNAL,
        text,
        field=info.metadata["field"] if "field" in info.metadata else "",
        code=code,
        retry_after=pause,
    )


def unreadable(cause: Exception) -> UnreadableError:
    """An item that cannot be read on this side."""
    error = UnreadableError(UNREADABLE, str(cause))
    error.__cause__ = cause
    return error


def unanswered(what: str = "the server answered nothing") -> ServerError:
    """An answer that is none."""
    return ServerError(UNANSWERED, what)


def _details(packed: str | bytes) -> list[Any]:
    try:
        return list(status_pb2.Status.FromString(packed).details)
    except (DecodeError, TypeError):
        return []


def _pushback(trailers: dict[str, str | bytes]) -> float | None:
    """The pause that a proxy asks for in gRPC's own words; a negative one means never."""
    said = trailers.get("grpc-retry-pushback-ms")
    if not isinstance(said, str) or not said.isdigit():
        return None
    return int(said) / 1000 or None
