"""An event loop in a thread of its own, for those who wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


class Loop:
    """An event loop whose thread begins with the first call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs it to its end. Whoever is interrupted ends the work, too."""
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("a function that is told of progress cannot call the same client")
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._started())
        except RuntimeError:
            work.close()
            raise
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def iterate(self, results: AsyncIterator[T]) -> Iterator[T]:
        """One result after the other, each when it is asked for."""

        async def take() -> tuple[T] | None:
            async for result in results:
                return (result,)
            return None

        while (taken := self.run(take())) is not None:
            yield taken[0]

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """Runs what is to come last, and ends the thread. A second time it does nothing."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop, self._thread, self._is_closed = None, None, True
        if loop is None or thread is None:
            last.close()
            return
        asyncio.run_coroutine_threadsafe(last, loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._is_closed:
                raise RuntimeError("this client is closed")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="onespace-client", daemon=True
                )
                self._thread.start()
            return self._loop
