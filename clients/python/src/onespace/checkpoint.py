"""What of a long ingest is done, in a file, so that the next one begins where this one ended."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO


class Checkpoint:
    """Marks of items that are done: one a line, written down as they come. Without a path: none."""

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self._path = None if path is None else Path(path).expanduser()
        self._marks: set[str] = set()
        self._file: IO[str] | None = None

    def __enter__(self) -> Checkpoint:
        if self._path is not None:
            if self._path.exists():
                # The last line may be half of one: it is then no mark of anything.
                self._marks = set(self._path.read_text(encoding="utf-8").split("\n"))
            self._file = self._path.open("a", encoding="utf-8")
            if self._path.stat().st_size > 0:
                self._file.write("\n")
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()

    def has(self, mark: str) -> bool:
        """Whether an item is done."""
        return bool(mark) and mark in self._marks

    def add(self, mark: str) -> None:
        """An item is done."""
        if mark and self._file is not None and mark not in self._marks:
            self._marks.add(mark)
            self._file.write(f"{mark}\n")
            self._file.flush()
