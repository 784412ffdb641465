"""What becomes of requests that find the service full, of vectors that are known, and of media that are refused."""

from types import SimpleNamespace

import grpc
import pytest

from everyday.evaluation import embed
from everyday.evaluation.embed import Content, Embedder
from everyday.evaluation.kept import content_key
from everyday.evaluation.service import Failed, stubs


class Full(grpc.RpcError):
    def __init__(self, code):
        self._code = code

    def code(self):
        return self._code


class Desk:
    """Answers like a service, after a script of what goes wrong first."""

    def __init__(self, pb, script):
        self.pb, self.script, self.asked = pb, list(script), []

    def future(self, request, timeout):
        self.asked.append([item.text or item.data.decode() for item in request.items])
        wrong = self.script.pop(0) if self.script else None
        return SimpleNamespace(result=lambda: self.answer(request, wrong))

    def answer(self, request, wrong):
        if isinstance(wrong, grpc.StatusCode):
            raise Full(wrong)
        results = []
        for item in request.items:
            said = item.text or item.data.decode()
            if wrong == "busy":
                error = self.pb.ItemError(reason="QUEUE_FULL", retry_after_ms=5)
                results.append(self.pb.EmbedResult(error=error))
            elif said.startswith("broken"):
                results.append(self.pb.EmbedResult(error=self.pb.ItemError(reason="MEDIA_MALFORMED", message="no")))
            else:
                tracks = [(self.pb.TRACK_AUDIO, 9.0), (self.pb.TRACK_WHOLE, float(len(said)))]
                found = [self.pb.Embedding(vector=[value], track=track) for track, value in tracks]
                results.append(self.pb.EmbedResult(embeddings=self.pb.Embeddings(embeddings=found)))
        return self.pb.EmbedResponse(results=results)


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setattr(embed, "PAUSE", 0)
    pb, binary = stubs(tmp_path), tmp_path / "onespace"
    binary.write_bytes(b"a build")

    def make(*script):
        desk = Desk(pb, script)
        space = SimpleNamespace(space_fingerprint="f" * 64, dimension=1)
        service = SimpleNamespace(stubs=pb, space=space, binary=binary, embedding=SimpleNamespace(Embed=desk))
        return Embedder(service, tmp_path), desk, binary

    return make


def test_what_found_the_service_full_goes_again(made):
    embedder, desk, _ = made(grpc.StatusCode.RESOURCE_EXHAUSTED, "busy", grpc.StatusCode.UNAVAILABLE)
    words = ["a", "bb", "ccc", "dddd", "eeeee"]
    assert embedder.texts(words)[:, 0].tolist() == [1, 2, 3, 4, 5]
    assert len(desk.asked) == 5  # two groups, and three that came back


def test_another_failure_is_told(made):
    embedder, _, _ = made(grpc.StatusCode.INTERNAL)
    with pytest.raises(grpc.RpcError):
        embedder.texts(["a"])


def test_patience_ends(made, monkeypatch):
    monkeypatch.setattr(embed, "PATIENCE", 3)
    embedder, _, _ = made(*["busy"] * 9)
    with pytest.raises(Failed, match="stays full"):
        embedder.texts(["a"])


def test_known_vectors_are_not_asked_for_again(made):
    embedder, _, binary = made()
    embedder.texts(["a", "bb", "a"])
    again, desk, _ = made()
    assert again.texts(["bb", "a"])[:, 0].tolist() == [2, 1]
    assert desk.asked == []
    # Another build may prepare media otherwise.
    binary.write_bytes(b"another build")
    anew, desk, _ = made()
    anew.texts(["a"])
    assert desk.asked == [["a"]]


def test_a_refused_file_is_left_out_and_named(made, tmp_path):
    embedder, _, _ = made()
    files = [tmp_path / "one", tmp_path / "two"]
    files[0].write_text("broken")
    files[1].write_text("fine")
    found = embedder.files(files, "files")
    assert found[0] is None and found[1].tolist() == [4]
    assert embedder.refused == {str(files[0]): "MEDIA_MALFORMED: no"}
    with pytest.raises(Failed, match="MEDIA_MALFORMED"):
        embedder.texts(["broken text"])


def test_a_track_is_chosen_by_name(made):
    embedder, _, _ = made()
    track = [Content("film", b"abc", track="TRACK_AUDIO"), Content("film", b"abc")]
    assert [v.tolist() for v in embedder.contents(track, "films")] == [[9], [3]]


def test_requests_stay_within_their_bytes(made, monkeypatch):
    monkeypatch.setattr(embed, "BATCH_BYTES", 10)
    groups = list(embed._groups([Content(str(n), b"x" * n) for n in (4, 4, 4, 30, 1)]))
    assert [[len(c.data) for c in group] for group in groups] == [[4, 4], [4], [30], [1]]


def test_a_text_and_a_file_of_the_same_bytes_are_two_things():
    assert content_key("text", b"a") != content_key("file", b"a")
