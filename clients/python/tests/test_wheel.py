"""The wheel as others get it, in an environment of its own; the README, block by block."""

import importlib.metadata
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile

import pytest

from support import BINARY, BUNDLE, PROJECT, ROOT

BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks() -> list[str]:
    return BLOCK.findall((PROJECT / "README.md").read_text())


def build(kind: str, out) -> None:
    """As a front end builds it, with what is installed here in place of a download."""
    code = f"import hatchling.build as b; print(b.build_{kind}({str(out)!r}))"
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("hatchling")
    out = tmp_path_factory.mktemp("wheel")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(out),
        str(PROJECT),
    ]
    subprocess.run(pip, check=True)
    [found] = out.glob("onespace-*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """A fresh environment with the wheel in it; what it depends on comes from this one."""
    folder = tmp_path_factory.mktemp("fresh")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin/python"
    install = [str(python), "-m", "pip", "install", "-q", "--no-index", "--no-deps", str(wheel)]
    subprocess.run(install, check=True)
    [site] = folder.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_a_wheel_has_its_messages_and_types(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ("types", "embedding", "search", "collection", "space"):
        made = {f"onespace/v1/{name}_pb2.py", f"onespace/v1/{name}_pb2.pyi"}
        assert {*made, f"onespace/v1/{name}_pb2_grpc.py"} <= names
    assert "onespace/py.typed" in names and not any("test" in name for name in names)
    [metadata] = [name for name in names if name.endswith("METADATA")]
    text = zipfile.ZipFile(wheel).read(metadata).decode()
    made_for = re.search(r"Requires-Dist: protobuf>=(\d+)\.[\d.]+,<(\d+)", text)
    assert made_for and int(made_for[2]) == int(made_for[1]) + 2, text


def test_what_it_needs_is_what_the_tests_have(wheel):
    requirements = pytest.importorskip("packaging.requirements")
    [found] = importlib.metadata.distributions(name="onespace", path=[str(wheel)])
    needed = [requirements.Requirement(line) for line in found.requires or []]
    for one in needed:
        if one.marker is None:
            assert one.specifier.contains(importlib.metadata.version(one.name)), one


def test_a_source_distribution_builds_the_same_wheel(wheel, tmp_path):
    build("sdist", tmp_path)
    [archive] = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(tmp_path, filter="data")
    [folder] = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert (folder / "proto/onespace/v1/types.proto").is_file()
    assert not (folder / "src/onespace/v1").exists()
    code = f"import hatchling.build as b; b.build_wheel({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True)
    [again] = tmp_path.glob("*.whl")
    assert sorted(zipfile.ZipFile(again).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())


def test_the_readme_runs(python):
    """One block after the other, in one program, as a reader would type them."""
    program = "\n\n".join(blocks())
    assert len(blocks()) >= 6
    environment = {
        **os.environ,
        "ONESPACE_BINARY": str(BINARY),
        "README_BUNDLE": str(BUNDLE),
        "PYTHONWARNINGS": "error::DeprecationWarning:onespace",
    }
    environment.pop("PYTHONPATH", None)
    check = "import onespace; assert 'fresh' in onespace.__file__, onespace.__file__\n\n"
    ran = subprocess.run(
        [str(python), "-c", check + program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
