"""A key over TLS, from a client in another language."""

import os
import subprocess

import grpc
import pytest

from support import PATIENCE, ROOT

BINARY = ROOT / "target/release/onespace"


def openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """host:port, the root certificate and a key of a server that asks who calls."""
    folder = tmp_path_factory.mktemp("guarded")
    root, key = folder / "root.pem", folder / "root.key"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *curve, "-keyout", key, "-out", root, "-days", 2, "-subj", "/CN=localhost", "-addext", names)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ONESPACE_") or k == "ONESPACE_ONNXRUNTIME"}
    keys = folder / "keys.toml"
    create = [BINARY, "key", "create", "--keys", keys, "--name", "python", "--scope", "read,write", "--tenant", "acme"]
    secret = subprocess.run(create, check=True, capture_output=True, text=True, env=environment).stdout.strip()
    arguments = ["up", "--data", folder / "data", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    arguments += ["--keys", keys, "--tls-cert", root, "--tls-key", key]
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(
            [BINARY, *arguments], stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT, env=environment
        )
        try:
            first = process.stdout.readline()
            assert first.startswith("listening grpc="), first + (folder / "log").read_text()
            for line in process.stdout:
                if line.startswith("ready "):
                    break
            port = first.split()[1].rsplit(":", 1)[1]
            yield f"localhost:{port}", root.read_bytes(), secret
        finally:
            process.terminate()
            process.wait(PATIENCE)
            process.stdout.close()


def test_a_key_over_tls_is_let_in(stubs, guarded):
    address, root, key = guarded
    encrypted = grpc.ssl_channel_credentials(root)
    with_key = grpc.composite_channel_credentials(encrypted, grpc.access_token_call_credentials(key))
    with grpc.secure_channel(address, with_key) as channel:
        collections = stubs.CollectionServiceStub(channel)
        made = collections.CreateCollection(stubs.CreateCollectionRequest(name="photos"), timeout=PATIENCE)
        assert made.collection.name == "photos"
        text = stubs.Media(text="a mug")
        answer = stubs.EmbeddingServiceStub(channel).Embed(stubs.EmbedRequest(items=[text]), timeout=PATIENCE)
        assert len(answer.results) == 1
        with pytest.raises(grpc.RpcError) as refused:
            collections.ListCollections(
                stubs.ListCollectionsRequest(), metadata=[("onespace-tenant", "other")], timeout=PATIENCE
            )
        assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED


def test_without_a_key_or_without_trust_nobody_is(stubs, guarded):
    address, root, _ = guarded
    with grpc.secure_channel(address, grpc.ssl_channel_credentials(root)) as channel:
        with pytest.raises(grpc.RpcError) as refused:
            stubs.SpaceServiceStub(channel).GetSpace(stubs.GetSpaceRequest(), timeout=PATIENCE)
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
        assert "x-api-key" in refused.value.details()
    with grpc.secure_channel(address, grpc.ssl_channel_credentials()) as channel:
        with pytest.raises(grpc.RpcError) as refused:
            stubs.SpaceServiceStub(channel).GetSpace(stubs.GetSpaceRequest(), timeout=5)
        assert refused.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
