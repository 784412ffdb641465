"""What type checkers are to see of the client. Checked by mypy, never run."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onespace import AsyncClient, Client, Embedded, Hits, Item, MediaLike, OnespaceError, Part


def sync(client: Client) -> None:
    media: list[MediaLike] = ["a", Path("b"), b"c", np.zeros((3, 3)), (np.zeros(3), 16000)]
    vectors: NDArray[np.float32] = client.embed(media)
    outcomes: list[NDArray[np.float32] | OnespaceError] = client.embed(["a"], errors="return")
    details: list[Embedded | OnespaceError] = client.embed_items(["a"], segments=True)
    hits: Hits = client.search("c", ["a mug", Part("x", -1)], filter={"price": 1})
    items: Iterator[Item] = client.list_items("c", filter="price < 5")
    client.search("c", "a mug", limmit=3)  # type: ignore[call-arg]
    client.embed([3])  # type: ignore[list-item]
    print(vectors, outcomes, details, hits, items)


async def side_by_side(client: AsyncClient) -> None:
    vectors: NDArray[np.float32] = await client.embed(["a"], errors="raise")
    async for item in client.list_items("c"):
        print(vectors, item.title)
