"""Waiting for a busy server as it asks, and trying again, for as long as the user has patience.

Patience is counted from the first refusal and begins anew whenever the server has done anything:
ten thousand files may take an hour, a server that does nothing for two minutes will do nothing.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc

from onespace.errors import CONNECTION_LOST, INTERNAL, OnespaceError

T = TypeVar("T")

PAUSE = 0.2
"""Seconds of the pause where a server asks for patience without naming one."""

GROWTH, LONGEST = 1.5, 5.0
"""Pauses grow by this factor with each refusal, up to so many seconds, unless more is asked for."""

JITTER = 0.5
"""At most this share of a pause is added by chance, so that callers do not come back together."""

PASSING = {"QUEUE_FULL", "QUOTA_EXCEEDED", "STORE_UNAVAILABLE", "NOT_READY", CONNECTION_LOST}
"""Reasons for which the same server may take a little later what it refuses now.

STORE_FULL is none: a person makes room on a disk, and should be told at once.
"""

_KNOWN_NOT_TO_PASS = {"STORE_FULL", "TOO_MANY_COLLECTIONS", "ITEM_QUOTA_EXCEEDED"}
_BUSY = (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)

_log = logging.getLogger("onespace")


def pause_of(error: OnespaceError) -> float | None:
    """Seconds to wait before the next try, if trying again can help."""
    if error.reason in PASSING:
        return error.retry_after or PAUSE
    if error.reason in _KNOWN_NOT_TO_PASS or error.retry_after is None:
        return None
    # A proxy, or a later server, that says so in gRPC's own words.
    stranger = error.code in _BUSY or error.reason == INTERNAL
    return error.retry_after if stranger else None


class Patience:
    """The patience of one call, or of a command that makes many."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._since: float | None = None

    def served(self) -> None:
        """The server did something: what is still to come may wait as long again."""
        self._since = None

    async def wait(self, told: float, tries: int) -> bool:
        """Waits after so many refusals before this one; False, at once, when patience is over."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
        left = self._limit - (now - self._since)
        if left <= 0 or told > left:
            return False
        pause = min(grown(told, tries, random.random()), left)
        _log.info("the server is busy or away: waiting %.1f s, for at most %.0f s", pause, left)
        await asyncio.sleep(pause)
        return True

    async def call(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Tries until it succeeds, fails for good, or patience is over."""
        tries = 0
        while True:
            try:
                answer = await attempt()
            except OnespaceError as error:
                told = pause_of(error)
                if told is None or not await self.wait(told, tries):
                    raise
                tries += 1
            else:
                self.served()
                return answer


def grown(told: float, tries: int, chance: float) -> float:
    """Seconds to wait after so many refusals before this one: never less than the server told."""
    pause = min(told * GROWTH ** min(tries, 64), max(LONGEST, told))
    return max(told, pause * (1 + JITTER * chance))
