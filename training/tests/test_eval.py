"""The evaluation counts rightly, can fail, and its test set is what it says."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
import soundfile
from PIL import Image

import media
from eval import ablation, augment, calibration, card, marks, parity, retrieval, robustness, scores, served, speed, tables, testset
from world.catalogue import COLOURS, MOTIONS, NAMES, SOUNDING, motion_split, split

R = np.random.default_rng


def vectors(rows: int, seed: int, noise: float = 0.0) -> dict[str, np.ndarray]:
    """Modalities that agree but for noise."""
    base = R(seed).normal(size=(rows, 256))
    return {m: scores.unit(base + noise * R(i).normal(size=base.shape)) for i, m in enumerate(scores.MODALITIES)}


def test_scores_on_an_example_by_hand():
    gallery = np.eye(4)
    queries = scores.unit(np.array([[4, 3, 2, 1.0], [4, 3, 2, 1.0], [1, 2, 3, 4.0]]))
    relevant = np.array([[0, 1, 1, 0], [1, 0, 0, 0], [1, 0, 0, 1]], bool)
    found = scores.retrieval(queries, gallery, relevant)
    # first: right at places 2 and 3; second: at 1; third: at 1 and 4
    precision = [(1 / 2 + 2 / 3) / 2, 1.0, (1 + 2 / 4) / 2]
    assert found["mAP@10"] == pytest.approx(np.mean(precision))
    assert found["R@1"] == pytest.approx(2 / 3)
    assert found["R@5"] == found["R@10"] == 1
    assert found["median"] == 1
    assert found["chance R@1"] == pytest.approx((2 / 4 + 1 / 4 + 2 / 4) / 3)
    assert scores.recall(queries @ gallery.T, relevant, 2) == 1


def test_average_precision_counts_no_more_than_there_are_places():
    right = np.zeros(30, bool)
    right[[0, 2]] = True
    assert scores.average_precision(right, 2) == pytest.approx((1 + 2 / 3) / 2)
    assert scores.average_precision(right, 50) == pytest.approx((1 + 2 / 3) / 10)
    assert scores.average_precision(np.zeros(30, bool), 3) == 0


def test_the_median_rank_is_of_the_first_relevant_item():
    ranks = [1, 4, 6]
    gallery, queries, relevant = np.eye(8), [], np.zeros((3, 8), bool)
    for row, rank in enumerate(ranks):
        queries.append(np.arange(8, 0, -1.0))
        relevant[row, [rank - 1, 7]] = True
    assert scores.retrieval(scores.unit(np.array(queries)), gallery, relevant)["median"] == 4


def test_chance_is_what_random_orders_give():
    r, size = R(4), 60
    relevant = np.zeros((4000, size), bool)
    for i, row in enumerate(relevant):
        row[r.permutation(size)[: 1 + i % 3]] = True
    found = scores.retrieval(scores.unit(r.normal(size=(4000, 40))), scores.unit(r.normal(size=(size, 40))), relevant)
    for measure in ("R@1", "R@5", "R@10", "mAP@10"):
        assert found[measure] == pytest.approx(found[f"chance {measure}"], abs=0.02)
    assert found["median"] == pytest.approx(found["chance median"], abs=2)


def test_agreement_is_about_what_both_sides_carry():
    asked = [{"kind": "bell", "colour": "red", "size": None}, {"kind": "bell"}, {"kind": "mug", "colour": "red", "size": "big"}]
    there = [{"kind": "bell", "colour": "red", "size": "big"}, {"kind": "bell", "colour": "blue"}, {"kind": "mug", "colour": "red", "size": "small"}]
    assert scores.agreement(asked, there).tolist() == [[True, False, False], [True, True, False], [False, False, False]]
    assert scores.agreement(there, asked).tolist() == scores.agreement(asked, there).T.tolist()


def test_shuffled_pairs_score_about_chance():
    same = vectors(924, 5)
    assert retrieval.mean(retrieval.first_places(same)) == 1
    assert retrieval.mean(ablation.shuffled(same)) == pytest.approx(1 / 924, abs=0.002)


def test_cut_vectors_are_unit_and_leading():
    v = vectors(5, 6)["image"]
    short = scores.cut(v, 64)
    assert short.shape == (5, 64) and np.allclose(np.linalg.norm(short, axis=1), 1)
    assert np.allclose(short * np.linalg.norm(v[:, :64], axis=1, keepdims=True), v[:, :64])


def test_the_test_set_holds_every_pair_and_moves_apart_from_training():
    rows = testset.pairs()
    assert {(r["kind"], r["colour"]) for r in rows} == {(k, c) for k in NAMES for c in COLOURS} and len(rows) == len(NAMES) * len(COLOURS)
    assert {(r["kind"], r["colour"]) for r in rows if r["held_out"]} == set(split()[1])
    more = testset.more()
    assert len(testset.individuals()) == testset.INDIVIDUALS and len(more) >= len(split()[1]) * 0.9
    assert {(r["kind"], r["colour"]) for r in more} <= set(split()[1])
    new = {(r["kind"], r["motion"]) for r in more if r["new_motion"]}
    assert new == set(motion_split()[1]) and {m for _, m in new} == set(MOTIONS)
    assert {(r["kind"], r["motion"]) for r in rows} <= set(motion_split()[0])


def test_calibration_is_measured_on_training_pairs_only():
    assert {(r["kind"], r["colour"]) for r in testset.calibration()} <= set(split()[0])
    paths = [p for plan in testset.PLANS for row in testset.PLANS[plan]() for p in row["files"].values()]
    assert len(paths) == len(set(paths))


def test_sounds_and_unseen_cover_what_they_should():
    assert {r["kind"] for r in testset.sounds()} == set(SOUNDING)
    assert [(r["kind"], r["colour"]) for r in testset.unseen()] == list(split()[1])


def test_scenes_come_with_their_near_misses():
    rows = testset.scenes()
    assert len(rows) == testset.SCENES
    for base in range(0, testset.SCENES, 4):
        four = rows[base : base + 4]
        assert len({frozenset(r["things"]) for r in four}) == 1
        said = set()
        for r in four:
            relation, (a, b) = r["relation"], r["things"]
            said.add(("on", b, a) if relation == "under" else (relation, a, b))
        assert len(said) == 4
    assert {r["relation"] for r in rows} == {"on", "under", "left of", "in front of"}


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> dict[str, Path]:
    """A file of each modality."""
    folder, r = tmp_path_factory.mktemp("sources"), R(8)
    files = {m: folder / f"source.{s}" for m, s in (("image", "png"), ("audio", "wav"), ("video", "mp4"), ("point_cloud", "ply"))}
    media.picture(files["image"], "mug", "red", r, 96)
    media.spoken(files["audio"], "mug", "red", r)
    media.film(files["video"], "mug", "red", "spinning", r, 64, frames=20)
    media.cloud(files["point_cloud"], "mug", "red", r, 800)
    return files


def loss(modality: str, source: Path, path: Path) -> float:
    """How far a file is from its source, in whatever the modality is measured; sizes and rates count by themselves."""
    import av

    import reference

    if modality == "image":
        a, b = (np.asarray(Image.open(p).convert("RGB").resize((80, 80)), float) for p in (source, path))
        return float(np.abs(a - b).mean())
    if modality == "point_cloud":
        a, b = reference.point_cloud(source), reference.point_cloud(path)
        return float(np.abs(np.sort(a, 0) - np.sort(b, 0)).mean()) + 1 / path.stat().st_size
    if modality == "video":
        with av.open(str(path)) as container:
            frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
        return 1 / len(frames) + 1 / path.stat().st_size
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        seconds = sum(f.samples for f in container.decode(stream)) / stream.rate
    wave = soundfile.read(source)[0]
    assert seconds == pytest.approx(len(wave) / soundfile.info(source).samplerate, abs=0.25)
    return 1 / path.stat().st_size


@pytest.mark.parametrize("modality", testset.FILES)
def test_every_strength_of_an_augmentation_makes_another_file(modality, sources, tmp_path):
    wanted = []
    for number, a in enumerate(augment.of(modality)):
        suffix = a.suffix or sources[modality].suffix
        wanted.append((a, [tmp_path / f"{number}-{i}{suffix}" for i in range(3)]))
    augment.write(modality, sources[modality], wanted, R(9))
    original = sources[modality].read_bytes()
    for a, paths in wanted:
        contents = [p.read_bytes() for p in paths]
        assert len({original, *contents}) == 4, a.name
        losses = [loss(modality, sources[modality], p) for p in paths]
        if a.name.startswith(("JPEG", "resolution", "blur", "MP3", "AAC", "dropout", "noise, of", "frames", "H.264")):
            assert losses == sorted(losses) and losses[0] < losses[2], (a.name, losses)


def test_augmentations_repeat_themselves(sources, tmp_path):
    a = augment.of("audio")[-1]
    for name in ("x", "y"):
        augment.write("audio", sources["audio"], [(a, [tmp_path / f"{name}{i}.wav" for i in range(3)])], R(1))
    assert all((tmp_path / f"x{i}.wav").read_bytes() == (tmp_path / f"y{i}.wav").read_bytes() for i in range(3))


class Fake:
    """An embedder that knows what a file shows from its name: nothing is drawn, nothing is read."""

    name = "fake"

    def files(self, _label, paths):
        return np.stack([self._vector(Path(p).stem) for p in paths])

    def texts(self, _label, texts):
        return np.stack([self._vector(t.replace(" ", "-")) for t in texts])

    def _vector(self, words: str) -> np.ndarray:
        v = 0.2 * R(len(words)).normal(size=256) / 16
        for known in (*NAMES, *COLOURS):
            if f"-{known}" in f"-{words}":
                v = v + R(sum(known.encode()) * 31 + len(known)).normal(size=256) / 16
        return scores.unit(v)


@pytest.fixture
def measured(monkeypatch, tmp_path) -> dict:
    """Every section of a bundle that hardly makes mistakes, without files."""
    monkeypatch.setattr(testset, "build", lambda plan: testset.PLANS[plan]())
    monkeypatch.setattr(served, "RESULTS", tmp_path / "eval.json")
    monkeypatch.setattr(parity, "measure", lambda _: {m: {"files": 1, "least": 0.9999, "mean": 1.0} for m in scores.MODALITIES})
    monkeypatch.setitem(served.SECTIONS, "parity", parity.measure)
    tower = {"megabytes": 1.0, "median": 1.0, "95 %": 2.0, "fixed": 9.0, "ratio": 0.1, "budget": 3, "what": "1"}
    monkeypatch.setattr(speed, "measure", lambda _: {"megabytes": 5.0, "towers": dict.fromkeys(scores.MODALITIES, tower)})
    monkeypatch.setattr(served, "Lab", lambda embedder: _lab(embedder, tmp_path))
    return served.run(Fake(), marks.WHOLE, None, tmp_path)


def _lab(embedder, folder: Path):
    from eval.lab import Lab

    lab = Lab(embedder)
    lab.folder = folder
    return lab


def test_every_section_is_measured_kept_and_told(measured, capsys):
    found = measured[marks.WHOLE]
    assert set(served.EVERY) < set(found)
    assert found["retrieval"]["mean"] > 0.9 and found["sounds"]["mean"] > 0.9
    assert json.loads(served.RESULTS.read_text()) == json.loads(json.dumps(measured))
    text = card.filled(measured)
    assert "<!--" not in text and "**not reached**" in text and "reached" in text  # the fake knows no motions
    assert text.count(card.NOT_YET) == 0 and "int8 loses" in text and "not measured" in text
    assert "![" in tables.robustness(measured)


def test_a_card_of_nothing_says_so():
    text = card.filled({})
    assert text.count(card.NOT_YET) == len(tables.SECTIONS) and "<!--" not in text


def test_marks_are_judged_both_ways():
    slots = {
        marks.WHOLE: {"retrieval": {"mean": 0.93, "least": 0.7}, "ablation": {"dimensions": {"256": {"mean": 0.93}, "64": {"mean": 0.8}}}},
        "int8": {"retrieval": {"mean": 0.925}},
    }
    told = {mark.name: reached for mark, _, reached in marks.judged(slots)}
    assert told["Every pair in the gallery: mean R@1 of the 20 ordered pairs"] is True
    assert told["Every pair in the gallery: the least of them"] is False
    assert told["int8 loses, points of the mean R@1"] is True
    assert told["Dimension 64 loses, points of the mean R@1"] is False
    assert told["Video at batch 1"] is None


def test_calibration_replaces_its_table_in_the_manifest(tmp_path):
    import tomllib

    path = tmp_path / "bundle.toml"
    path.write_text('name = "x"\n\n[towers.text]\nmodel = "text.onnx"\n')
    rows = [("text", "image", 0.1, 0.2), ("image", "text", -0.1, 0.3)]
    for table in (rows, rows[:1], rows):
        calibration.write(tmp_path, table)
        read = tomllib.loads(path.read_text())
        assert [tuple(row.values()) for row in read["calibration"]] == table
        assert read["towers"]["text"]["model"] == "text.onnx" and read["name"] == "x"


def test_calibration_counts_pairs_that_share_nothing():
    class Two:
        def calibration(self):
            rows = [{"kind": k, "colour": c} for k, c in (("mug", "red"), ("bed", "blue"), ("mug", "blue"), ("hat", "red"))]
            v = scores.unit(R(3).normal(size=(4, 8)))
            return dict.fromkeys(scores.MODALITIES, v), {m: rows for m in scores.MODALITIES}

    table = calibration.table(Two())
    v = Two().calibration()[0]["text"]
    unrelated = [v[0] @ v[1], v[1] @ v[3], v[2] @ v[3]]  # the others share a kind or a colour
    assert len(table) == 25
    assert table[0][2:] == pytest.approx((np.mean(unrelated), np.std(unrelated)), abs=1e-4)


def test_the_chart_is_a_small_picture(tmp_path):
    rows = [{"modality": a.modality, "name": a.name, "strengths": ["1", "2", "3"], "R@1": [0.9, 0.7, 0.2]} for a in augment.ALL]
    robustness.chart({"untouched": dict.fromkeys(testset.FILES, 0.95), "table": rows}, tmp_path / "chart.png")
    with Image.open(tmp_path / "chart.png") as picture:
        assert picture.width == 640
    assert (tmp_path / "chart.png").stat().st_size < 60_000


@pytest.fixture(scope="module")
def busy():
    """A service on loopback that is full now and then, and answers with the first bytes of what it got."""
    from eval.service import stubs

    messages, services, types, space, space_services = stubs()

    class Space(space_services.SpaceServiceServicer):
        def GetSpace(self, request, context):
            return space.GetSpaceResponse(space=space.Space(space_fingerprint="s"))

    class Busy(services.EmbeddingServiceServicer):
        calls = 0

        def Embed(self, request, context):
            self.calls += 1
            if self.calls % 3 == 2:
                context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "full")
            results = [self._result(i, media) for i, media in enumerate(request.items)]
            return messages.EmbedResponse(results=results)

        def _result(self, i, media):
            content = media.data or media.text.replace("a question", "0000").encode()
            if self.calls % 5 == 4 and i == 1:
                return types.EmbedResult(error=types.ItemError(code=8, reason="QUEUE_FULL", retry_after_ms=1))
            if content.startswith(b"broken"):
                return types.EmbedResult(error=types.ItemError(code=3, reason="MEDIA_MALFORMED", message="not a picture"))
            first, second = (types.Embedding(vector=[x, 1.0], track=t, space_fingerprint="s") for x, t in ((float(content[:4]), 2), (-1.0, 3)))
            return types.EmbedResult(embeddings=types.Embeddings(embeddings=[second, first]))

    server = grpc.server(ThreadPoolExecutor(4))
    services.add_EmbeddingServiceServicer_to_server(Busy(), server)
    space_services.add_SpaceServiceServicer_to_server(Space(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)


def test_a_full_service_is_asked_again_and_order_is_kept(busy, tmp_path):
    from eval.service import Service

    service = Service(busy)
    paths = []
    for i in range(50):
        paths.append(tmp_path / f"{i}.bin")
        paths[-1].write_bytes(f"{i:04d}".encode())
    assert service.name == "s"
    assert service.files("files", [str(p) for p in paths])[:, 0].tolist() == list(range(50))
    assert service.texts("texts", [f"{i:04d}" for i in range(19)])[:, 0].tolist() == list(range(19))
    with pytest.raises(SystemExit, match="MEDIA_MALFORMED"):
        service.texts("texts", ["0001", "broken"])
