"""What HTTP has beside the shapes of others: files as they come, events, gRPC-Web, OpenAPI, pages of other sites."""

import json
import struct
import urllib.error
import urllib.request
import uuid

import pytest
from support import SAMPLES

IMAGE = next(path for path in sorted((SAMPLES / "images").iterdir()) if path.is_file())
SOUND = next(path for path in sorted((SAMPLES / "sounds").iterdir()) if path.is_file())


def send(url, body=None, method=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method))


def ask(url, message):
    with send(url, json.dumps(message).encode(), content_type="application/json") as answer:
        return json.load(answer)


def form(path, **fields):
    boundary = uuid.uuid4().hex
    parts = [f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    head = f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="{path.name}"\r\n\r\n'
    body = "".join([*parts, head]).encode() + path.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


@pytest.fixture
def collection(http):
    name = f"http-{uuid.uuid4().hex[:8]}"
    ask(f"{http}/v1/collections", {"name": name})
    yield f"{http}/v1/collections/{name}"
    send(f"{http}/v1/collections/{name}", method="DELETE").close()


def test_files_are_stored_raw_and_in_a_form(http, collection):
    raw = f"{collection}/items?item_id=raw&title=A+thing"
    with send(raw, IMAGE.read_bytes(), content_type="image/jpeg") as answer:
        stored = json.load(answer)
    assert (stored["item_id"], stored["status"]) == ("raw", "INGEST_STATUS_STORED")
    body, media_type = form(SOUND, item_id="form", metadata=json.dumps({"made": "by hand", "year": 1984}))
    with send(f"{collection}/items", body, content_type=media_type) as answer:
        assert json.load(answer)["modality"] == "MODALITY_AUDIO"
    with send(f"{collection}/items/form") as answer:
        item = json.load(answer)["item"]
    assert item["metadata"] == {"made": "by hand", "year": 1984}
    with send(f"{collection}/items?page_size=1") as answer:
        assert len(json.load(answer)["items"]) == 1
    found = ask(f"{http}/v1/search", {"collection": collection.rsplit("/", 1)[1], "parts": [{"item_id": "raw"}]})
    assert found["hits"][0]["item_id"] == "raw"
    with pytest.raises(urllib.error.HTTPError) as refused:
        send(f"{collection}/items?item_id=broken", b"\x00" * 100)
    assert json.load(refused.value)["error"]["code"] == "MODALITY_UNKNOWN"


def test_progress_comes_as_events(http):
    with send(f"{http}/v1/files/embed", SOUND.read_bytes(), accept="text/event-stream") as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        events = [json.loads(line[6:]) for line in answer.read().decode().splitlines() if line.startswith("data: ")]
    assert "embedding" in events[-2] and "done" in events[-1]
    with send(f"{http}/v1/files/embed", SOUND.read_bytes()) as answer:
        whole = json.load(answer)["embeddings"][0]
    assert len(whole["vector"]) == 256
    with send(f"{http}/v1/files/embed", b"", accept="text/event-stream") as answer:
        assert answer.read().decode().startswith("event: error\n")


def test_grpc_web(http, stubs):
    request = stubs.GetSpaceRequest().SerializeToString()
    frame = struct.pack(">BI", 0, len(request)) + request
    url = f"{http}/onespace.v1.SpaceService/GetSpace"
    with send(url, frame, content_type="application/grpc-web+proto") as answer:
        body = answer.read()
    flag, length = struct.unpack(">BI", body[:5])
    space = stubs.GetSpaceResponse.FromString(body[5 : 5 + length])
    assert flag == 0 and space.space.dimension == 256
    assert b"grpc-status:0" in body[5 + length :]


def test_documents(http):
    with send(f"{http}/openapi.json") as answer:
        document = json.load(answer)
    assert document["openapi"] == "3.1.0"
    operations = [(path, method) for path, methods in document["paths"].items() for method in methods]
    assert ("/v1/embeddings", "post") in operations and len(operations) > 30
    text = json.dumps(document)
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert document["components"]["schemas"][name], name
    with send(f"{http}/docs") as answer:
        page = answer.read().decode()
    assert "/v1/embeddings" in page and "<script" not in page and "http://" not in page and "https://" not in page


def test_pages_of_other_sites_are_refused(http):
    with pytest.raises(urllib.error.HTTPError) as refused:
        send(f"{http}/v1/models", origin="https://example.org")
    assert (refused.value.code, json.load(refused.value)["error"]["param"]) == (403, "origin")
    with send(f"{http}/v1/models", origin=http) as own:
        assert own.status == 200
