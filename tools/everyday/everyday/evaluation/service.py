"""The built service, run on a bundle in a process of its own, and stubs made from proto/ as it is."""

import importlib
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import ModuleType, TracebackType
from typing import IO, Any

import grpc
from grpc_tools import protoc

from everyday.packages import ROOT

RUNTIME = ROOT / "target/onnxruntime/libonnxruntime.so"
MESSAGE_BYTES, START_SECONDS, STOP_SECONDS = 64 << 20, 300, 30


class Failed(Exception):
    """What the service said instead of an answer."""


def stubs(cache: Path) -> Any:
    """Messages and services of proto/onespace/v1 in one namespace."""
    out = cache / "proto"
    out.mkdir(parents=True, exist_ok=True)
    wellknown = Path(protoc.__file__).parent / "_proto"
    sources = sorted((ROOT / "proto/onespace/v1").glob("*.proto"))
    paths = [f"-I{ROOT / 'proto'}", f"-I{wellknown}", f"--python_out={out}", f"--grpc_python_out={out}"]
    if protoc.main(["protoc", *paths, *(str(path) for path in sources)]):
        raise Failed("protoc does not take the .proto files")
    if str(out) not in sys.path:
        sys.path.insert(0, str(out))
    everything = ModuleType("stubs")
    for source in sources:
        for kind in ("pb2", "pb2_grpc"):
            module = importlib.import_module(f"onespace.v1.{source.stem}_{kind}")
            vars(everything).update({name: value for name, value in vars(module).items() if name[0].isupper()})
    return everything


class Service:
    """`with Service(binary, bundle, cache) as service`; `prefix` goes before the command, to choose its cores."""

    def __init__(
        self, binary: Path, bundle: Path, cache: Path, prefix: tuple[str, ...] = (), transcriber: Path | None = None
    ) -> None:
        self.binary, self.bundle, self.prefix, self.transcriber = binary, bundle, prefix, transcriber
        self.stubs = stubs(cache)

    def __enter__(self) -> "Service":
        self.folder = tempfile.TemporaryDirectory()
        self.log = Path(self.folder.name) / "log"
        command = [
            *self.prefix,
            str(self.binary),
            "up",
            "--bundle",
            str(self.bundle),
            "--data",
            f"{self.folder.name}/data",
        ]
        command += ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        if self.transcriber:
            command += ["--transcriber", str(self.transcriber)]
        environment = {"ONESPACE_ONNXRUNTIME": str(RUNTIME), "ORT_DISABLE_TELEMETRY": "1", **os.environ}
        begun = time.perf_counter()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment, bufsize=1
            )
        try:
            self.endpoint = self._ready()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self.started_in = time.perf_counter() - begun
        options = [("grpc.max_send_message_length", MESSAGE_BYTES), ("grpc.max_receive_message_length", MESSAGE_BYTES)]
        self.channel = grpc.insecure_channel(self.endpoint, options=options)
        self.embedding = self.stubs.EmbeddingServiceStub(self.channel)
        self.searching = self.stubs.SearchServiceStub(self.channel)
        self.collections = self.stubs.CollectionServiceStub(self.channel)
        answer = self.stubs.SpaceServiceStub(self.channel).GetSpace(self.stubs.GetSpaceRequest(), timeout=30)
        self.space, self.version, self.hears = answer.space, answer.version, answer.HasField("transcriber")
        return self

    def _ready(self) -> str:
        """Waits for the `ready` line, which says that the golden vectors came out right; gives the address."""
        lines: queue.Queue[str | None] = queue.Queue()
        assert self.process.stdout is not None
        threading.Thread(target=_follow, args=(self.process.stdout, lines), name="stdout", daemon=True).start()
        endpoint, deadline = "", time.monotonic() + START_SECONDS
        while True:
            try:
                line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise Failed(f"the service is not ready after {START_SECONDS} s") from None
            if line is None:
                said = self.log.read_text(errors="replace").splitlines()[-4:]
                raise Failed("the service does not start: " + " | ".join(said))
            if line.startswith("listening grpc="):
                endpoint = line.split("grpc=")[1].split()[0]
            if line.startswith("ready"):
                return endpoint

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()

    def towers(self) -> set[str]:
        """The modalities that this bundle has a tower for."""
        return {self.stubs.Modality.Name(t.modality).removeprefix("MODALITY_").lower() for t in self.space.towers}

    def resident_mib(self) -> float:
        """What the process holds in memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024


def _follow(stream: IO[str], lines: "queue.Queue[str | None]") -> None:
    """Reads on for as long as the service writes, so that its pipe never fills."""
    for line in stream:
        lines.put(line)
    lines.put(None)
