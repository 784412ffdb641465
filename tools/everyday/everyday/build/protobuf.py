"""Just enough of the wire format of Protocol Buffers to read messages whose fields are known."""

import struct
from collections.abc import Iterator

Value = int | bytes


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number, and where it ends."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """Each field's number and value, in order; numbers of fixed size as their bits say."""
    at = 0
    while at < len(message):
        tag, at = varint(message, at)
        value: Value
        match tag & 7:
            case 0:
                value, at = varint(message, at)
            case 1:
                (value,) = struct.unpack_from("<Q", message, at)
                at += 8
            case 2:
                length, at = varint(message, at)
                value, at = message[at : at + length], at + length
            case 5:
                (value,) = struct.unpack_from("<I", message, at)
                at += 4
            case kind:
                raise ValueError(f"fields of kind {kind} are not read here")
        yield tag >> 3, value


def last(message: bytes) -> dict[int, Value]:
    """The last value of each field, as a reader of single fields takes them."""
    return dict(fields(message))


def number(fields: dict[int, Value], field: int) -> int:
    """A number that is 0 where it was left out."""
    value = fields.get(field, 0)
    return value if isinstance(value, int) else int.from_bytes(value, "little")


def message(fields: dict[int, Value], field: int) -> bytes:
    """A message or text that is empty where it was left out."""
    value = fields.get(field, b"")
    return value if isinstance(value, bytes) else b""
