"""Files and texts through the service: a few requests on their way at a time, those that found it full sent again."""

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from everyday.evaluation.kept import Kept, Vector, content_key
from everyday.evaluation.service import Failed, Service

BATCH, IN_FLIGHT, PATIENCE, PAUSE = 4, 2, 200, 0.1
BATCH_BYTES = 16 << 20
TRY_AGAIN = (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Content:
    """One input: a text, or the bytes of a file with a name for complaints. `track` chooses among several vectors;
    `language` is what is spoken in it, where the service is told."""

    name: str
    data: bytes
    text: bool = False
    track: str = ""
    language: str = ""

    @property
    def key(self) -> str:
        return content_key(("text" if self.text else "file") + self.track + self.language, self.data)


class Embedder:
    """Vectors by content; what the service refuses is None, and said once."""

    def __init__(self, service: Service, cache: Path) -> None:
        self.service, self.types = service, service.stubs
        self.kept = Kept(cache, service.space.space_fingerprint, service.binary)
        self.refused: dict[str, str] = {}

    def texts(self, texts: Iterable[str], label: str = "texts") -> Vectors:
        """A text is never refused."""
        return _whole(self.contents([Content(t, t.encode(), True) for t in texts], label), self.refused)

    def files(self, paths: Iterable[Path], label: str) -> list[Vector | None]:
        return self.contents([Content(str(p), p.read_bytes()) for p in paths], label)

    def contents(self, contents: list[Content], label: str) -> list[Vector | None]:
        found = [self.kept.get(content.key) for content in contents]
        missing = {c.key: c for c, vector in zip(contents, found, strict=True) if vector is None}
        if missing:
            self._ask(list(missing.values()), label)
            found = [self.kept.get(content.key) for content in contents]
        return found

    def _ask(self, contents: list[Content], label: str) -> None:
        waiting, flying = deque((group, 0) for group in _groups(contents)), deque[tuple[list[Content], int, Any]]()
        with tqdm(total=len(contents), desc=label, leave=False) as bar:
            while waiting or flying:
                while waiting and len(flying) < IN_FLIGHT:
                    group, tries = waiting.popleft()
                    request = self.types.EmbedRequest(items=[self._media(content) for content in group])
                    request.options.speech.language = group[0].language
                    flying.append((group, tries, self.service.embedding.Embed.future(request, timeout=120)))
                group, tries, call = flying.popleft()
                again = self._collect(group, call)
                bar.update(len(group) - len(again))
                if again:
                    if tries == PATIENCE:
                        raise Failed(f"{label}: the service stays full")
                    time.sleep(PAUSE)
                    waiting.append((again, tries + 1))
        self.kept.save()

    def _media(self, content: Content) -> Any:
        return self.types.Media(text=content.data.decode()) if content.text else self.types.Media(data=content.data)

    def _collect(self, group: list[Content], call: Any) -> list[Content]:
        """Keeps what came; returns what is to be asked for again."""
        try:
            results = call.result().results
        except grpc.RpcError as error:
            if error.code() not in TRY_AGAIN:
                raise
            return group
        again = []
        for content, result in zip(group, results, strict=True):
            if result.WhichOneof("outcome") == "embeddings":
                vector = self._chosen(content, result.embeddings.embeddings)
                if vector is not None:
                    self.kept.put(content.key, vector)
            elif result.error.retry_after_ms:
                again.append(content)
            else:
                self.refused[content.name] = f"{result.error.reason}: {result.error.message}"
        return again

    def _chosen(self, content: Content, embeddings: Any) -> Vector | None:
        """The vector of the whole media, of a film that of its pictures; or of the track that was named."""
        names = [content.track] if content.track else ["TRACK_WHOLE", "TRACK_VISUAL"]
        wanted = {self.types.Track.Value(name) for name in names}
        for embedding in embeddings:
            if embedding.segment == 0 and embedding.track in wanted:
                return np.array(embedding.vector, np.float32)
        self.refused[content.name] = f"no vector of {' or '.join(names)}"
        return None


def _groups(contents: list[Content]) -> Iterable[list[Content]]:
    """A request takes so many items and so many bytes."""
    group: list[Content] = []
    for content in contents:
        full = len(group) == BATCH or sum(len(c.data) for c in (*group, content)) > BATCH_BYTES
        if group and (full or content.language != group[0].language):
            yield group
            group = []
        group.append(content)
    if group:
        yield group


def known(vectors: list[Vector | None]) -> tuple[list[int], Vectors]:
    """Which of them there are, and these as rows."""
    rows = [(i, vector) for i, vector in enumerate(vectors) if vector is not None]
    stacked = np.stack([vector for _, vector in rows]) if rows else np.zeros((0, 1), np.float32)
    return [i for i, _ in rows], stacked


def _whole(vectors: list[Vector | None], refused: dict[str, str]) -> Vectors:
    if any(vector is None for vector in vectors):
        raise Failed(f"a text was refused: {list(refused.items())[-1]}")
    return known(vectors)[1]
