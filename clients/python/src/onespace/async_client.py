"""The client for asyncio."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from onespace.config import Config
from onespace.connection import Connection
from onespace.embed_verbs import EmbedVerbs
from onespace.local import DEFAULT_BUNDLE, LocalServer
from onespace.search_verbs import SearchVerbs
from onespace.store_verbs import StoreVerbs


class AsyncClient(EmbedVerbs, SearchVerbs, StoreVerbs):
    """A client of one server. Connects at its first call.

    - `endpoint`: `host:port`, `http://host:port` or `https://host:port`.
    - `api_key`: a key, or the token of an identity provider. It is printed nowhere.
    - `tenant`: whose collections are meant; None: the key's own tenant.
    - `ca`, `cert`, `key`: PEM files: roots to trust over TLS, and a certificate to show. Naming one
      means TLS. Without `ca` the system's roots are trusted.
    - `timeout`: seconds that one try of a call may take; None: what the server grants.
    - `patience`: seconds to wait for a server that is busy, or has gone away; 0: none.

    What is None comes from the environment, as for the command line: `ONESPACE_ENDPOINT`,
    `ONESPACE_API_KEY`, `ONESPACE_TENANT`, `ONESPACE_CA`, `ONESPACE_CLIENT_CERT`,
    `ONESPACE_CLIENT_KEY`, `ONESPACE_PATIENCE`; else it is 127.0.0.1:50051, and 120 s.

    Every call waits for a busy server as it is told, and is made again when a connection breaks.
    Raises `InvalidRequestError` for a setting that is wrong, naming it.
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
        config = Config.resolve(
            endpoint,
            api_key=api_key,
            tenant=tenant,
            ca=ca,
            cert=cert,
            key=key,
            timeout=timeout,
            patience=patience,
        )
        self._connection = Connection(config)

    @classmethod
    @asynccontextmanager
    async def local(
        cls,
        bundle: str | os.PathLike[str] = DEFAULT_BUNDLE,
        data: str | os.PathLike[str] | None = None,
        *,
        binary: str | os.PathLike[str] | None = None,
        transcriber: str | os.PathLike[str] | None = None,
    ) -> AsyncIterator[AsyncClient]:
        """Starts a server of its own on a free port; it ends with the context.

        See `onespace.LocalServer` for the arguments.
        """
        server = LocalServer(bundle, data, binary=binary, transcriber=transcriber)
        await server.start_async()
        try:
            async with cls(server.endpoint, tenant=None) as client:
                yield client
        finally:
            await server.stop_async()

    @property
    def endpoint(self) -> str:
        """host:port of the server."""
        return self._connection.config.address

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connection, and what is still going on over it."""
        self._connection.close()
