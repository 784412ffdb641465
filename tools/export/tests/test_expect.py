"""What the reference gave, in a recipe, and pulls that are held to it: on tiny exports, with the built service."""

import json
import os
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from conftest import build

from onespace_export import Refused, bundle
from onespace_export.service import BINARY, ROOT, RUNTIME

INPUTS = ROOT / "bundles/recipes/golden"
COMMIT, REPOSITORY = "0123456789abcdef0123456789abcdef01234567", "someone/tiny"
pytestmark = pytest.mark.skipif(not BINARY.exists(), reason="the service is not built")


def exported(family: str, out: Path) -> Path:
    model, options = build(family, golden=INPUTS)
    bundle.write(family, model, options, out)
    return out


def run(*words: str | Path, home: Path | None = None) -> subprocess.CompletedProcess:
    own = {"ONESPACE_ONNXRUNTIME": str(RUNTIME), **os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(home)}
    return subprocess.run([BINARY, "--json", "bundle", *words], env=own, capture_output=True, text=True)


def published(folder: Path, home: Path) -> dict:
    """The recipe for the files of a bundle, which lie where pulls keep what they fetched."""
    said = tomllib.loads((folder / "bundle.toml").read_text())
    files = [name for name in said["files"] if not name.startswith("golden/")]
    kept = home / "hub/models--someone--tiny/snapshots" / COMMIT
    kept.mkdir(parents=True)
    for name in files:
        (kept / name).write_bytes((folder / name).read_bytes())
    recipe = {key: said[key] for key in said.keys() - {"format", "version", "provenance", "files"}}
    return recipe | {
        "origin": {"repository": REPOSITORY, "revision": COMMIT},
        "files": {name: {"from": name} for name in files},
    }


@pytest.mark.parametrize("family, pairs", [("clip", 3), ("siglip2", 3), ("clap", 1)])
def test_a_pull_tells_the_scores_of_the_authors_pipeline(family, pairs, tmp_path):
    folder, home, recipe = exported(family, tmp_path / "exported"), tmp_path / "home", tmp_path / "recipe.toml"
    recipe.write_text(tomli_w.dumps(published(folder, home)))
    assert run("expect", "--bundle", folder, "--recipe", recipe).returncode == 0
    expected = tomllib.loads(recipe.read_text())["expected"]
    assert expected["reference"].startswith("transformers") and len(expected["scores"]) == pairs
    vectors = {path.stem: np.fromfile(path, "<f4") for path in (folder / "golden").glob("*.f32")}
    for score in expected["scores"]:
        one, other = (vectors[modality] for modality in score["pair"])
        assert abs(one @ other - score["cosine"]) < 2e-6, score
    for modality, vector in vectors.items():
        assert np.allclose(expected[modality], vector[:8], atol=1e-6), modality

    told = run("pull", "--recipe", recipe, "--out", tmp_path / "pulled", home=home)
    scored = [event for event in map(json.loads, told.stdout.splitlines()) if event["event"] == "scored"]
    assert told.returncode == 0 and len(scored) == pairs, told.stderr
    assert all(abs(event["found"] - event["expected"]) < 1e-4 for event in scored), scored


def test_a_recipe_that_prepares_otherwise_is_refused(tmp_path):
    folder, home, recipe = exported("clip", tmp_path / "exported"), tmp_path / "home", tmp_path / "recipe.toml"
    wrong = published(folder, home)
    wrong["towers"]["image"]["preprocess"]["mean"] = [0.0, 0.0, 0.0]
    recipe.write_text(tomli_w.dumps(wrong))
    assert run("expect", "--bundle", folder, "--recipe", recipe).returncode == 0
    told = run("pull", "--recipe", recipe, "--out", tmp_path / "pulled", home=home)
    assert told.returncode == 1 and "expected.image" in told.stderr
    assert not (tmp_path / "pulled").exists()


def test_only_a_reference_on_the_inputs_of_pulls_can_be_expected(tmp_path):
    model, options = build("clip")
    bundle.write("clip", model, options, tmp_path / "own-inputs")
    assert "not the one that recipes come with" in run("expect", "--bundle", tmp_path / "own-inputs").stderr
    folder = exported("clip", tmp_path / "exported")
    printed = json.loads(run("expect", "--bundle", folder).stdout)
    assert len(printed["scores"]) == 3 and len(printed["text"]) == 8
    manifest = (
        (folder / "bundle.toml").read_text().replace('reference = "transformers', 'reference = "none: transformers')
    )
    (folder / "bundle.toml").write_text(manifest)
    assert "are of no reference" in run("expect", "--bundle", folder).stderr
    (tmp_path / "empty").mkdir()
    with pytest.raises(Refused, match=r"text: there is no .*text\.txt"):
        model, options = build("clip", golden=tmp_path / "empty")
        bundle.write("clip", model, options, tmp_path / "none")
