"""The packages of the evaluation sets, unpacked to plain files: archives within archives too."""

import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from everyday.evaluation import rcc
from everyday.packages import PACKAGES, unpacked


def source(name: str, cache: Path) -> Path:
    """The unpacked package's `usr` folder."""
    return unpacked(PACKAGES[name], cache) / "usr"


def gcompris(cache: Path) -> Path:
    """The folder of GCompris' activities, out of its resource files."""

    def fill(folder: Path) -> None:
        for resources in sorted((source("gcompris-qt-data", cache) / "share/gcompris-qt/rcc").glob("*.rcc")):
            rcc.extract(resources, folder)

    return _once(cache, "gcompris", fill) / "gcompris/src/activities"


def cgal(cache: Path) -> Path:
    """CGAL's data folder."""

    def fill(folder: Path) -> None:
        archive = source("libcgal-demo", cache) / "share/doc/libcgal-dev/data.tar.gz"
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")

    return _once(cache, "cgal", fill) / "data"


def furniture(cache: Path) -> Path:
    """A folder for each of the furniture libraries."""

    def fill(folder: Path) -> None:
        for library in sorted((source("sweethome3d-furniture", cache) / "share/sweethome3d/furniture").glob("*.sh3f")):
            with zipfile.ZipFile(library) as archive:
                archive.extractall(folder / library.stem)

    return _once(cache, "furniture", fill)


def _once(cache: Path, name: str, fill: Callable[[Path], None]) -> Path:
    """Filled whole or not at all."""
    folder = cache / "unpacked" / f"{name}-files"
    if not folder.exists():
        beside = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        fill(beside)
        beside.rename(folder)
    return folder
