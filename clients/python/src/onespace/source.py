"""The content of media on its way: in one message if it is small, in chunks if it is not."""

from __future__ import annotations

import asyncio
import io
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, cast

from onespace.limits import BATCH_BYTES, CHUNK_BYTES
from onespace.v1 import types_pb2

Open = Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass(frozen=True)
class Source:
    """One content, which can be read as often as it has to be sent."""

    size: int
    text: str | None = None
    data: bytes | None = None
    open: Open | None = None
    modality: str | None = None
    media_type: str = ""

    @classmethod
    def from_text(cls, text: str) -> Source:
        """A text. One that no server takes is sent as a file, so that it is refused by its name."""
        # Lone surrogates, which no UTF-8 has, are a UnicodeEncodeError: a ValueError.
        data = text.encode()
        if len(data) <= CHUNK_BYTES:
            return cls(len(data), text=text)
        return cls(len(data), data=data, modality="text")

    @classmethod
    def from_bytes(cls, data: bytes) -> Source:
        """The content of a file."""
        return cls(len(data), data=data)

    @classmethod
    def from_path(cls, path: Path) -> Source:
        """A regular file; read now if it is small, at each sending if it is not."""
        if not path.is_file():
            # As open() says it where there is none or it is a folder.
            with path.open("rb"):
                raise ValueError(f"{path} is not a regular file")
        size = path.stat().st_size
        if size <= CHUNK_BYTES:
            return cls.from_bytes(path.read_bytes())
        return cls(size, open=lambda: path.open("rb"))

    @classmethod
    def from_file(cls, file: IO[bytes]) -> Source:
        """What is left to read of an open file."""
        head = file.read(CHUNK_BYTES + 1)
        if not isinstance(head, bytes):
            raise TypeError("open the file in binary: open(path, 'rb')")
        if len(head) <= CHUNK_BYTES:
            return cls.from_bytes(head)
        # Read once, now: a file that is read by others, or is a pipe, cannot be read again later.
        copy = tempfile.TemporaryFile()
        copy.write(head)
        shutil.copyfileobj(file, copy, CHUNK_BYTES)
        return cls(copy.tell(), open=lambda: _from_start(copy))

    def named(self, modality: str | None, media_type: str) -> Source:
        """The same content, said to be of this modality and type. Raises ValueError for none."""
        modality_in(modality)
        return replace(self, modality=modality or self.modality, media_type=media_type)

    def message(self, inline: bool) -> types_pb2.Media:
        """The media, with or without its content."""
        media = types_pb2.Media(modality=modality_in(self.modality), media_type=self.media_type)
        if inline and self.text is not None:
            media.text = self.text
        elif inline:
            with self._opened() as file:
                media.data = file.read()
        return media

    async def chunks(self) -> AsyncIterator[types_pb2.Chunk]:
        """The content in chunks of the largest size; the last says so. Reading may block."""
        pieces = self._pieces()
        while (chunk := await asyncio.to_thread(next, pieces, None)) is not None:
            yield chunk

    def _pieces(self) -> Iterator[types_pb2.Chunk]:
        if self.size == 0:
            yield types_pb2.Chunk(last=True)
        with self._opened() as file:
            sent = 0
            while sent < self.size:
                piece = file.read(min(CHUNK_BYTES, self.size - sent))
                if not piece:
                    raise OSError(f"the file ended after {sent} of {self.size} bytes")
                sent += len(piece)
                yield types_pb2.Chunk(data=piece, last=sent == self.size)

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        if self.open is not None:
            with self.open() as file:
                yield file
        else:
            yield io.BytesIO(self.data or b"")


@contextmanager
def _from_start(file: IO[bytes]) -> Iterator[IO[bytes]]:
    file.seek(0)
    yield file


@dataclass(frozen=True)
class Upload:
    """One item: a content, or several with weights that become one vector."""

    parts: list[tuple[Source, float | None]]
    whole: bool
    """One content, not a list of parts."""

    @property
    def size(self) -> int:
        """Bytes of all its content."""
        return sum(source.size for source, _ in self.parts)

    @property
    def is_small(self) -> bool:
        """Whether it travels in one message."""
        return all(self._inline())

    def media(self, *, complete: bool = False) -> types_pb2.Media:
        """The message. What is large is left out, to follow in chunks, unless it is complete."""
        inline = [True] * len(self.parts) if complete else self._inline()
        messages = [source.message(is_in) for (source, _), is_in in zip(self.parts, inline)]
        if self.whole:
            return messages[0]
        weighted = [
            types_pb2.WeightedMedia(media=message, weight=weight)
            for message, (_, weight) in zip(messages, self.parts)
        ]
        return types_pb2.Media(parts=types_pb2.MediaParts(parts=weighted))

    async def chunks(self) -> AsyncIterator[types_pb2.Chunk]:
        """The chunks of what was left out, part by part."""
        for (source, _), is_in in zip(self.parts, self._inline()):
            if not is_in:
                async for chunk in source.chunks():
                    yield chunk

    def _inline(self) -> list[bool]:
        """Which parts are in the message: small ones, as long as there is room."""
        room, inline = BATCH_BYTES, []
        for source, _ in self.parts:
            is_file = source.open is not None or source.size > min(CHUNK_BYTES, room)
            fits = source.text is not None or not is_file
            inline.append(fits)
            room -= source.size if fits else 0
        return inline


def modality_in(name: str | None) -> types_pb2.Modality:
    """A modality's number. Raises ValueError for a name that is none."""
    if name is None:
        return types_pb2.MODALITY_UNSPECIFIED
    try:
        return cast(types_pb2.Modality, types_pb2.Modality.Value(f"MODALITY_{name.upper()}"))
    except ValueError:
        known = ", ".join(
            one.removeprefix("MODALITY_").lower() for one in types_pb2.Modality.keys()[1:]
        )
        raise ValueError(f"{name!r} is no modality: {known}") from None
