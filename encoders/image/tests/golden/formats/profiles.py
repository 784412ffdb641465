"""Small colour profiles (ICC.1, version 2): of three primaries, of grey, and of inks by a table."""

import struct


def tag_xyz(x: float, y: float, z: float) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in (x, y, z))


def tag_gamma(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def tag_text(text: bytes) -> bytes:
    body = b"text\0\0\0\0" + text + b"\0"
    return body + bytes(-len(body) % 4)


def profile(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    white = tag_xyz(0.9642, 1.0, 0.8249)
    tags = {b"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(78), b"cprt": tag_text(b"none"), b"wtpt": white, **tags}
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", at + len(body), bytes(4), 0x02400000, kind, space, connection)
    head += struct.pack(">6H4s", 2020, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    head += bytes(128 - len(head))
    return head + struct.pack(">I", len(tags)) + table + body


def of_primaries(red, green, blue, gamma: float) -> bytes:
    """Primaries are given as the profile connection space has them (adapted to D50)."""
    curve = tag_gamma(gamma)
    colours = {b"rXYZ": tag_xyz(*red), b"gXYZ": tag_xyz(*green), b"bXYZ": tag_xyz(*blue)}
    return profile(b"mntr", b"RGB ", b"XYZ ", {**colours, b"rTRC": curve, b"gTRC": curve, b"bTRC": curve})


def display_p3() -> bytes:
    return of_primaries((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407), 2.2)


def adobe_rgb() -> bytes:
    return of_primaries((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457), 2.2)


def grey(gamma: float) -> bytes:
    return profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": tag_gamma(gamma)})


def inks() -> bytes:
    """Lab at each corner of four inks: light falls by a product of what each ink leaves."""
    ramp = bytes(range(256))
    corners = b""
    for corner in range(16):
        c, m, y, k = (corner >> 3) & 1, (corner >> 2) & 1, (corner >> 1) & 1, corner & 1
        light = 100 * (1 - 0.38 * c) * (1 - 0.5 * m) * (1 - 0.07 * y) * (1 - 0.85 * k)
        a, b = (-35 * c + 72 * m - 5 * y) * (1 - k), (-50 * c - 4 * m + 90 * y) * (1 - k)
        corners += bytes([round(light * 2.55), round(max(-128, min(127, a))) + 128, round(max(-128, min(127, b))) + 128])
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0])
    lut += b"".join(struct.pack(">i", value * 65536) for value in (1, 0, 0, 0, 1, 0, 0, 0, 1))
    return profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": lut + ramp * 4 + corners + ramp * 3})
