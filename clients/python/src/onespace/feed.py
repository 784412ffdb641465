"""Items to be stored, as they come: from folders, tables, files of rows, lists and generators."""

from __future__ import annotations

import asyncio
import json
import os
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from onespace.errors import OnespaceError
from onespace.media import File, MediaLike
from onespace.source import Upload
from onespace.tables import is_frame, is_missing, rows_of


@dataclass(frozen=True, eq=False)
class IngestItem:
    """A media to be stored, and what is said of it.

    - `media`: its content
    - `item_id`: at most 128 bytes; empty: its content's own id, so that the same content is one
      item
    - `uri`, `title`: at most 4096 and 1024 bytes
    - `metadata`: at most 64 fields, 16 KiB as JSON; None leaves what is stored already
    """

    media: MediaLike
    item_id: str = ""
    uri: str = ""
    title: str = ""
    metadata: Mapping[str, Any] | None = None


@dataclass(eq=False)
class Entry:
    """An item on its way, where it is from, and by what a checkpoint knows it again."""

    index: int
    item: IngestItem
    source: str = ""
    mark: str = ""
    upload: Upload | None = None
    """Its content, once it has been read: an open file is read once."""
    refusal: OnespaceError | None = None
    """Why the server turned it away the last time."""


IngestLike = Union[MediaLike, IngestItem, Mapping[str, Any]]
"""An item: a media alone, an `IngestItem`, or a row."""

IngestSource = Union[
    "str | os.PathLike[str]",
    "Iterable[IngestLike | str | os.PathLike[str]]",
    "AsyncIterable[IngestLike | str | os.PathLike[str]]",
    Any,
]
"""Where items come from: a folder or file, a list of items, an iterator, a data frame."""

ROW_KEYS = ("text", "path", "data", "media", "item_id", "uri", "title", "metadata")
"""What a row says of an item. Exactly one of the first four is its media; other columns are
metadata."""


@dataclass(frozen=True)
class Rows:
    """How rows become items: which column is what, and where relative paths begin."""

    columns: Mapping[str, str]
    folder: Path

    def item(self, row: Mapping[str, Any]) -> IngestItem:
        """The item of a row. Raises ValueError for a row without a media, or with several."""
        left = {name: value for name, value in row.items() if not is_missing(value)}
        named = {key: left.pop(self.columns.get(key, key), None) for key in ROW_KEYS}
        given = [key for key in ROW_KEYS[:4] if named[key] is not None]
        if len(given) != 1:
            raise ValueError(
                f"a row has one of text, path, data, media; this has {given or 'none'} among "
                f"{sorted(row)}: name its column, as columns={{'text': 'caption'}}"
            )
        media = self._media(given[0], named[given[0]])
        metadata = {**(named["metadata"] or {}), **left}
        uri = named["uri"] or (str(media) if isinstance(media, Path) else "")
        return IngestItem(
            media=media,
            item_id=str(named["item_id"] if named["item_id"] is not None else ""),
            uri=str(uri),
            title=str(named["title"] or ""),
            metadata=metadata or None,
        )

    def _media(self, key: str, value: Any) -> MediaLike:
        if key == "text":
            return str(value)
        if key == "path":
            return self.folder / str(value)
        media: MediaLike = value
        return media


class Feed:
    """Entries in order, those that were put back first."""

    def __init__(self, entries: Iterator[Entry] | AsyncIterable[Entry], total: int | None) -> None:
        self.total = total
        self._entries = entries
        self._back: deque[Entry] = deque()
        self._coming: asyncio.Future[Entry | None] | None = None
        self._is_over = False
        self.skip: Callable[[Entry], bool] = lambda entry: False

    async def has_more(self) -> bool:
        """Whether anything is still to be sent; waits until that is known."""
        if not self._back:
            entry = await self._next_new(None)
            self._back.extend([] if entry is None else [entry])
        return bool(self._back)

    async def next(self, patience: float) -> Entry | None:
        """The next entry; None at the end, or where none comes for so many seconds."""
        return self._back.popleft() if self._back else await self._next_new(patience)

    def put_back(self, entries: list[Entry]) -> None:
        """What has to be sent again, in its old order."""
        self._back.extendleft(sorted(entries, key=lambda entry: -entry.index))

    def take_back(self) -> list[Entry]:
        """What was put back, to be given up."""
        given_up = list(self._back)
        self._back.clear()
        return given_up

    def close(self) -> None:
        """Nothing more is wanted."""
        if self._coming is not None:
            self._coming.cancel()

    async def _next_new(self, patience: float | None) -> Entry | None:
        """Waits for the next new entry. Who stops waiting loses none: it is the next one's."""
        if self._is_over:
            return None
        if self._coming is None:
            self._coming = asyncio.ensure_future(self._pull())
        await asyncio.wait([self._coming], timeout=patience)
        if not self._coming.done():
            return None
        entry = self._coming.result()
        self._coming = None
        self._is_over = entry is None
        return entry

    async def _pull(self) -> Entry | None:
        if not isinstance(self._entries, AsyncIterable):
            return await asyncio.to_thread(self._pull_here, self._entries)
        async for entry in self._entries:
            if not self.skip(entry):
                return entry
        return None

    def _pull_here(self, entries: Iterator[Entry]) -> Entry | None:
        return next((entry for entry in entries if not self.skip(entry)), None)


def entries_of(source: IngestSource, columns: Mapping[str, str]) -> Feed:
    """The entries of whatever holds items. Raises OSError for a path that is not there."""
    rows = Rows(columns, Path())
    if isinstance(source, (str, os.PathLike)):
        path = Path(source).expanduser()
        if path.suffix in (".jsonl", ".ndjson", ".parquet") and path.is_file():
            return _file_of_rows(path, Rows(columns, path.parent))
        files = list(walk(path))
        return Feed(_entries(files, lambda file: _read(file, rows)), len(files))
    if is_frame(source):
        frame: Any = source
        return Feed(_entries(rows_of(frame), _row_reader(rows, "row")), len(frame))
    if isinstance(source, AsyncIterable):
        return Feed(_entries_async(source, rows), None)
    if isinstance(source, (Mapping, IngestItem)) or not isinstance(source, Iterable):
        raise TypeError("name a folder or a file, or give a list of items")
    given = list(_expanded(source)) if isinstance(source, (list, tuple)) else _expanded(source)
    count = len(given) if isinstance(given, list) else None
    return Feed(_entries(given, lambda item: _read(item, rows)), count)


def _expanded(source: Iterable[Any]) -> Iterator[Any]:
    """The same, with the files of a folder in its place."""
    for given in source:
        if isinstance(given, os.PathLike) and os.path.isdir(given):
            yield from walk(Path(given))
        else:
            yield given


def walk(path: Path) -> Iterator[Path | OSError]:
    """The file, or every file below the folder in a stable order, hidden ones left out.

    Links to files are found, links to folders not gone into. A folder that cannot be looked into is
    told in its place. Raises OSError where there is nothing.
    """
    if not path.exists() and not path.is_symlink():
        raise FileNotFoundError(f"{path}: no such file or folder")
    if not path.is_dir():
        yield path
        return
    unread: list[OSError] = []
    for folder, folders, files in os.walk(path, onerror=unread.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(files) if not name.startswith("."))
    yield from unread


def _from_file(path: Path) -> IngestItem:
    """As the command line stores a file: its path as uri, its name in words as title."""
    title = path.stem.replace("-", " ").replace("_", " ")
    return IngestItem(path, uri=str(path), title=title)


Read = Callable[[Any], "tuple[IngestItem, str]"]


class _Unreadable:
    """A media that says why there is none, when it is to be sent."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self, size: int) -> bytes:
        raise self._error


def _entries(source: Iterable[Any], read: Read) -> Iterator[Entry]:
    for index, given in enumerate(source):
        yield _entry(index, given, read)


async def _entries_async(source: AsyncIterable[Any], rows: Rows) -> AsyncIterator[Entry]:
    index = 0
    async for given in source:
        yield _entry(index, given, lambda item: _read(item, rows))
        index += 1


def _entry(index: int, given: Any, read: Read) -> Entry:
    """An entry; one that cannot be read fails alone, when it is its turn."""
    try:
        item, source = read(given)
    except (TypeError, ValueError, OSError) as error:
        broken: Any = _Unreadable(error)
        return Entry(index, IngestItem(broken))
    return Entry(index, item, source, _mark(item))


def _read(given: Any, rows: Rows) -> tuple[IngestItem, str]:
    if isinstance(given, OSError):
        raise given
    if isinstance(given, IngestItem):
        return given, given.uri
    if isinstance(given, Mapping):
        item = rows.item(given)
        return item, item.uri
    if isinstance(given, os.PathLike):
        item = _from_file(Path(given))
        return item, item.uri
    return IngestItem(given), ""


def _row_reader(rows: Rows, name: str) -> Read:
    count = 0

    def read(row: Mapping[str, Any]) -> tuple[IngestItem, str]:
        nonlocal count
        count += 1
        return rows.item(row), f"{name} {count}"

    return read


def _mark(item: IngestItem) -> str:
    """By what an item that is done is known again: its id, or its file as it is now."""
    media = item.media.content if isinstance(item.media, File) else item.media
    path = media if isinstance(media, os.PathLike) else None
    if path is None:
        return json.dumps([item.item_id]) if item.item_id else ""
    try:
        stat = os.stat(path)
    except OSError:
        return ""
    return json.dumps([item.item_id, str(path), stat.st_size, stat.st_mtime_ns])


def _file_of_rows(path: Path, rows: Rows) -> Feed:
    if path.suffix == ".parquet":
        from pyarrow import parquet

        table = parquet.ParquetFile(path)
        batches = (row for batch in table.iter_batches() for row in batch.to_pylist())
        return Feed(_entries(batches, _row_reader(rows, f"{path}: row")), table.metadata.num_rows)
    read_row = _row_reader(rows, f"{path}: line")

    def read(line: str) -> tuple[IngestItem, str]:
        row = json.loads(line)
        if not isinstance(row, dict):
            raise ValueError(f"{path}: a line is a JSON object, not {type(row).__name__}")
        return read_row(row)

    def lines() -> Iterator[str]:
        with path.open(encoding="utf-8") as file:
            yield from (line for line in file if line.strip())

    return Feed(_entries(lines(), read), None)
