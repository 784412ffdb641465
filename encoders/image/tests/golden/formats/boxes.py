"""HEIF files put together by hand, of pictures that an encoder coded: what no encoder here writes."""

import struct


def box(kind: str, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind.encode() + body


def full(kind: str, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def children(body: bytes):
    at = 0
    while at + 8 <= len(body):
        size, kind = struct.unpack(">I4s", body[at : at + 8])
        yield kind.decode("latin1"), body[at + 8 : at + size]
        at += size


def coded(data: bytes) -> tuple[str, bytes, bytes]:
    """The codec, its configuration and the coded picture of a file with one picture."""
    meta = next(body for kind, body in children(data) if kind == "meta")[4:]
    inner = dict(children(meta))
    properties = dict(children(dict(children(inner["iprp"]))["ipco"]))
    kind = "hvc1" if "hvcC" in properties else "av01"
    location = inner["iloc"]
    sizes = location[4:6]
    offset_size, length_size, base_size = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4
    at = 8 + 2 + (2 if location[0] else 0) + 2
    base = int.from_bytes(location[at : at + base_size], "big")
    at += base_size + 2
    offset = base + int.from_bytes(location[at : at + offset_size], "big")
    length = int.from_bytes(location[at + offset_size : at + offset_size + length_size], "big")
    return kind, properties["hvcC" if kind == "hvc1" else "av1C"], data[offset : offset + length]


def size(width: int, height: int) -> bytes:
    return full("ispe", struct.pack(">II", width, height))


def clap(width: int, height: int, across: tuple[int, int], down: tuple[int, int]) -> bytes:
    return box("clap", struct.pack(">IIIIiIiI", width, 1, height, 1, *across, *down))


class File:
    """Items with their properties and references; the first one is shown unless another is said to be."""

    def __init__(self, brand: str) -> None:
        self.brand, self.items, self.references, self.primary = brand, [], [], 1

    def add(self, kind: str, data: bytes, *properties: bytes, hidden: bool = False) -> int:
        self.items.append((kind, data, properties, hidden))
        return len(self.items)

    def refer(self, kind: str, item: int, *to: int) -> None:
        self.references.append(box(kind, struct.pack(f">HH{len(to)}H", item, len(to), *to)))

    def write(self) -> bytes:
        unique: list[bytes] = []
        associations = b""
        for number, (_, _, properties, _) in enumerate(self.items, 1):
            for one in properties:
                if one not in unique:
                    unique.append(one)
            essential = {one: one[4:8] in (b"hvcC", b"av1C", b"clap", b"irot", b"imir") for one in properties}
            places = [unique.index(one) + 1 | essential[one] << 7 for one in properties]
            associations += struct.pack(">HB", number, len(places)) + bytes(places)
        entries = [
            full("infe", struct.pack(">HH", number, 0), kind.encode(), b"\0", version=2, flags=int(hidden))
            for number, (kind, _, _, hidden) in enumerate(self.items, 1)
        ]
        head = box("ftyp", self.brand.encode(), bytes(4), b"mif1", self.brand.encode())

        def meta(begin: int) -> bytes:
            places, at = b"", begin
            for number, (_, data, _, _) in enumerate(self.items, 1):
                places += struct.pack(">HHHII", number, 0, 1, at, len(data))
                at += len(data)
            counted = full("ipma", struct.pack(">I", len(self.items)), associations)
            return full(
                "meta",
                full("hdlr", bytes(4), b"pict", bytes(13)),
                full("pitm", struct.pack(">H", self.primary)),
                full("iloc", b"\x44\0", struct.pack(">H", len(self.items)), places),
                full("iinf", struct.pack(">H", len(entries)), *entries),
                full("iref", *self.references) if self.references else b"",
                box("iprp", box("ipco", *unique), counted),
            )

        begin = len(head) + len(meta(0)) + 8
        return head + meta(begin) + box("mdat", *(data for _, data, _, _ in self.items))
