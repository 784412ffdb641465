"""Writes samples/: some fifty held-out pairs in every modality, named for what they show, and sheets of the world for the documents."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

import media
from world import captions
from world.catalogue import COLOURS, MOTIONS, NAMES, RELATIONS, SOUNDING, instance, split
from world.picture import Film, photo
from world.picture import scene as staged
from world.shapes import MATERIALS

OUT = Path(__file__).parent.parent / "samples"
SUBJECTS = 48
PICTURES = ("jpg", "jpg", "png", "webp")
RECORDINGS = ("mp3", "wav", "ogg", "flac")
LAYOUTS = ("binary_little_endian", "ascii", "binary_little_endian")
# Documents and tests name samples of these; kept wherever the pair is held out.
DOCUMENTED = {
    "piano": "orange", "robot": "black", "guitar": "purple", "mug": "red", "cactus": "pink", "mushroom": "yellow", "snowman": "blue",
    "teapot": "yellow", "house": "white", "fish": "green", "car": "green", "hat": "orange", "bee": "brown", "sword": "blue", "key": "pink",
    "airplane": "brown", "bottle": "turquoise", "helicopter": "turquoise",
}  # fmt: skip
# And of them in these forms: pictures, recording of the words, motion.
FORMS = {
    "piano": (("jpg", "jpg"), "mp3", "spinning"), "mug": (("jpg", "jpg"), "mp3", "spinning"), "robot": (("webp",), "flac", "rising"),
    "guitar": (("jpg",), "mp3", "bouncing"), "teapot": (("jpg",), "wav", "bouncing"), "cactus": (("png",), "ogg", "swinging"),
    "mushroom": (("jpg",), "wav", "rolling left"), "snowman": (("webp",), "flac", "falling"), "hat": (("jpg",), "wav", "rolling right"),
    "bee": (("webp",), "flac", "rising"), "sword": (("png",), "ogg", "approaching"), "airplane": (("webp",), "flac", "swinging"),
    "bottle": (("png",), "ogg", "falling"), "helicopter": (("jpg",), "mp3", "approaching"),
}  # fmt: skip
SIGNATURES = {"bell": "wav", "piano": "flac", "airplane": "ogg"}
BIG_ENDIAN, WEBM = "cactus", ("hat", "fish")  # the webm films have no sound track
SCENES = 6  # of two things each
LANGUAGES = ("de", "es")


def subjects() -> list[tuple[str, str]]:
    """Held-out pairs: of the documented kinds, of every sounding kind, and of others; in the colour that is used least so far."""
    chosen = [kind for kind in NAMES if kind in DOCUMENTED or kind in SOUNDING]
    rest = [kind for kind in NAMES if kind not in chosen]
    wanted = SUBJECTS - len(chosen)
    chosen += [rest[i * len(rest) // wanted] for i in range(wanted)]
    used, pairs = dict.fromkeys(COLOURS, 0), []
    for kind in sorted(chosen, key=lambda k: (k not in DOCUMENTED, NAMES.index(k))):
        options = [c for k, c in split()[1] if k == kind]
        colour = DOCUMENTED[kind] if DOCUMENTED.get(kind) in options else min(options, key=used.get)
        used[colour] += 1
        pairs.append((kind, colour))
    return pairs


def _thing(folder: Path, i: int, kind: str, colour: str):
    r, what = np.random.default_rng((515, i)), f"{colour}-{kind}"
    pictures, recording, motion = FORMS.get(kind, ((PICTURES[i % 4],), RECORDINGS[i % 4], MOTIONS[i % len(MOTIONS)]))
    for number, suffix in enumerate(pictures):
        media.picture(folder / f"images/{what}-{number + 1:02d}.{suffix}", kind, colour, r, 240 if suffix == "png" else 320)
    media.spoken(folder / f"sounds/spoken-{what}-01.{recording}", kind, colour, r)
    film = f"videos/{what}-{motion.replace(' ', '-')}-01.{'webm' if kind in WEBM else 'mp4'}"
    media.film(folder / film, kind, colour, motion, r, sound=True)
    layout = "binary_big_endian" if kind == BIG_ENDIAN else LAYOUTS[i % 3]
    media.cloud(folder / f"points/{what}-01.ply", kind, colour, r, 1500 if layout == "ascii" else 2500, layout)
    media.text(folder / f"texts/{what}-01.txt", kind, colour)


def _scene(folder: Path, i: int, first: tuple[str, str], second: tuple[str, str]):
    """A picture of two things and what is said of it."""
    r, relation, things = np.random.default_rng((516, i)), RELATIONS[i % len(RELATIONS)], [first, second]
    stem = f"{first[1]}-{first[0]}-{relation.replace(' ', '-')}-{second[1]}-{second[0]}-01"
    media.scene(folder / f"images/{stem}.jpg", things, relation, r)
    (folder / f"texts/{stem}.txt").write_text(captions.scene_caption(things, relation, r) + "\n")


def _translated(folder: Path, i: int, kind: str, colour: str, language: str):
    r = np.random.default_rng((517, i))
    media.text(folder / f"texts/{colour}-{kind}-{language}-01.txt", kind, colour, language=language)
    media.spoken(folder / f"sounds/spoken-{colour}-{kind}-{language}-01.{RECORDINGS[i % 4]}", kind, colour, r, language)


def write(folder: Path):
    for name in ("images", "sounds", "videos", "points", "texts"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    chosen = subjects()
    for i, (kind, colour) in enumerate(tqdm(chosen, desc="samples")):
        _thing(folder, i, kind, colour)
    for i, kind in enumerate(SOUNDING):
        suffix = SIGNATURES.get(kind, RECORDINGS[i % 4])
        media.signature(folder / f"sounds/{kind}-01.{suffix}", kind, np.random.default_rng((518, i)))
    for i in range(SCENES):
        _scene(folder, i, chosen[-1 - 4 * i], chosen[-3 - 4 * i])
        for n, language in enumerate(LANGUAGES):
            _translated(folder, 2 * i + n, *chosen[7 * i + 3 * n], language)


def _smooth(pixels: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.LANCZOS))


def _save(path: Path, tiles: list[np.ndarray], across: int):
    """Tiles in rows, in few colours so that the file stays small."""
    rows = [np.concatenate(tiles[i : i + across], 1) for i in range(0, len(tiles), across)]
    Image.fromarray(np.concatenate(rows)).quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def contact_sheet(path: Path, size: int = 72, across: int = 12):
    """Every kind once, in a held-out colour; not those of the test set."""
    tiles, used = [], dict.fromkeys(COLOURS, 0)
    for i, kind in enumerate(NAMES):
        r = np.random.default_rng((616, i))
        colour = min((c for k, c in split()[1] if k == kind), key=used.get)
        used[colour] += 1
        tiles.append(_smooth(photo(instance(kind, colour, r), kind, 3 * size, r, size="big"), size))
    _save(path, tiles, across)


def variety_sheet(path: Path, size: int = 80, across: int = 8):
    """A row each of: individuals of one pair, materials and sizes, scenes, and two films."""
    kind, colour = subjects()[0]
    tiles = []
    for i in range(across):
        r = np.random.default_rng((617, i))
        tiles.append(_smooth(photo(instance(kind, colour, r), kind, 3 * size, r), size))
    for i, (kind, colour) in enumerate(subjects()[1 : across + 1]):
        r = np.random.default_rng((618, i))
        look = instance(kind, colour, r, MATERIALS[i % 3])
        tiles.append(_smooth(photo(look, kind, 3 * size, r, size=("big", "medium", "small")[i // 3]), size))
    for i in range(across):
        r, things = np.random.default_rng((619, i)), [subjects()[-1 - 2 * i], subjects()[i]]
        tiles.append(_smooth(staged([(instance(k, c, r), k) for k, c in things], RELATIONS[i % 4], 3 * size, r), size))
    for i, motion in enumerate(("rolling right", "swinging")):
        r, (kind, colour) = np.random.default_rng((620, i)), subjects()[20 + i]
        film = Film(instance(kind, colour, r), kind, motion, 3 * size, r)
        tiles += [_smooth(film.frame((j + 0.5) / across), size) for j in range(across)]
    _save(path, tiles, across)


if __name__ == "__main__":
    write(OUT)
    contact_sheet(OUT.parent / "training" / "contact-sheet.png")
    variety_sheet(OUT.parent / "training" / "variety.png")
