"""How far a long call has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Union


@dataclass(frozen=True)
class FileProgress:
    """How far a file has come."""

    stage: Literal["receiving", "embedding"]
    received_bytes: int
    """What the server has of it."""
    total_bytes: int


FileProgressLike = Union[bool, Callable[[FileProgress], None], None]
"""True: a bar, where tqdm is installed. A function is told; it must not block."""


class Bar:
    """A bar of tqdm's, or nothing where none is wanted or tqdm is not installed."""

    def __init__(self, wanted: bool, total: int | None, **options: Any) -> None:
        self._bar: Any = None
        if wanted:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                return
            self._bar = tqdm(total=total, **options)

    def move_to(self, count: int) -> None:
        """So much is done."""
        if self._bar is not None:
            self._bar.update(count - self._bar.n)

    def close(self) -> None:
        """The last line stays."""
        if self._bar is not None:
            self._bar.close()
