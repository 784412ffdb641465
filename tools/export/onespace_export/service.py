"""The built service, run on a bundle, as an embedder: bytes in, vectors out, over gRPC."""

import importlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[3]
BINARY = ROOT / "target/release/onespace"
RUNTIME = ROOT / "target/onnxruntime/libonnxruntime.so"
# What a file's content does not tell, its sender says: a depth map would else be a picture, readings a text.
NAMED = ("depth", "thermal", "imu")
MESSAGE_BYTES, START_SECONDS, PATIENCE = 64 << 20, 300, 600


def stubs(cache: Path) -> tuple[Any, Any, Any]:
    """The modules that protoc makes of proto/onespace/v1: (embedding_pb2, embedding_pb2_grpc, types_pb2)."""
    generated = cache / "proto"
    generated.mkdir(parents=True, exist_ok=True)
    include = Path(protoc.__file__).parent / "_proto"
    sources = [str(p) for p in sorted((ROOT / "proto/onespace/v1").glob("*.proto"))]
    out = [f"--{kind}_out={generated}" for kind in ("python", "grpc_python")]
    if protoc.main(["protoc", f"-I{ROOT / 'proto'}", f"-I{include}", *out, *sources]):
        raise SystemExit("protoc failed")
    if str(generated) not in sys.path:
        sys.path.insert(0, str(generated))
    messages, services, types = (
        importlib.import_module(f"onespace.v1.{name}") for name in ("embedding_pb2", "embedding_pb2_grpc", "types_pb2")
    )
    return messages, services, types


class Failed(Exception):
    """What the service said instead of a vector."""


class Service:
    """`with Service(bundle, cache) as service: service.embed(data)`; one process of its own, on ports of its own."""

    def __init__(self, bundle: Path, cache: Path, binary: Path = BINARY) -> None:
        self.messages, self.services, self.types = stubs(cache)
        self.bundle, self.binary = bundle, binary

    def __enter__(self) -> "Service":
        self.folder = tempfile.TemporaryDirectory()
        self.log = Path(self.folder.name) / "log"
        command = [self.binary, "up", "--bundle", self.bundle, "--data", f"{self.folder.name}/data"]
        command += ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        environment = {"ONESPACE_ONNXRUNTIME": str(RUNTIME), **os.environ}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(c) for c in command], stdout=log, stderr=subprocess.STDOUT, env=environment
            )
        try:
            endpoint = self._endpoint()
        except BaseException:
            self.__exit__()
            raise
        options = [("grpc.max_send_message_length", MESSAGE_BYTES), ("grpc.max_receive_message_length", MESSAGE_BYTES)]
        self.stub = self.services.EmbeddingServiceStub(grpc.insecure_channel(endpoint, options=options))
        return self

    def _endpoint(self) -> str:
        """Waits until the service is ready, which says that its golden vectors came out right."""
        for _ in range(START_SECONDS * 5):
            lines = self.log.read_text(errors="replace").splitlines()
            if any(line.startswith("ready") for line in lines):
                return next(line for line in lines if line.startswith("listening grpc=")).split("grpc=")[1].split()[0]
            if self.process.poll() is not None:
                raise Failed("the service does not start: " + " | ".join(lines[-4:]))
            time.sleep(0.2)
        raise Failed(f"the service is not ready after {START_SECONDS} s")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()

    def embed(self, modality: str, data: bytes, media_type: str = "") -> np.ndarray:
        """The float32 vector of the whole: of a film, of its pictures."""
        media = (
            self.types.Media(text=data.decode())
            if modality == "text"
            else self.types.Media(data=data, media_type=media_type)
        )
        if modality in NAMED:
            media.modality = self.types.Modality.Value(f"MODALITY_{modality.upper()}")
        request = self.messages.EmbedRequest(items=[media])
        for _ in range(PATIENCE):
            result = self.stub.Embed(request, timeout=300).results[0]
            if result.WhichOneof("outcome") == "embeddings":
                wanted = (self.types.TRACK_WHOLE, self.types.TRACK_VISUAL)
                whole = next(e for e in result.embeddings.embeddings if e.segment == 0 and e.track in wanted)
                return np.array(whole.vector, np.float32)
            if not result.error.retry_after_ms:
                raise Failed(f"{result.error.reason}: {result.error.message}")
            time.sleep(result.error.retry_after_ms / 1000)
        raise Failed("the service stays full")
