"""A server of one's own, for as long as it is needed; clients that are closed."""

import asyncio
import threading
from pathlib import Path

import pytest

from onespace import AsyncClient, Client, LocalServer, UnavailableError
from support import BINARY, BUNDLE


def test_a_server_lives_as_long_as_its_context(tmp_path):
    with Client.local(BUNDLE, tmp_path / "data", binary=BINARY) as mine:
        mine.ingest("kept", ["a mug"])
        address = mine.endpoint
    with pytest.raises(RuntimeError, match="closed"):
        mine.space()
    with Client(address) as late, pytest.raises(UnavailableError):
        late.space()

    async def main():
        async with AsyncClient.local(BUNDLE, tmp_path / "data", binary=BINARY) as again:
            return await again.count_items("kept")

    assert asyncio.run(main()) == 1


def test_data_without_a_place_go_with_the_server(monkeypatch):
    # What is set for another server is nothing to this one.
    monkeypatch.setenv("ONESPACE_KEYS", "nowhere.toml")
    server = LocalServer(BUNDLE, binary=BINARY)
    with server:
        folder = Path(server._temporary.name)
        with Client(server.endpoint) as mine:
            mine.create_collection("brief")
        assert folder.is_dir()
    assert not folder.exists()
    server.stop()


def test_a_server_that_cannot_start_says_why(tmp_path, monkeypatch):
    with pytest.raises(UnavailableError, match="nowhere"):
        LocalServer(tmp_path / "nowhere", binary=BINARY).start()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("ONESPACE_BINARY", raising=False)
    with pytest.raises(FileNotFoundError, match="onespace is no program"):
        LocalServer(BUNDLE).start()


def test_one_client_serves_many_threads(server, client):
    with Client(server) as mine:
        results = {}

        def work(number):
            results[number] = mine.embed([f"{number} mugs"])

        threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(results) == list(range(16))
    mine.close()
    assert abs(results[3] - client.embed(["3 mugs"])).max() < 1e-5


def test_who_is_told_of_progress_cannot_wait_for_the_same_client(server):
    with Client(server) as mine:
        with pytest.raises(RuntimeError, match="told of progress"):
            mine.ingest("told", ["a"], progress=lambda event: print(mine.space()))
        mine.delete_collection("told")


def test_a_client_closes_what_is_going_on(server):
    mine = Client(server)
    pages = mine.list_collections()
    assert isinstance(pages, list)
    mine.close()
    with pytest.raises(RuntimeError, match="closed"):
        mine.embed(["a"])
