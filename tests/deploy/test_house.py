"""The plan of the house is held: each rule sees the breach that it is there for."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("house", ROOT / "scripts" / "house.py")
house = importlib.util.module_from_spec(SPEC)
sys.modules["house"] = house
SPEC.loader.exec_module(house)


@pytest.fixture
def crate(tmp_path, monkeypatch):
    """Writes the files of a crate below a root of its own and gives their paths."""
    monkeypatch.setattr(house, "ROOT", tmp_path)

    def write(**files: str) -> list[Path]:
        paths = []
        for name, text in files.items():
            path = tmp_path / "crate/src" / f"{name.replace('__', '/')}.rs"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            paths.append(path)
        return paths

    return write


def test_a_circle_is_named_with_its_way_round(crate):
    files = crate(lib="mod a; mod b; mod c;", a="use crate::{b::B, c};", b="use crate::c::{self, C};", c="fn f() { crate::a::g() }")
    (breach,) = house.rust_circles(files)
    assert "a → b → c → a" in breach


def test_parents_children_tests_and_comments_make_no_circle(crate):
    files = crate(
        lib="mod a; mod b;",
        a="mod inner; use crate::b::B; // crate::c",
        a__inner="use super::A;",
        b="// crate::a::A\n#[cfg(test)]\nmod tests { use crate::a::A; }",
    )
    assert list(house.rust_circles(files)) == []


def test_python_circles_are_seen_within_functions_too(tmp_path, monkeypatch):
    monkeypatch.setattr(house, "ROOT", tmp_path)
    (tmp_path / "one.py").write_text("import two")
    (tmp_path / "two.py").write_text("def f():\n    from one import g")
    (breach,) = house.python_circles(sorted(tmp_path.glob("*.py")))
    assert "one → two → one" in breach


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("// " + "x" * 118, "121 columns"),
        ("\n" * 401, "401 lines"),
        ("fn f() {\n" + "    g();\n" * 69 + "}\n", "a function of 71 lines"),
        ("fn f() { std::env::var(\"HOME\") }", "reads the environment"),
    ],
)
def test_sizes_and_the_environment_are_watched(crate, text, said):
    (path,) = crate(a=text)
    lines = text.splitlines()
    found = [*house.sizes(path, lines), *house.functions(path, lines), *house.environment(path, text)]
    assert any(said in breach for breach in found), found


def test_what_is_within_the_limits_is_no_breach(crate):
    text = "/// " + "x" * 116 + "\nfn f() {\n" + "    g();\n" * 68 + "}\n"
    (path,) = crate(a=text)
    lines = text.splitlines()
    assert [*house.sizes(path, lines), *house.functions(path, lines), *house.environment(path, text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "fn f() { std::thread::spawn(g); }",
        "fn f() { tokio::spawn(g()); }",
        "use std::sync::{Arc, Mutex};",
        "use std::{\n    io,\n    sync::{Arc, Mutex},\n};",
    ],
)
def test_what_has_its_places_is_seen_elsewhere(crate, text):
    (path,) = crate(a=text)
    (breach,) = house.places(path, text)
    assert "has no place here" in breach


def test_tests_and_tokios_own_lock_may_be_anywhere(crate):
    text = "use tokio::sync::{Mutex, mpsc};\n#[cfg(test)]\nmod tests { fn f() { tokio::spawn(g()); } }"
    (path,) = crate(a=text)
    assert list(house.places(path, text)) == []


def test_a_dependency_that_nobody_uses_is_named(crate, tmp_path):
    crate(lib="use serde_json::Value;\n#[cfg(test)]\nmod tests { use tempfile::TempDir; }")
    manifest = tmp_path / "crate/Cargo.toml"
    manifest.write_text('[dependencies]\nserde-json = "1"\nbytes = "1"\n[dev-dependencies]\ntempfile = "3"\n')
    (breach,) = house.unused(manifest)
    assert "bytes is not used (dependencies)" in breach
