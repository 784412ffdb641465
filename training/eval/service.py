"""A running service as an embedder: files and texts in, vectors out, over gRPC."""

import importlib
import sys
import time
from collections import deque
from pathlib import Path

import grpc
import numpy as np
from grpc_tools import protoc
from tqdm import tqdm

ROOT = Path(__file__).parent.parent.parent
GENERATED = Path(__file__).parent.parent / ".cache" / "proto"
BATCH, IN_FLIGHT, PATIENCE = 8, 3, 100
LARGEST = 64 << 20


def stubs():
    """The modules that protoc makes of proto/onespace/v1: (embedding_pb2, embedding_pb2_grpc, types_pb2, space_pb2, space_pb2_grpc)."""
    GENERATED.mkdir(parents=True, exist_ok=True)
    include = Path(importlib.import_module("grpc_tools").__file__).parent / "_proto"
    sources = [str(p) for p in sorted((ROOT / "proto/onespace/v1").glob("*.proto"))]
    out = [f"--{kind}_out={GENERATED}" for kind in ("python", "grpc_python")]
    if protoc.main(["protoc", f"-I{ROOT / 'proto'}", f"-I{include}", *out, *sources]):
        raise SystemExit("protoc failed")
    sys.path.insert(0, str(GENERATED))
    return [importlib.import_module(f"onespace.v1.{name}") for name in ("embedding_pb2", "embedding_pb2_grpc", "types_pb2", "space_pb2", "space_pb2_grpc")]


class Service:
    """Embeds files and texts; `name` is the fingerprint of the space."""

    def __init__(self, endpoint: str):
        self.messages, services, self.types, space, space_services = stubs()
        options = [("grpc.max_send_message_length", LARGEST), ("grpc.max_receive_message_length", LARGEST)]
        channel = grpc.insecure_channel(endpoint, options=options)
        self.stub = services.EmbeddingServiceStub(channel)
        served = space_services.SpaceServiceStub(channel).GetSpace(space.GetSpaceRequest(), timeout=30)
        self.name = served.space.space_fingerprint

    def files(self, label: str, paths: list[str]) -> np.ndarray:
        return self._embed(label, paths, lambda path: self.types.Media(data=Path(path).read_bytes()))

    def texts(self, label: str, texts: list[str]) -> np.ndarray:
        return self._embed(label, texts, lambda text: self.types.Media(text=text))

    def _embed(self, label: str, inputs: list[str], media) -> np.ndarray:
        """A few requests are always on their way; those that found the queues full go again."""
        vectors: list = [None] * len(inputs)
        waiting = deque((list(range(s, min(s + BATCH, len(inputs)))), 0) for s in range(0, len(inputs), BATCH))
        flying: deque = deque()
        bar = tqdm(total=len(inputs), desc=label)
        while waiting or flying:
            while waiting and len(flying) < IN_FLIGHT:
                rows, tries = waiting.popleft()
                request = self.messages.EmbedRequest(items=[media(inputs[row]) for row in rows])
                flying.append((rows, tries, self.stub.Embed.future(request, timeout=300)))
            rows, tries, call = flying.popleft()
            again = self._collect(label, rows, call, inputs, vectors)
            bar.update(len(rows) - len(again))
            if again:
                if tries == PATIENCE:
                    raise SystemExit(f"{label}: the service stays full")
                time.sleep(0.05)
                waiting.append((again, tries + 1))
        bar.close()
        return np.stack(vectors)

    def _collect(self, label: str, rows: list[int], call, inputs: list[str], vectors: list) -> list[int]:
        """Fills in what came; returns the rows to ask for again."""
        try:
            results = call.result().results
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
            return rows
        again = []
        for row, result in zip(rows, results):
            if result.WhichOneof("outcome") == "embeddings":
                vectors[row] = self._whole(result.embeddings.embeddings)
            elif result.error.retry_after_ms:
                again.append(row)
            else:
                raise SystemExit(f"{label}: {inputs[row]}: {result.error.reason}: {result.error.message}")
        return again

    def _whole(self, embeddings) -> np.ndarray:
        """The vector of the whole media; of a film, of its pictures."""
        wanted = (self.types.TRACK_WHOLE, self.types.TRACK_VISUAL)
        found = next(e for e in embeddings if e.segment == 0 and e.track in wanted)
        return np.array(found.vector, np.float32)
