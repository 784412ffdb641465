"""A collection in the service's own store: filled, asked, and gone with the service."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
from tqdm import tqdm

from everyday.evaluation.embed import PATIENCE, PAUSE, TRY_AGAIN
from everyday.evaluation.service import Failed, Service

CHUNK = 1 << 20


class Collection:
    def __init__(self, service: Service, name: str) -> None:
        self.service, self.types, self.name = service, service.stubs, name

    def fill(self, items: dict[str, Path | str]) -> dict[str, str]:
        """Stores files and texts under their ids, again where the service is full; says what was refused and why."""
        waiting, refused = dict(items), dict[str, str]()
        with tqdm(total=len(items), desc=self.name, leave=False) as bar:
            for _ in range(PATIENCE):
                again = {}
                for event in self.service.collections.Ingest(self._requests(waiting)):
                    if event.status != self.types.INGEST_STATUS_FAILED:
                        bar.update()
                    elif event.error.retry_after_ms:
                        again[event.request_id] = waiting[event.request_id]
                    else:
                        refused[event.request_id] = f"{event.error.reason}: {event.error.message}"
                if not again:
                    return refused
                waiting = again
                time.sleep(PAUSE)
        raise Failed(f"{self.name}: the service stays full")

    def _requests(self, items: dict[str, Path | str]) -> Iterator[Any]:
        pb = self.types
        yield pb.IngestRequest(start=pb.IngestStart(collection=self.name, create=True))
        for key, content in items.items():
            said = pb.Media(text=content) if isinstance(content, str) else pb.Media()
            yield pb.IngestRequest(item=pb.IngestItem(request_id=key, item_id=key, media=said))
            if isinstance(content, Path):
                data = content.read_bytes()
                for start in range(0, len(data), CHUNK):
                    chunk = pb.Chunk(data=data[start : start + CHUNK], last=start + CHUNK >= len(data))
                    yield pb.IngestRequest(chunk=chunk)

    def search(self, text: str, limit: int, calibrate: bool) -> list[str]:
        """The ids of the best items of all modalities."""
        pb = self.types
        request = pb.SearchRequest(
            collection=self.name, parts=[pb.QueryPart(media=pb.Media(text=text))], limit=limit, calibrate=calibrate
        )
        for _ in range(PATIENCE):
            try:
                return [hit.item.item_id for hit in self.service.searching.Search(request, timeout=60).hits]
            except grpc.RpcError as error:
                if error.code() not in TRY_AGAIN:
                    raise
                time.sleep(PAUSE)
        raise Failed(f"{self.name}: the service stays full")
