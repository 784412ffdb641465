"""Data frames in and out, where what makes them is installed."""

import pytest

from onespace import OnespaceError
from support import sample

MUG = str(sample("images/red-mug-01.jpg"))
ROWS = {
    "caption": ["a red mug", "a green piano", None],
    "path": [None, None, MUG],
    "sku": ["m1", "m2", "m3"],
    "price": [3.5, None, 4.0],
}
COLUMNS = {"text": "caption", "item_id": "sku"}


@pytest.fixture
def collection(client):
    yield "frames"
    try:
        client.delete_collection("frames")
    except OnespaceError:
        pass


def is_stored(client, report):
    assert report.stored == {"text": 2, "image": 1}, report
    found = client.get_items("frames", ROWS["sku"])
    assert found["m1"].metadata == {"price": 3.5} and found["m2"].metadata == {}
    assert found["m3"].modality == "image"


def test_pandas_in_and_out(client, collection):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(ROWS)
    is_stored(client, client.ingest(collection, frame, columns=COLUMNS))
    hits = client.search(collection, "a mug").to_pandas()
    assert list(hits["item_id"]) and hits["score"].dtype == "float64"
    assert hits.set_index("item_id").loc["m1", "metadata.price"] == 3.5
    assert client.embed(frame["sku"]).shape[0] == 3
    assert len(client.classify(MUG, ["a mug", "a tree"]).to_pandas()) == 2
    assert len(client.rank("a mug", [MUG, b""]).to_pandas()) == 2


def test_polars_in_and_out(client, collection):
    polars = pytest.importorskip("polars")
    is_stored(client, client.ingest(collection, polars.DataFrame(ROWS), columns=COLUMNS))
    hits = client.search(collection, "a mug").to_polars()
    assert hits.height == 3 and "metadata.price" in hits.columns


def test_parquet_and_arrow_in(client, collection, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pyarrow.table(ROWS)
    is_stored(client, client.ingest(collection, table, columns=COLUMNS))
    parquet.write_table(table, tmp_path / "rows.parquet")
    again = client.ingest(collection, tmp_path / "rows.parquet", columns=COLUMNS)
    assert again.unchanged == 3, again


def test_a_bar_is_drawn_where_tqdm_is(client, collection, capsys):
    pytest.importorskip("tqdm")
    client.ingest(collection, ["a", "b"], progress=True)
    client.embed_file(MUG, progress=True)
    drawn = capsys.readouterr().err
    assert "2/2" in drawn and "sending: 100%" in drawn
