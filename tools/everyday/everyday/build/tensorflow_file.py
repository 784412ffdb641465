"""Variables of a TensorFlow 2 checkpoint of one shard, without TensorFlow.

`PREFIX.index` is a table as LevelDB writes it (blocks of keys that share prefixes, a footer that points to the block of
blocks); each value is a message `BundleEntryProto` with type, shape, offset and size of a variable in
`PREFIX.data-00000-of-00001`.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from . import protobuf
from .graph import Array
from .protobuf import varint

MAGIC = bytes.fromhex("57fb808b247547db")
FOOTER = 48
DT_FLOAT = 1
# Fields of BundleEntryProto, and of the shape and the dimension within it.
TYPE, SHAPE, OFFSET, SIZE = 1, 2, 4, 5
DIMENSION, EXTENT = 2, 1


def _entries(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block; the byte after it says whether it is compressed."""
    if table[offset + size]:
        raise ValueError("a compressed block is not read here")
    block = table[offset : offset + size]
    (restarts,) = struct.unpack("<I", block[-4:])
    end, at, key = len(block) - 4 - 4 * restarts, 0, b""
    while at < end:
        shared, at = varint(block, at)
        own, at = varint(block, at)
        length, at = varint(block, at)
        key = key[:shared] + block[at : at + own]
        at += own
        yield key, block[at : at + length]
        at += length


def _handle(data: bytes, at: int = 0) -> tuple[int, int, int]:
    offset, at = varint(data, at)
    size, at = varint(data, at)
    return offset, size, at


def read(prefix: Path) -> dict[str, Array]:
    """The variables of floats, by name."""
    table = prefix.with_name(prefix.name + ".index").read_bytes()
    data = prefix.with_name(prefix.name + ".data-00000-of-00001").read_bytes()
    if table[-8:] != MAGIC:
        raise ValueError(f"{prefix.name}.index is no table")
    _, _, after = _handle(table, len(table) - FOOTER)
    offset, size, _ = _handle(table, after)
    variables = {}
    for _, value in _entries(table, offset, size):
        start, length, _ = _handle(value)
        for key, entry in _entries(table, start, length):
            fields = protobuf.last(entry)
            if not key or fields.get(TYPE) != DT_FLOAT:
                continue
            at = protobuf.number(fields, OFFSET)
            values = np.frombuffer(data[at : at + protobuf.number(fields, SIZE)], np.float32)
            variables[key.decode()] = values.reshape(_shape(protobuf.message(fields, SHAPE)))
    return variables


def _shape(message: bytes) -> list[int]:
    dimensions = [value for field, value in protobuf.fields(message) if field == DIMENSION and isinstance(value, bytes)]
    return [protobuf.number(protobuf.last(one), EXTENT) for one in dimensions]
