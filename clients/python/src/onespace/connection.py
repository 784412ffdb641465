"""One connection, and the two ways of calling that every verb is made of."""

from __future__ import annotations

import asyncio
import functools
import ssl
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path

import grpc

from onespace.config import Config
from onespace.errors import CONNECTION_LOST, UNREACHABLE, OnespaceError, from_rpc
from onespace.limits import ANSWER_BYTES_MAX, MESSAGE_BYTES
from onespace.patience import Patience
from onespace.rpc import A, Method, Q
from onespace.stream import converse

DEADLINE_MAX = 120.0
"""Seconds: the longest deadline that a server grants (its DEADLINE_MAX_MS)."""


class Connection:
    """A channel to one server, opened at the first call. Any thread and any event loop may call."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._lock = threading.Lock()
        self._channel: grpc.Channel | None = None
        self._is_closed = False
        self._was_reached = False

    def close(self) -> None:
        """Ends what is still going on."""
        with self._lock:
            self._is_closed = True
            channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def patience(self) -> Patience:
        """The patience of one command, which calls that belong together share."""
        return Patience(self.config.patience)

    async def call(self, method: Method[Q, A], request: Q, *, timeout: float | None = None) -> A:
        """One call, made again while the server is busy."""
        return await self.patience().call(lambda: self.call_once(method, request, timeout=timeout))

    async def call_once(
        self, method: Method[Q, A], request: Q, *, timeout: float | None = None
    ) -> A:
        """One call, made once."""
        unary = self._open().unary_unary(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.answer.FromString,
        )
        deadline = self.config.timeout or timeout
        future = unary.future(request, timeout=deadline, metadata=self._metadata())
        await _done(future)
        try:
            answer: A = future.result()
        except grpc.RpcError as error:
            raise self._error(error) from None
        self._was_reached = True
        return answer

    async def converse(
        self,
        method: Method[Q, A],
        requests: AsyncGenerator[Q, None],
        *,
        timeout: float | None = None,
    ) -> AsyncGenerator[A, None]:
        """A stream in both directions, once. What `requests` raises is raised here."""
        stream = self._open().stream_stream(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.answer.FromString,
        )
        start = functools.partial(stream, timeout=timeout, metadata=self._metadata())
        async with aclosing(converse(start, requests)) as answers:
            try:
                async for answer in answers:
                    self._was_reached = True
                    yield answer
            except grpc.RpcError as error:
                raise self._error(error) from None

    def _open(self) -> grpc.Channel:
        with self._lock:
            if self._is_closed:
                raise RuntimeError("this client is closed")
            if self._channel is None:
                self._channel = _channel(self.config)
            return self._channel

    def _metadata(self) -> list[tuple[str, str]]:
        metadata = [("onespace-max-answer-bytes", str(ANSWER_BYTES_MAX))]
        if self.config.api_key:
            metadata.append(("authorization", f"Bearer {self.config.api_key}"))
        if self.config.tenant:
            metadata.append(("onespace-tenant", self.config.tenant))
        return metadata

    def _error(self, error: grpc.RpcError) -> OnespaceError:
        found = from_rpc(error, self.config.address)
        if found.reason != UNREACHABLE:
            self._was_reached = True
        elif self._was_reached:
            # Restarted, or moved: worth waiting for. Where nobody ever was, nothing is.
            found.reason = CONNECTION_LOST
        return found


async def _done(future: grpc.Future) -> None:
    """Waits for a call. Whoever stops waiting ends it."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def set_done() -> None:
        if not done.cancelled():
            done.set_result(None)

    def tell(_: grpc.Future) -> None:
        # A loop that is closed has nobody left who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(set_done)

    future.add_done_callback(tell)
    try:
        await done
    except asyncio.CancelledError:
        future.cancel()
        raise


def _channel(config: Config) -> grpc.Channel:
    options = [
        ("grpc.max_send_message_length", MESSAGE_BYTES),
        ("grpc.max_receive_message_length", ANSWER_BYTES_MAX),
        # Its waits are ours, and told.
        ("grpc.enable_retries", 0),
        # Milliseconds. gRPC's own pauses before it connects anew would grow beyond patience.
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 5000),
    ]
    if config.encrypted:
        return grpc.secure_channel(config.address, _credentials(config), options)
    return grpc.insecure_channel(config.address, options)


def _credentials(config: Config) -> grpc.ChannelCredentials:
    # gRPC brings roots of its own; those that the system trusts come first.
    trusted = config.ca or ssl.get_default_verify_paths().cafile
    return grpc.ssl_channel_credentials(
        root_certificates=_read(trusted),
        private_key=_read(config.key),
        certificate_chain=_read(config.cert),
    )


def _read(path: Path | str | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()
