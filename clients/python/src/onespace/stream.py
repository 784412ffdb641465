"""A stream in both directions, between an event loop and gRPC's own threads.

gRPC's asyncio calls hide the server's status behind an internal error where the server ends a
stream while it is still written to, which is when it says why. The calls made of threads do not.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, Generic, TypeVar

import grpc

Q = TypeVar("Q")

StartCall = Callable[["Iterator[Any]"], Any]
"""Begins a call with its requests; gives the call, which is an iterator of answers."""


async def converse(
    start: StartCall, requests: AsyncGenerator[Q, None]
) -> AsyncGenerator[Any, None]:
    """Sends requests as they come, and gives answers as they come.

    Raises grpc.RpcError, and what `requests` raises.
    """
    loop = asyncio.get_running_loop()
    answers: asyncio.Queue[tuple[Any, BaseException | None]] = asyncio.Queue()
    outgoing = _Outgoing(requests, loop)
    call = start(outgoing)
    outgoing.on_error = call.cancel

    def tell(answer: Any, error: BaseException | None) -> None:
        # A loop that is closed has nobody left who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(answers.put_nowait, (answer, error))

    def read() -> None:
        try:
            for answer in call:
                tell(answer, None)
        except grpc.RpcError as error:
            tell(None, error)
        else:
            tell(None, None)

    threading.Thread(target=read, name="onespace-stream", daemon=True).start()
    try:
        while True:
            answer, error = await answers.get()
            if answer is None:
                break
            yield answer
        if outgoing.error is not None:
            raise outgoing.error
        if error is not None:
            raise error
    finally:
        call.cancel()
        await outgoing.close()


class _Outgoing(Generic[Q]):
    """Requests of an event loop, for the thread of gRPC's that sends them."""

    def __init__(self, requests: AsyncGenerator[Q, None], loop: asyncio.AbstractEventLoop) -> None:
        self._requests = requests
        self._loop = loop
        self._task: asyncio.Task[Any] | None = None
        self._is_closed = False
        self.error: Exception | None = None
        self.on_error: Callable[[], Any] = lambda: None

    def __iter__(self) -> Iterator[Q]:
        return self

    def __next__(self) -> Q:
        """Called in gRPC's thread, once the last request is on its way."""
        if self._is_closed:
            raise StopIteration
        work = self._next()
        try:
            request = asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except (CancelledError, RuntimeError):
            work.close()
            raise StopIteration from None
        if request is None:
            raise StopIteration
        return request

    async def _next(self) -> Q | None:
        if self._is_closed:
            return None
        self._task = asyncio.current_task()
        try:
            return await self._requests.__anext__()
        except StopAsyncIteration:
            return None
        except Exception as error:
            self.error = error
            self.on_error()
            return None

    async def close(self) -> None:
        """Nothing more is sent."""
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._requests.aclose()
