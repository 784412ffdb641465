"""One server of the real binary for all tests, and clients of it."""

import os
from pathlib import Path

import pytest

from onespace import Client, LocalServer
from support import BINARY, BUNDLE, SAMPLES


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """host:port of a server, ended with the session."""
    assert BINARY.exists(), f"{BINARY} is not built: cargo build --release -p onespace"
    with LocalServer(BUNDLE, tmp_path_factory.mktemp("data"), binary=BINARY) as server:
        yield server.endpoint


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Nothing of the user's own settings but where the runtime is."""
    for name in os.environ:
        if name.startswith("ONESPACE_") and name not in ("ONESPACE_ONNXRUNTIME", "ONESPACE_BINARY"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def client(server):
    with Client(server) as client:
        yield client


@pytest.fixture(scope="session")
def stored(client) -> str:
    """A collection with a dozen samples of each modality."""
    folders = ("images", "sounds", "videos", "points", "texts")
    paths = [path for folder in folders for path in some(folder, 12)]
    report = client.ingest("samples", paths)
    assert (report.failed, sum(report.stored.values())) == (0, len(paths)), report
    return "samples"


def some(folder: str, count: int) -> list[Path]:
    """Files of a folder, evenly from all of it."""
    files = sorted((SAMPLES / folder).iterdir())
    return files[:: max(1, len(files) // count)][:count]
