"""Vectors that are known already: by the space, the service that made them, and what they were made from."""

import hashlib
import sqlite3
from pathlib import Path

import numpy as np
import numpy.typing as npt

from everyday.packages import digest

Vector = npt.NDArray[np.float32]


def content_key(kind: str, content: bytes) -> str:
    """A text and a file of the same bytes are two things."""
    return hashlib.sha256(kind.encode() + b"\0" + content).hexdigest()


class Kept:
    """One file for each space and binary: another build may prepare media otherwise."""

    def __init__(self, cache: Path, fingerprint: str, binary: Path) -> None:
        folder = cache / "vectors"
        folder.mkdir(parents=True, exist_ok=True)
        self.base = sqlite3.connect(folder / f"{fingerprint[:16]}-{digest(binary)[:16]}.sqlite")
        self.base.execute("CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, vector BLOB NOT NULL)")

    def get(self, key: str) -> Vector | None:
        row = self.base.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
        return None if row is None else np.frombuffer(row[0], "<f4")

    def put(self, key: str, vector: Vector) -> None:
        self.base.execute("INSERT OR REPLACE INTO vectors VALUES (?, ?)", (key, vector.astype("<f4").tobytes()))

    def save(self) -> None:
        self.base.commit()
