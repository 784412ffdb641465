"""Writes samples/: one held-out pair of every kind in every modality, named for what it shows."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

import media
from world.catalogue import MOTIONS, NAMES, SOUNDING, instance, split
from world.picture import photo

OUT = Path(__file__).parent.parent / "samples"
PICTURES = ("jpg", "jpg", "png", "webp")
RECORDINGS = ("mp3", "wav", "ogg", "flac")
LAYOUTS = ("binary_little_endian", "ascii", "binary_little_endian")
BIG_ENDIAN = "cactus"
WEBM = ("hat", "fish")


def subjects() -> list[tuple[str, str]]:
    """For each kind the held-out colour that is used least so far."""
    used: dict = {}
    chosen = []
    for kind in NAMES:
        options = [c for k, c in split()[1] if k == kind]
        colour = min(options, key=lambda c: used.get(c, 0))
        used[colour] = used.get(colour, 0) + 1
        chosen.append((kind, colour))
    return chosen


def write(folder: Path):
    for name in ("images", "sounds", "videos", "points", "texts"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    for i, (kind, colour) in enumerate(tqdm(subjects(), desc="samples")):
        r = np.random.default_rng((515, i))
        what = f"{colour}-{kind}"
        for number in range(1 + (i % 4 == 0)):
            suffix = PICTURES[(i + number) % len(PICTURES)]
            media.picture(folder / f"images/{what}-{number + 1:02d}.{suffix}", kind, colour, r)
        media.spoken(folder / f"sounds/spoken-{what}-01.{RECORDINGS[i % len(RECORDINGS)]}", kind, colour, r)
        motion = MOTIONS[i % len(MOTIONS)]
        suffix = "webm" if kind in WEBM else "mp4"
        media.film(folder / f"videos/{what}-{motion}-01.{suffix}", kind, colour, motion, r, sound=True)
        layout = "binary_big_endian" if kind == BIG_ENDIAN else LAYOUTS[i % len(LAYOUTS)]
        media.cloud(folder / f"points/{what}-01.ply", kind, colour, r, 1500 if layout == "ascii" else 3000, layout)
        media.text(folder / f"texts/{what}-01.txt", kind, colour, r)
        if kind in SOUNDING:
            suffix = RECORDINGS[(SOUNDING.index(kind) + 1) % len(RECORDINGS)]
            media.signature(folder / f"sounds/{kind}-01.{suffix}", kind, r)


def contact_sheet(path: Path, size: int = 88):
    """The subjects as pictures, nine across."""
    tiles = []
    for i, (kind, colour) in enumerate(subjects()):
        r = np.random.default_rng((616, i))
        pixels = Image.fromarray(photo(instance(kind, colour, r), kind, 3 * size, r))
        tiles.append(np.asarray(pixels.resize((size, size), Image.LANCZOS)))
    rows = [np.concatenate(tiles[i : i + 9], 1) for i in range(0, len(tiles), 9)]
    Image.fromarray(np.concatenate(rows)).save(path, optimize=True)


if __name__ == "__main__":
    write(OUT)
    contact_sheet(OUT.parent / "training" / "contact-sheet.png")
