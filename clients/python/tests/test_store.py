"""Collections and items."""

import asyncio
from datetime import date

import numpy as np
import pytest

from onespace import AlreadyExistsError, AsyncClient, IngestItem, NotFoundError, OnespaceError


@pytest.fixture
def shop(client):
    """Ten texts with prices."""
    client.create_collection("shop", indexed={"price": "integer", "kind": "keyword"})
    items = [
        IngestItem(
            f"{number} mugs",
            item_id=f"mug-{number}",
            title=f"no. {number}",
            metadata={
                "price": number,
                "kind": "mug",
                "tags": ["a", {"b": 1.5}],
                "sold": number > 4,
            },
        )
        for number in range(10)
    ]
    report = client.ingest("shop", items)
    assert report.stored == {"text": 10}
    yield "shop"
    client.delete_collection("shop")


def test_collections_come_and_go(client, shop):
    found = client.get_collection(shop)
    assert found.indexed == {"price": "integer", "kind": "keyword"}
    assert found.dimension == client.space().dimension and found.unavailable == ""
    assert shop in [one.name for one in client.list_collections()]
    with pytest.raises(AlreadyExistsError):
        client.create_collection(shop)
    client.create_collection(shop, exist_ok=True)
    assert client.index_fields(shop, {"sold": "bool"}).indexed["sold"] == "bool"
    with pytest.raises(ValueError, match="keyword, integer, float, bool"):
        client.index_fields(shop, {"sold": "boolean"})
    with pytest.raises(NotFoundError):
        client.delete_collection("nowhere")
    with pytest.raises(OnespaceError) as odd:
        client.create_collection("a/b")
    assert odd.value.reason == "FIELD_INVALID"


def test_items_are_as_they_were_given(client, shop):
    item = client.get_item(shop, "mug-3")
    assert item.metadata == {"price": 3, "kind": "mug", "tags": ["a", {"b": 1.5}], "sold": False}
    assert isinstance(item.metadata["price"], int) and item.title == "no. 3"
    np.testing.assert_allclose(
        item.embeddings[0].vector, client.embed(["3 mugs"], purpose="document")[0], atol=1e-5
    )
    many = client.get_items(shop, [f"mug-{number}" for number in range(100)], vectors=False)
    assert sorted(many) == [f"mug-{number}" for number in range(10)]
    with pytest.raises(NotFoundError):
        client.get_item(shop, "nobody")
    with pytest.raises(TypeError):
        client.get_items(shop, "mug-3")


def test_items_are_listed_and_counted(client, shop):
    listed = [item.item_id for item in client.list_items(shop, page_size=3)]
    assert sorted(listed) == [f"mug-{number}" for number in range(10)]
    cheap = list(client.list_items(shop, filter="price < 3"))
    assert {item.metadata["price"] for item in cheap} == {0, 1, 2}
    assert client.count_items(shop, filter={"sold": True}) == 5
    assert client.count_items(shop) == 10

    async def first(server):
        async with AsyncClient(server) as mine:
            async for item in mine.list_items(shop):
                return item.item_id

    assert asyncio.run(first(client.endpoint)) == listed[0]


def test_items_are_changed(client, shop):
    item = client.update_item(shop, "mug-1", title="chipped", fields={"price": 0.5, "tags": None})
    assert item.title == "chipped"
    assert item.metadata == {"price": 0.5, "kind": "mug", "sold": False}
    item = client.update_item(shop, "mug-1", metadata={"seen": date(2026, 11, 30)}, title="")
    assert (item.metadata, item.title) == ({"seen": "2026-11-30"}, "")
    with pytest.raises(ValueError, match="2\\^53"):
        client.update_item(shop, "mug-1", fields={"id": 2**53 + 1})
    with pytest.raises(ValueError, match="not finite"):
        client.update_item(shop, "mug-1", fields={"x": float("nan")})
    with pytest.raises(ValueError, match="no value of JSON"):
        client.update_item(shop, "mug-1", fields={"x": object()})
    with pytest.raises(ValueError, match="nothing to change"):
        client.update_item(shop, "mug-1")
    with pytest.raises(ValueError, match="not both"):
        client.update_item(shop, "mug-1", metadata={}, fields={})


def test_items_are_deleted(client, shop):
    assert client.delete_items(shop, (f"mug-{number}" for number in range(8, 100))) == 2
    assert client.delete_items(shop, filter="price >= 5 and price != 7") == 2
    assert sorted(item.metadata["price"] for item in client.list_items(shop)) == [0, 1, 2, 3, 4, 7]
    with pytest.raises(ValueError, match="not both"):
        client.delete_items(shop, ["mug-1"], filter="price > 1")


def test_the_space_is_described(client):
    space = client.space()
    assert len(space.fingerprint) == 64
    assert set(space.towers) == {"text", "image", "audio", "video", "point_cloud"}
    assert all(tower.golden_cosine >= 0.999 for tower in space.towers.values())
    assert space.transcriber is None and space.formats and space.version
