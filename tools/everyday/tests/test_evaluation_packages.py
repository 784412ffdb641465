"""What is fetched is what was pinned, or nothing."""

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from everyday import packages
from everyday.packages import PACKAGES, Package, Refused, fetch, unpacked


@pytest.fixture
def wheel(tmp_path):
    """A package that is in the cache already."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    with zipfile.ZipFile(folder / "thing-1-py3-none-any.whl", "w") as archive:
        archive.writestr("thing/data.txt", "what was pinned")
    digest = hashlib.sha256((folder / "thing-1-py3-none-any.whl").read_bytes()).hexdigest()
    return Package("thing", "1", "pip", "thing-1-py3-none-any.whl", digest, "MIT", "build", "a thing")


def test_what_is_there_is_not_downloaded_again(wheel, tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("it asked for a download"))
    assert fetch(wheel, tmp_path).name == wheel.file
    assert (unpacked(wheel, tmp_path) / "thing/data.txt").read_text() == "what was pinned"


def test_another_file_is_refused_by_name_and_digests(wheel, tmp_path):
    (tmp_path / "downloads" / wheel.file).write_bytes(b"something else")
    with pytest.raises(Refused) as refused:
        unpacked(wheel, tmp_path)
    said = str(refused.value)
    assert "thing 1" in said
    assert wheel.sha256 in said
    assert hashlib.sha256(b"something else").hexdigest() in said
    assert not (tmp_path / "unpacked").exists()


def test_a_package_that_is_gone_is_refused(wheel, tmp_path, monkeypatch):
    gone = replace(wheel, file="thing-2-py3-none-any.whl", version="2")
    answer = subprocess.CompletedProcess([], 1, "", "ERROR: No matching distribution found for thing==2\n")
    asked = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: asked.append(command) or answer)
    with pytest.raises(Refused, match=r"thing 2: pip does not give it any more.*No matching distribution"):
        fetch(gone, tmp_path)
    assert asked[0][:4] == [sys.executable, "-m", "pip", "download"]


def test_another_version_in_place_of_the_pinned_one_is_refused(wheel, tmp_path, monkeypatch):
    other = replace(wheel, file="thing_1%3a2_all.deb", registry="deb")
    answer = subprocess.CompletedProcess([], 0, "", "")

    def download(command, cwd, **_):
        (Path(cwd) / "thing_1%3a3_all.deb").write_bytes(b"newer")
        return answer

    monkeypatch.setattr(subprocess, "run", download)
    with pytest.raises(Refused, match=r"thing_1%3a3_all\.deb"):
        fetch(other, tmp_path)


def test_every_pin_is_whole():
    for name, package in PACKAGES.items():
        assert package.name == name
        assert len(package.sha256) == 64 and set(package.sha256) <= set("0123456789abcdef")
        assert package.file.endswith(".whl" if package.registry == "pip" else ".deb")
        assert package.licence and package.what
    assert len({p.sha256 for p in PACKAGES.values()}) == len(PACKAGES)


def test_no_host_is_named():
    assert "://" not in Path(packages.__file__).read_text()


def test_the_cache_goes_where_the_variable_says(monkeypatch, tmp_path):
    monkeypatch.setenv(packages.CACHE_VARIABLE, str(tmp_path))
    assert packages.cache_folder() == tmp_path
    monkeypatch.delenv(packages.CACHE_VARIABLE)
    assert packages.cache_folder().parts[-2:] == ("target", "everyday")
