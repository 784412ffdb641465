"""The dependency fences catch what they are there to catch."""

import importlib.util
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("fences", ROOT / "scripts" / "fences.py")
fences = importlib.util.module_from_spec(SPEC)
sys.modules["fences"] = fences
SPEC.loader.exec_module(fences)

RULES = tomllib.loads((ROOT / "deny.toml").read_text())
REGISTRY = "registry+index"


def workspace(*edges, licences=None, versions=None, sources=None, dev=()):
    """The metadata of a small workspace. An edge is `parent → child`; ours are `folder/package`."""
    licences, versions, sources = licences or {}, versions or {}, sources or {}
    places = {}
    for edge in (*edges, *dev):
        for place in edge:
            places[place.rsplit("/", 1)[-1]] = place
    packages, nodes, members = [], [], []
    for name, place in places.items():
        ours = "/" in place
        if ours:
            members.append(name)
        packages.append({
            "id": name, "name": name, "version": versions.get(name, "9.0.0"),
            "license": licences.get(name, "MIT"),
            "source": None if ours else sources.get(name, REGISTRY),
            "manifest_path": f"/house/{place}/Cargo.toml" if ours else f"/registry/{name}/Cargo.toml",
        })  # fmt: skip
        deps = [
            {"pkg": child.rsplit("/", 1)[-1], "dep_kinds": [{"kind": kind}]}
            for kind, pairs in ((None, edges), ("dev", dev))
            for parent, child in pairs
            if parent == place
        ]
        nodes.append({"id": name, "deps": deps})
    return {"workspace_root": "/house", "workspace_members": members, "packages": packages, "resolve": {"nodes": nodes}}


def breaches(*edges, **more):
    return fences.breaches(workspace(*edges, **more), RULES)


def test_a_sound_workspace_has_no_breach():
    assert breaches(
        ("services/onespace-gateway", "adapters/onespace-qdrant"),
        ("adapters/onespace-qdrant", "qdrant-client"),
        ("adapters/onespace-qdrant", "core/onespace-core"),
        ("encoders/onespace-runtime", "ort"),
        ("core/onespace-core", "blake3"),
    ) == []  # fmt: skip


@pytest.mark.parametrize(
    ("edge", "word"),
    [
        (("services/onespace-gateway", "qdrant-client"), "store"),
        (("services/onespace-gateway", "ort"), "inference"),
        (("encoders/onespace-text", "image"), "pixels"),
        (("encoders/onespace-video", "symphonia"), "sound"),
        (("encoders/onespace-audio", "ffmpeg-next"), "FFmpeg"),
    ],
)
def test_what_is_fenced_is_named_by_its_wrapper_alone(edge, word):
    found = breaches(edge)
    assert any(f.startswith("bans: ") and word in f for f in found), found


def test_a_test_dependency_is_behind_the_fence_too():
    assert breaches(("services/onespace-gateway", "tokio"), dev=[("services/onespace-gateway", "ort")])


def test_a_release_with_a_known_hole_is_refused_and_its_fix_is_not():
    edge = ("services/onespace-gateway", "h2")
    assert breaches(edge, versions={"h2": "0.4.15"}) == ["bans: h2 0.4.15 is banned: RUSTSEC-2026-0258"]
    assert breaches(edge, versions={"h2": "0.4.16"}) == []


def test_core_reaches_no_transport_however_deep():
    found = breaches(("core/onespace-core", "innocent"), ("innocent", "tokio"))
    assert found == ["purity: onespace-core reaches tokio 9.0.0 through innocent"]


def test_no_tower_links_inference():
    found = breaches(("encoders/onespace-text", "encoders/onespace-runtime"), ("encoders/onespace-runtime", "ort"))
    assert found == ["purity: onespace-text reaches ort 9.0.0 through onespace-runtime"]


def test_dependencies_point_one_way():
    assert breaches(("core/onespace-core", "proto/onespace-proto"))
    assert breaches(("adapters/onespace-qdrant", "services/onespace-kit"))
    assert breaches(("attic/onespace-old", "core/onespace-core"))


def test_other_sources_are_refused():
    assert breaches(("core/onespace-core", "fork"), sources={"fork": "git+somewhere"})


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("MIT", True),
        ("GPL-3.0", False),
        ("MIT OR GPL-3.0", True),
        ("MIT/Apache-2.0", True),
        ("MIT AND GPL-3.0", False),
        ("(MIT OR GPL-3.0) AND Unicode-3.0", True),
        ("GPL-3.0 OR MIT AND GPL-2.0", False),
        ("Apache-2.0 WITH LLVM-exception OR GPL-3.0", True),
        ("GPL-2.0 WITH Classpath-exception-2.0", False),
    ],
)
def test_licence_expressions(expression, holds):
    found = breaches(("core/onespace-core", "thing"), licences={"thing": expression})
    assert (found == []) is holds


def test_an_unsaid_licence_is_a_breach():
    metadata = workspace(("core/onespace-core", "thing"))
    metadata["packages"][1]["license"] = None
    assert fences.breaches(metadata, RULES) == ["licences: thing 9.0.0 does not say its licence"]
