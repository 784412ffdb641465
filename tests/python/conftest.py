"""A server of the real binary, and stubs made from the .proto files as they are now."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_tools import protoc
from support import PATIENCE, ROOT

BINARY = ROOT / "target/release/onespace"
LARGEST = 64 << 20


@pytest.fixture(scope="session")
def stubs(tmp_path_factory) -> ModuleType:
    """What protoc makes of proto/onespace/v1: messages and services in one namespace."""
    out = tmp_path_factory.mktemp("stubs")
    wellknown = Path(importlib.import_module("grpc_tools").__file__).parent / "_proto"
    sources = sorted(str(path) for path in (ROOT / "proto/onespace/v1").glob("*.proto"))
    paths = [f"-I{ROOT / 'proto'}", f"-I{wellknown}", f"--python_out={out}", f"--grpc_python_out={out}"]
    assert protoc.main(["protoc", *paths, *sources]) == 0
    sys.path.insert(0, str(out))
    # Packages of their own, so that the client's, which is installed, is not taken in their place.
    for folder in ("onespace", "onespace/v1"):
        (out / folder / "__init__.py").touch()
    everything = ModuleType("stubs")
    for source in sources:
        for kind in ("pb2", "pb2_grpc"):
            module = importlib.import_module(f"onespace.v1.{Path(source).stem}_{kind}")
            vars(everything).update({name: value for name, value in vars(module).items() if name[0].isupper()})
    return everything


@pytest.fixture(scope="session")
def addresses(tmp_path_factory):
    """host:port of `onespace up` for gRPC and for HTTP; it is ended with the session."""
    assert BINARY.exists(), f"{BINARY} is not built: cargo build --release -p onespace"
    folder = tmp_path_factory.mktemp("server")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ONESPACE_") or k == "ONESPACE_ONNXRUNTIME"}
    arguments = ["up", "--data", folder / "data", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(
            [BINARY, *arguments], stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT, env=environment
        )
        try:
            first = process.stdout.readline()
            assert first.startswith("listening grpc="), first + (folder / "log").read_text()
            yield tuple(word.split("=")[1] for word in first.split()[1:])
        finally:
            process.terminate()
            try:
                assert process.wait(PATIENCE) == 0, (folder / "log").read_text()
            finally:
                process.kill()
                process.stdout.close()


@pytest.fixture(scope="session")
def server(addresses):
    """host:port of its gRPC."""
    return addresses[0]


@pytest.fixture(scope="session")
def http(addresses):
    """The URL of its HTTP."""
    return f"http://{addresses[1]}"


@pytest.fixture(scope="session")
def channel(server):
    options = [("grpc.max_send_message_length", LARGEST), ("grpc.max_receive_message_length", LARGEST)]
    with grpc.insecure_channel(server, options=options) as channel:
        yield channel


@pytest.fixture(scope="session", autouse=True)
def ready(channel):
    """Health says when the server is ready; nobody has to guess."""
    watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=PATIENCE, wait_for_ready=True)
    for answer in watch:
        if answer.status == health_pb2.HealthCheckResponse.SERVING:
            break
    watch.cancel()
