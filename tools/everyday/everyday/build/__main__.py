"""Builds the bundle from pinned packages: `python -m everyday.build --out FOLDER`.

Golden vectors are written by `onespace bundle golden` afterwards, calibration by `python -m everyday.calibrate`; both
leave the
fingerprint alone but for the golden files' own digests.
"""

import argparse
import shutil
from pathlib import Path

import numpy as np

from .. import packages
from . import manifest, models
from .graph import save
from .heads import DIMENSION

ROOT = packages.ROOT
SAMPLES = ROOT / "samples"
# What cosines are multiplied with for a softmax over labels, from the half that is for tuning.
SCALES = {"text": 12.0, "image": 12.0, "audio": 10.0, "video": 12.0, "point_cloud": 12.0}
# Our own files, each a little of its modality.
GOLDEN = {
    "text.txt": None,
    "image.png": ROOT / "bundles/diorama/golden/image.png",
    "audio.wav": ROOT / "bundles/diorama/golden/audio.wav",
    "video.mp4": ROOT / "bundles/diorama/golden/video.mp4",
    "point_cloud.ply": ROOT / "bundles/diorama/golden/point_cloud.ply",
}
SENTENCE = "a dog barks in the garden"


def main() -> None:
    parser = argparse.ArgumentParser(prog="everyday.build", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the bundle's folder, which is made anew")
    parser.add_argument("--cache", type=Path, default=packages.cache_folder(), help="where packages are kept")
    parser.add_argument("--floats", action="store_true", help="the picture network in floats instead of bytes")
    arguments = parser.parse_args()
    build(arguments.out, models.Sources(arguments.cache), arguments.floats)


def build(out: Path, sources: models.Sources, floats: bool) -> None:
    if out.exists() and not (out / "bundle.toml").exists() and any(out.iterdir()):
        raise SystemExit(f"{out} is no bundle: it is not made anew")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    pictures = [] if floats else sorted((SAMPLES / "images").iterdir())
    known = models.words(sources)
    (out / "tokenizer.json").write_text(known.tokenizer, "utf-8")
    for name, model in (
        ("text", models.text_model(known)),
        ("image", models.image_model(sources, known, pictures)),
        ("audio", models.audio_model(sources, known)),
    ):
        save(model, out / f"{name}.onnx")
    here = Path(__file__).parent
    for name in ("LICENSE", "NOTICE"):
        shutil.copy(here / name if name == "NOTICE" else ROOT / name, out / name)
    _golden(out / "golden")
    views = here / "views.toml"
    text = manifest.towers(SCALES, views.read_text() if views.exists() else "")
    (out / "bundle.toml").write_text(manifest.written(out, text, ""), "utf-8")


def _golden(folder: Path) -> None:
    """The inputs, each with a vector that is replaced: none may be zero."""
    folder.mkdir()
    for name, source in GOLDEN.items():
        if source is None:
            (folder / name).write_text(SENTENCE)
        else:
            shutil.copy(source, folder / name)
        np.full(DIMENSION, DIMENSION**-0.5, "<f4").tofile(folder / f"{Path(name).stem}.f32")


if __name__ == "__main__":
    main()
