"""A server, and how to talk to it: from arguments, or from the command line's own variables."""

from __future__ import annotations

import ipaddress
import os
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from onespace.errors import InvalidRequestError

DEFAULT_ENDPOINT = "127.0.0.1:50051"
PATIENCE = 120.0
"""Seconds that a server may do nothing for a call, where nothing else is said."""


@dataclass(frozen=True)
class Config:
    """Where the server is and what it is shown. Files are read when the client connects."""

    address: str
    """host:port."""
    encrypted: bool
    api_key: str | None = field(repr=False)
    tenant: str | None
    ca: Path | None
    cert: Path | None
    key: Path | None
    timeout: float | None
    patience: float

    @classmethod
    def resolve(
        cls,
        endpoint: str | None,
        *,
        api_key: str | None,
        tenant: str | None,
        ca: str | os.PathLike[str] | None,
        cert: str | os.PathLike[str] | None,
        key: str | os.PathLike[str] | None,
        timeout: float | None,
        patience: float | None,
    ) -> Config:
        """What was given; else what the environment says; else what is usual."""
        address, encrypted = _address(endpoint or _variable("ENDPOINT") or DEFAULT_ENDPOINT)
        config = cls(
            address=address,
            # Whoever names a root or a certificate means TLS, with or without https://.
            encrypted=encrypted or ca is not None or cert is not None,
            api_key=_secret(api_key or _variable("API_KEY")),
            tenant=_tenant(tenant or _variable("TENANT")),
            ca=_path(ca, "CA"),
            cert=_path(cert, "CLIENT_CERT"),
            key=_path(key, "CLIENT_KEY"),
            timeout=timeout,
            patience=_patience(patience),
        )
        if (config.cert is None) != (config.key is None):
            raise _invalid("cert" if config.cert is None else "key", "cert and key go together")
        if config.api_key and not config.encrypted and not _is_loopback(address):
            warnings.warn("the key travels unencrypted; use an https endpoint", stacklevel=4)
        return config


def _invalid(name: str, message: str) -> InvalidRequestError:
    return InvalidRequestError("FIELD_INVALID", message, field=name)


def _variable(name: str) -> str | None:
    return os.environ.get(f"ONESPACE_{name}") or None


def _address(endpoint: str) -> tuple[str, bool]:
    """host:port, and whether it is spoken to over TLS."""
    url = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}", scheme="http")
    try:
        host, port = url.hostname, url.port
    except ValueError:
        host, port = None, None
    rest = url.path.strip("/") or url.query or url.username
    if url.scheme not in ("http", "https") or not re.fullmatch(r"[^\s/]+", host or "") or rest:
        raise _invalid(
            "endpoint",
            f"{endpoint!r} is neither host:port nor a URL such as https://example.org:50051",
        )
    name = f"[{host}]" if host and ":" in host else host
    usual = 443 if url.scheme == "https" else 80 if "://" in endpoint else 50051
    return f"{name}:{port or usual}", url.scheme == "https"


def _secret(key: str | None) -> str | None:
    if key is None:
        return None
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise _invalid("api_key", "a key is letters, digits, '-', '_' and '.'")
    return key


def _tenant(tenant: str | None) -> str | None:
    if tenant is not None and not re.fullmatch(r"[A-Za-z0-9._-]{1,128}", tenant):
        raise _invalid("tenant", "use 1 to 128 letters, digits, '-', '_' and '.'")
    return tenant


def _path(given: str | os.PathLike[str] | None, variable: str) -> Path | None:
    found = given if given is not None else _variable(variable)
    return None if found is None else Path(found)


def _patience(given: float | None) -> float:
    if given is not None:
        return given
    said = _variable("PATIENCE")
    try:
        return PATIENCE if said is None else float(said)
    except ValueError as error:
        raise _invalid("patience", f"ONESPACE_PATIENCE={said!r} is no number of seconds") from error


def _is_loopback(address: str) -> bool:
    host = address.rsplit(":", 1)[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
