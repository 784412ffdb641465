"""The client for everybody else: the same verbs, which wait for their answers."""

from __future__ import annotations

import functools
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

from onespace.async_client import AsyncClient
from onespace.local import DEFAULT_BUNDLE, LocalServer
from onespace.loop import Loop

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(
    verb: Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Client, P], T]:
    """The verb, waited for."""

    @functools.wraps(verb)
    def call(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._loop.run(verb(self._client, *args, **kwargs))

    return call


def _iterating(
    verb: Callable[Concatenate[AsyncClient, P], AsyncIterator[T]],
) -> Callable[Concatenate[Client, P], Iterator[T]]:
    """The verb, whose results are waited for one by one."""

    @functools.wraps(verb)
    def call(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return self._loop.iterate(verb(self._client, *args, **kwargs))

    return call


class Client:
    """A client of one server; may be used from several threads. Connects at its first call.

    The arguments are those of `AsyncClient`, as is what every verb does. Calls run in a thread of
    the client's own: functions that are told of progress are called there. Close it, or use it as
    a context: `with Client() as client`.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        api_key: str | None = None,
        tenant: str | None = None,
        ca: str | os.PathLike[str] | None = None,
        cert: str | os.PathLike[str] | None = None,
        key: str | os.PathLike[str] | None = None,
        timeout: float | None = None,
        patience: float | None = None,
    ) -> None:
        self._client = AsyncClient(
            endpoint,
            api_key=api_key,
            tenant=tenant,
            ca=ca,
            cert=cert,
            key=key,
            timeout=timeout,
            patience=patience,
        )
        self._loop = Loop()

    @classmethod
    @contextmanager
    def local(
        cls,
        bundle: str | os.PathLike[str] = DEFAULT_BUNDLE,
        data: str | os.PathLike[str] | None = None,
        *,
        binary: str | os.PathLike[str] | None = None,
        transcriber: str | os.PathLike[str] | None = None,
    ) -> Iterator[Client]:
        """Starts a server of its own on a free port; it ends with the context.

        See `onespace.LocalServer` for the arguments.
        """
        with LocalServer(bundle, data, binary=binary, transcriber=transcriber) as server:
            with cls(server.endpoint) as client:
                yield client

    @property
    def endpoint(self) -> str:
        """host:port of the server."""
        return self._client.endpoint

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection, and what is still going on over it."""
        self._loop.close(self._client.close())

    embed = _blocking(AsyncClient.embed)
    embed_items = _blocking(AsyncClient.embed_items)
    embed_file = _blocking(AsyncClient.embed_file)
    classify = _blocking(AsyncClient.classify)
    rank = _blocking(AsyncClient.rank)
    space = _blocking(AsyncClient.space)

    search = _blocking(AsyncClient.search)
    search_pages = _iterating(AsyncClient.search_pages)
    ingest = _blocking(AsyncClient.ingest)

    create_collection = _blocking(AsyncClient.create_collection)
    list_collections = _blocking(AsyncClient.list_collections)
    get_collection = _blocking(AsyncClient.get_collection)
    delete_collection = _blocking(AsyncClient.delete_collection)
    index_fields = _blocking(AsyncClient.index_fields)
    get_item = _blocking(AsyncClient.get_item)
    get_items = _blocking(AsyncClient.get_items)
    list_items = _iterating(AsyncClient.list_items)
    count_items = _blocking(AsyncClient.count_items)
    update_item = _blocking(AsyncClient.update_item)
    delete_items = _blocking(AsyncClient.delete_items)
