"""Qt's binary resource files (.rcc): a header, a tree of nodes, names in UTF-16, and files, some of them compressed.

All numbers are big-endian. A node has the offset of its name and flags; then a folder has the count and the number of
its children, a file its territory, language and the offset of its bytes; from version 2 on also the time of its change.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import zstandard

COMPRESSED, FOLDER, ZSTANDARD = 1, 2, 4


class NotResources(Exception):
    """Bytes that are no resource file, or one that ends too early."""


def entries(data: bytes) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Every file with its path within the resources."""
    if data[:4] != b"qres":
        raise NotResources("it does not begin with `qres`")
    try:
        version, tree, contents, names = struct.unpack_from(">IIII", data, 4)
        yield from _walk(data, 0, PurePosixPath(), (14 if version < 2 else 22, tree, contents, names))
    except (struct.error, zlib.error, zstandard.ZstdError, UnicodeDecodeError) as error:
        raise NotResources(f"it is cut off or damaged: {error}") from error


def _walk(
    data: bytes, node: int, above: PurePosixPath, layout: tuple[int, int, int, int]
) -> Iterator[tuple[PurePosixPath, bytes]]:
    size, tree, contents, names = layout
    at = tree + node * size
    name, flags = struct.unpack_from(">IH", data, at)
    # The root's own name is empty and may not be written at all.
    path = above / _name(data, names + name) if node else above
    if flags & FOLDER:
        count, first = struct.unpack_from(">II", data, at + 6)
        for child in range(first, first + count):
            yield from _walk(data, child, path, layout)
    else:
        (offset,) = struct.unpack_from(">I", data, at + 10)
        yield path, _content(data, contents + offset, flags)


def _name(data: bytes, at: int) -> str:
    (letters,) = struct.unpack_from(">H", data, at)
    name = data[at + 6 : at + 6 + 2 * letters].decode("utf-16-be")
    if "/" in name or name in ("", ".", ".."):
        raise NotResources(f"a file may not be called {name!r}")
    return name


def _content(data: bytes, at: int, flags: int) -> bytes:
    (length,) = struct.unpack_from(">I", data, at)
    raw = data[at + 4 : at + 4 + length]
    if len(raw) < length:
        raise NotResources("a file ends behind the end of the resources")
    if flags & COMPRESSED:
        return zlib.decompress(raw[4:])  # after the length that it will have
    if flags & ZSTANDARD:
        return zstandard.ZstdDecompressor().decompress(raw)
    return raw


def extract(source: Path, folder: Path) -> int:
    """Writes every file below the folder; how many there were."""
    count = 0
    for path, content in entries(source.read_bytes()):
        out = folder / path
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(content)
        count += 1
    return count
