"""The test set as real files: every held-out pair once in every modality, from seeds of its own."""

import json
from pathlib import Path

import numpy as np
from tqdm import tqdm

import media
from samples import LAYOUTS, PICTURES, RECORDINGS
from world.catalogue import MOTIONS, SOUNDING, split

FOLDER = Path(__file__).parent.parent / ".cache" / "testset"
SEED = 20261124
MODALITIES = ("text", "image", "audio", "video", "point_cloud")
SIGNATURES = 6


def names(index: int, kind: str, colour: str) -> dict[str, str]:
    """The file of each modality."""
    what = f"{colour}-{kind}"
    return {
        "text": f"{what}.txt",
        "image": f"{what}.{PICTURES[index % len(PICTURES)]}",
        "audio": f"spoken-{what}.{RECORDINGS[index % len(RECORDINGS)]}",
        "video": f"{what}-{MOTIONS[index % len(MOTIONS)]}.{'webm' if index % 12 == 5 else 'mp4'}",
        "point_cloud": f"{what}.ply",
    }


def _pair(index: int, kind: str, colour: str, files: dict[str, Path]):
    r = np.random.default_rng((SEED, index))
    media.text(files["text"], kind, colour, r)
    media.picture(files["image"], kind, colour, r, int(r.choice([160, 240, 320, 480])))
    media.spoken(files["audio"], kind, colour, r)
    media.film(files["video"], kind, colour, MOTIONS[index % len(MOTIONS)], r, int(r.choice([128, 160, 192, 256])))
    layout = "binary_big_endian" if index % 12 == 7 else LAYOUTS[index % len(LAYOUTS)]
    media.cloud(files["point_cloud"], kind, colour, r, int(r.choice([1500, 3000, 6000])), layout)


def build() -> dict:
    """{"pairs": [{kind, colour, motion, files}], "sounds": [{kind, file}]}; made once, kept in the cache."""
    index_file = FOLDER / "index.json"
    if index_file.exists():
        return json.loads(index_file.read_text())
    FOLDER.mkdir(parents=True, exist_ok=True)
    pairs = []
    for index, (kind, colour) in enumerate(tqdm(split()[1], desc="test set")):
        files = {m: FOLDER / n for m, n in names(index, kind, colour).items()}
        _pair(index, kind, colour, files)
        pairs.append({"kind": kind, "colour": colour, "motion": MOTIONS[index % len(MOTIONS)], "files": {m: str(f) for m, f in files.items()}})
    sounds = []
    for number, kind in enumerate(np.repeat(SOUNDING, SIGNATURES)):
        path = FOLDER / f"{kind}-{number:03d}.{RECORDINGS[number % len(RECORDINGS)]}"
        media.signature(path, str(kind), np.random.default_rng((SEED, 9, number)))
        sounds.append({"kind": str(kind), "file": str(path)})
    index_file.write_text(json.dumps({"pairs": pairs, "sounds": sounds}, indent=1))
    return json.loads(index_file.read_text())
