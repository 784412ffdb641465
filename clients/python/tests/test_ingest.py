"""Ingest: folders, rows and streams of items; broken streams and bad items."""

import asyncio
import json
import time

import pytest

from onespace import AsyncClient, Client, File, IngestEvent, IngestItem, OnespaceError, Parts
from onespace.limits import CHUNK_BYTES
from proxy import Proxy
from support import SAMPLES, sample

MUG = sample("images/red-mug-01.jpg")


@pytest.fixture
def collection(client, request):
    name = request.node.name.replace("[", "-").replace("]", "")[:128]
    yield name
    try:
        client.delete_collection(name)
    except OnespaceError:
        pass


def test_a_folder_is_stored_once(client, collection, tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep/er/red-mug.jpg").write_bytes(MUG.read_bytes())
    (tmp_path / "note_1.txt").write_text("a note")
    (tmp_path / ".hidden.txt").write_text("hidden")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    (tmp_path / "absent").symlink_to(tmp_path / "nowhere")
    told: list[IngestEvent] = []
    report = client.ingest(collection, tmp_path, progress=told.append)
    assert report.stored == {"image": 1, "text": 1} and report.failed == 2
    reasons = {event.source.rsplit("/", 1)[1]: event.error.reason for event in report.failures}
    assert reasons == {"broken.png": "MEDIA_MALFORMED", "absent": "UNREADABLE"}
    assert sorted(event.index for event in told) == [0, 1, 2, 3]
    items = {item.title: item for item in client.list_items(collection)}
    assert items["red mug"].uri == str(tmp_path / "deep/er/red-mug.jpg") and "note 1" in items
    again = client.ingest(
        collection, [tmp_path / "deep", tmp_path / "note_1.txt", tmp_path / "broken.png"]
    )
    assert (again.stored, again.unchanged, again.updated, again.failed) == ({}, 2, 0, 1)
    assert str(again) == "stored: nothing new; updated: 0; unchanged: 2; failed: 1"
    # The same content under another path is the same item, of which another thing is said.
    assert client.ingest(collection, [MUG]).updated == 1
    with pytest.raises(OnespaceError):
        again.raise_for_failures()
    with pytest.raises(FileNotFoundError):
        client.ingest(collection, tmp_path / "nowhere")
    with pytest.raises(TypeError):
        client.ingest(collection, {"text": "a"})


def test_items_of_every_shape(client, collection, tmp_path):
    large = tmp_path / "large.jpg"
    large.write_bytes(MUG.read_bytes() + bytes(2 * CHUNK_BYTES))

    def items():
        yield "a text"
        yield MUG
        yield (tmp_path / "large.jpg").open("rb")
        yield IngestItem(Parts(["a mug", large], [1, 2]), item_id="both", title="t", uri="u")
        yield {"text": "a row", "item_id": 7, "price": 5, "unknown": None}
        yield {"path": large, "title": "by path"}
        yield {"no": "media"}
        yield IngestItem("too far", metadata={"x": 1 << 60})
        yield IngestItem(File(b"1,2\n", "text"), item_id="x" * 129)

    report = client.ingest(collection, items())
    assert report.stored == {"text": 3, "image": 2} and report.updated == 1, report
    assert sorted(event.index for event in report.failures) == [6, 7, 8]
    by_index = {event.index: event.error for event in report.failures}
    assert "one of text, path, data, media" in by_index[6].message
    assert "2^53" in by_index[7].message and by_index[8].field.startswith("items[8]")
    both = client.get_item(collection, "both")
    assert (both.modality, both.title, both.embeddings[0].track) == ("text", "t", "parts")
    assert client.get_item(collection, "7").metadata == {"price": 5}
    with pytest.raises(OnespaceError) as absent:
        client.ingest("nowhere", ["a"], create=False)
    assert absent.value.reason == "COLLECTION_NOT_FOUND"


def test_lines_of_json_are_rows(client, collection, tmp_path):
    (tmp_path / "mug.jpg").write_bytes(MUG.read_bytes())
    rows = [
        {"caption": "a red mug", "sku": "m1", "price": 3},
        {"path": "mug.jpg", "sku": "m2", "metadata": {"price": 4}, "colour": "red"},
        ["no", "row"],
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n\n".join(map(json.dumps, rows)) + '\n{"caption": \n')
    report = client.ingest(collection, path, columns={"text": "caption", "item_id": "sku"})
    assert report.stored == {"text": 1, "image": 1} and report.failed == 2
    found = client.get_items(collection, ["m1", "m2"])
    assert found["m1"].metadata == {"price": 3}
    assert found["m2"].metadata == {"price": 4, "colour": "red"}
    assert found["m2"].uri == str(tmp_path / "mug.jpg")


def test_thousands_of_items_are_each_told_once(client, collection):
    told: list[int] = []
    count = 3000
    texts = (f"mug no. {number}" for number in range(count))
    report = client.ingest(collection, texts, progress=lambda event: told.append(event.index))
    assert report.stored == {"text": count} and sorted(told) == list(range(count))
    assert client.count_items(collection) == count


@pytest.mark.parametrize("where", [3_000, 200_000])
def test_a_stream_that_breaks_goes_on_where_it_was(server, client, collection, where):
    proxy = Proxy(server)
    told: list[int] = []
    try:
        with Client(proxy.endpoint) as mine:
            mine.space()
            proxy.cut_after(where)

            def tell(event: IngestEvent) -> None:
                told.append(event.index)
                if len(told) in (40, 90):
                    proxy.cut()

            files = [SAMPLES / "images", *(f"mug no. {number}" for number in range(200))]
            report = mine.ingest(collection, files, progress=tell)
    finally:
        proxy.close()
    assert proxy.cuts >= 3
    count = len(list((SAMPLES / "images").iterdir())) + 200
    assert sorted(told) == list(range(count)) and report.failed == 0
    assert sum(report.stored.values()) + report.unchanged == count
    assert client.count_items(collection) == count


def test_calls_outlive_a_broken_connection(server):
    proxy = Proxy(server)
    try:
        with Client(proxy.endpoint) as mine:
            before = mine.embed(["a mug"])
            proxy.cut()
            assert (mine.embed(["a mug"]) == before).all()
            # In the middle of a file in chunks.
            data = MUG.read_bytes() + bytes(4 * CHUNK_BYTES)
            proxy.cut_after(3 * CHUNK_BYTES)
            assert mine.embed_file(data, segments=False).vector.shape == before[0].shape
            assert proxy.cuts == 2
    finally:
        proxy.close()


def test_a_server_that_is_away_is_waited_for(server, client, collection):
    proxy = Proxy(server)
    told: list[int] = []

    def tell(event: IngestEvent) -> None:
        told.append(event.index)
        if len(told) == 20:
            proxy.go_away(2)

    try:
        with Client(proxy.endpoint) as mine:
            texts = [f"mug no. {number}" for number in range(100)]
            report = mine.ingest(collection, texts, progress=tell)
            assert sum(report.stored.values()) + report.unchanged == 100
            proxy.go_away(2)
            assert mine.count_items(collection) == 100
        proxy.go_away(60)
        with Client(proxy.endpoint) as late, pytest.raises(OnespaceError) as nobody:
            late.space()
        assert nobody.value.reason == "UNREACHABLE"
    finally:
        proxy.close()


def test_a_source_that_is_slow_or_fails(client, collection, monkeypatch):
    monkeypatch.setattr("onespace.ingesting.IDLE", 0.2)

    def slow():
        for number in range(3):
            yield f"slow {number}"
            time.sleep(0.5)

    assert client.ingest(collection, slow()).stored == {"text": 3}

    def fails():
        yield "before"
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError, match="the disk is gone"):
        client.ingest(collection, fails())
    assert client.ingest(collection, []).stored == {}


def test_an_async_source_is_taken_as_it_comes(server, client, collection):
    async def texts():
        for number in range(5):
            await asyncio.sleep(0.01)
            yield f"late {number}"

    async def main():
        async with AsyncClient(server) as mine:
            return await mine.ingest(collection, texts())

    assert asyncio.run(main()).stored == {"text": 5}


def test_a_checkpoint_skips_what_is_done(client, collection, tmp_path):
    folder, mark = tmp_path / "media", tmp_path / "done"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.txt").write_text(f"mug no. {number}")
    (folder / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    first = client.ingest(collection, folder, checkpoint=mark)
    assert (first.stored, first.failed, first.skipped) == ({"text": 5}, 1, 0)
    (folder / "3.txt").write_text("another mug")
    with mark.open("a") as file:
        file.write('["half of a li')
    second = client.ingest(collection, folder, checkpoint=mark)
    assert (second.stored, second.failed, second.skipped) == ({"text": 1}, 1, 4)
    assert client.ingest(collection, folder, checkpoint=mark).skipped == 5
    items = [IngestItem(f"x {number}", item_id=f"x{number}") for number in range(3)]
    assert client.ingest(collection, items, checkpoint=mark).stored == {"text": 3}
    assert client.ingest(collection, items, checkpoint=mark).skipped == 3
