"""Endpoints, keys, TLS, the environment; the limits that the client knows."""

import re
import subprocess
import warnings
from contextlib import contextmanager

import pytest

from onespace import (
    Client,
    InvalidRequestError,
    OnespaceError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from onespace import limits as ours
from onespace.config import Config
from support import BINARY, BUNDLE, ROOT


def resolve(endpoint=None, **given):
    names = ("api_key", "tenant", "ca", "cert", "key", "timeout", "patience")
    return Config.resolve(endpoint, **{name: given.get(name) for name in names})


@pytest.mark.parametrize(
    ("endpoint", "address", "encrypted"),
    [
        (None, "127.0.0.1:50051", False),
        ("example.org:1", "example.org:1", False),
        ("example.org", "example.org:50051", False),
        ("http://example.org", "example.org:80", False),
        ("https://example.org", "example.org:443", True),
        ("https://example.org:50051/", "example.org:50051", True),
        ("[::1]:7", "[::1]:7", False),
        ("https://[::1]:7", "[::1]:7", True),
    ],
)
def test_an_endpoint_is_read(endpoint, address, encrypted):
    config = resolve(endpoint)
    assert (config.address, config.encrypted) == (address, encrypted)


@pytest.mark.parametrize(
    "endpoint", ["ftp://a:1", "http://", "a:b", "http://a/path", "a:99999", " "]
)
def test_what_is_no_endpoint_is_named(endpoint):
    with pytest.raises(InvalidRequestError) as wrong:
        resolve(endpoint)
    assert wrong.value.field == "endpoint"


def test_the_environment_is_the_command_lines_own(monkeypatch, tmp_path):
    for name, value in {
        "ENDPOINT": "https://example.org",
        "API_KEY": "os_1_secret\n",
        "TENANT": "acme",
        "CA": "roots.pem",
        "CLIENT_CERT": "a.crt",
        "CLIENT_KEY": "a.key",
        "PATIENCE": "7",
    }.items():
        monkeypatch.setenv(f"ONESPACE_{name}", value)
    config = resolve()
    assert (config.address, config.tenant, config.patience) == ("example.org:443", "acme", 7)
    assert config.api_key == "os_1_secret" and "secret" not in repr(config)
    assert [str(path) for path in (config.ca, config.cert, config.key)] == [
        "roots.pem",
        "a.crt",
        "a.key",
    ]
    assert resolve("localhost:1", api_key="other").api_key == "other"
    text = (ROOT / "services/onespace/src/args.rs").read_text()
    text += (ROOT / "services/onespace/src/args/access.rs").read_text()
    known = set(re.findall(r'env = "(ONESPACE_\w+)"', text))
    assert {
        f"ONESPACE_{name}" for name in ("ENDPOINT", "API_KEY", "TENANT", "PATIENCE", "CA")
    } <= known


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"api_key": "a\nb"}, "api_key"),
        ({"api_key": "ü"}, "api_key"),
        ({"tenant": "a b"}, "tenant"),
        ({"cert": "a.crt"}, "key"),
        ({"key": "a.key"}, "cert"),
    ],
)
def test_a_wrong_setting_is_named(given, field):
    with pytest.raises(InvalidRequestError) as wrong:
        resolve(**given)
    assert wrong.value.field == field


def test_a_key_in_the_clear_is_warned_of():
    with pytest.warns(UserWarning, match="unencrypted"):
        resolve("example.org:1", api_key="os_1")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resolve("127.0.0.1:1", api_key="os_1")
        resolve("https://example.org", api_key="os_1")


def test_the_limits_are_the_servers(client):
    limits = client.space().limits
    for name in (
        "MESSAGE_BYTES", "CHUNK_BYTES", "ITEMS_PER_REQUEST",
        "RESULTS", "ANSWER_BYTES_MAX",
    ):  # fmt: skip
        assert getattr(ours, name) == limits[name], name


CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def certificates(folder) -> None:
    """A root, which is also the server's own certificate, and a client's that is of that root."""
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    root, request = folder / "root.pem", folder / "client.csr"
    own = ["-keyout", folder / "root.key", "-out", root, "-days", 2]
    openssl("req", "-x509", *CURVE, *own, "-subj", "/CN=localhost", "-addext", names)
    openssl("req", *CURVE, "-keyout", folder / "client.key", "-out", request, "-subj", "/CN=me")
    extensions = folder / "client.cnf"
    extensions.write_text("basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n")
    signed = ["-CA", root, "-CAkey", folder / "root.key", "-days", 2, "-extfile", extensions]
    openssl("x509", "-req", "-in", request, *signed, "-out", folder / "client.pem")


@contextmanager
def started(folder, *arguments):
    """host:port of a server with TLS."""
    command = [BINARY, "up", "--bundle", BUNDLE, "--data", folder / "data"]
    command += ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", *arguments]
    command += ["--tls-cert", folder / "root.pem", "--tls-key", folder / "root.key"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            first = process.stdout.readline()
            assert first.startswith("listening grpc="), first + (folder / "log").read_text()
            for line in process.stdout:
                if line.startswith("ready "):
                    break
            yield f"https://localhost:{first.split()[1].rsplit(':', 1)[1]}"
        finally:
            process.terminate()
            process.wait(60)
            process.stdout.close()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """The address, the root certificate and a key of a server that asks who calls."""
    folder = tmp_path_factory.mktemp("guarded")
    certificates(folder)
    keys = folder / "keys.toml"
    create = [BINARY, "key", "create", "--keys", keys, "--name", "python", "--scope", "read,write"]
    made = subprocess.run([*create, "--tenant", "acme"], check=True, capture_output=True, text=True)
    with started(folder, "--keys", keys) as endpoint:
        yield endpoint, folder / "root.pem", made.stdout.strip()


def test_a_certificate_opens_where_one_is_asked_for(tmp_path):
    certificates(tmp_path)
    root, mine = tmp_path / "root.pem", tmp_path / "client.pem"
    with started(tmp_path, "--tls-client-ca", root) as endpoint:
        with Client(endpoint, ca=root, cert=mine, key=tmp_path / "client.key") as known:
            assert known.embed(["a mug"]).shape[0] == 1
        with Client(endpoint, ca=root) as unknown, pytest.raises(OnespaceError) as refused:
            unknown.space()
        assert refused.value.reason == "UNREACHABLE"


def test_a_key_over_tls_is_let_in(guarded):
    endpoint, root, key = guarded
    with Client(endpoint, api_key=key, ca=root) as mine:
        assert mine.create_collection("photos").name == "photos"
        assert mine.embed(["a mug"]).shape[0] == 1
        assert mine.ingest("photos", ["a mug"]).stored == {"text": 1}
    with Client(endpoint, api_key=key, ca=root, tenant="other") as other:
        with pytest.raises(PermissionDeniedError):
            other.list_collections()
    with Client(endpoint, api_key="os_0_wrong", ca=root) as stranger:
        with pytest.raises(UnauthenticatedError):
            stranger.embed(["a mug"], errors="return")
    with Client(endpoint, api_key=key) as trusting, pytest.raises(OnespaceError) as untrusted:
        trusting.space()
    assert untrusted.value.reason == "UNREACHABLE"
    with Client(endpoint, ca="absent.pem") as rootless, pytest.raises(FileNotFoundError):
        rootless.space()
