"""The test set as real files, from seeds of its own: plans of what is in it, and the making of what is missing.

A plan is a list of rows; a row says what it shows and where its files lie. Files are made by two processes, each from
a seed of its own, and kept in the cache, so that a stopped run goes on where it was.
"""

import hashlib
import os
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
from tqdm import tqdm

import media
from eval import augment
from world import captions
from world.catalogue import COLOURS, NAMES, SIZES, SOUNDING, motion_split, split
from world.shapes import MATERIALS

TRAINING = Path(__file__).parent.parent
SEED = 20261124
WORKERS = 2
INDIVIDUALS = 500  # of the held-out pairs, with their own sizes, materials and motions
SIGNATURES = 8  # for each sounding kind
SCENES = 500
CALIBRATION_PAIRS = 100
FILES = ("image", "audio", "video", "point_cloud")
# What a file can show of what it was made from; of a text it is what the text says.
CARRIED = {
    "image": ("kind", "colour", "size", "material"), "audio": ("kind", "colour"), "video": ("kind", "colour", "material", "motion"),
    "point_cloud": ("kind", "colour"),
}  # fmt: skip
PICTURES = ("jpg", "jpg", "png", "webp")
RECORDINGS = ("mp3", "wav", "ogg", "flac")
LAYOUTS = ("binary_little_endian", "ascii", "binary_little_endian", "binary_big_endian")
# Both orders of every relation that differ in what is seen; "under" is "on" the other way round.
STANDINGS = (("on", 0, 1), ("on", 1, 0), ("left of", 0, 1), ("left of", 1, 0), ("in front of", 0, 1), ("in front of", 1, 0))


@cache
def digest() -> str:
    """Of all code that makes the files: another world is another test set."""
    sources = sorted([*(TRAINING / "world").glob("*.py"), *(TRAINING / "world").glob("*.c"), TRAINING / "media.py"])
    sources += [TRAINING / "eval" / "testset.py", TRAINING / "eval" / "augment.py"]
    return hashlib.sha256(b"".join(s.read_bytes() for s in sources)).hexdigest()[:12]


def folder() -> Path:
    return TRAINING / ".cache" / f"testset-{digest()}"


def _path(plan: str, name: str, suffix: str) -> str:
    return str(folder() / plan / f"{name.replace(' ', '-')}.{suffix}")


def _files(plan: str, index: int, row: dict) -> dict[str, str]:
    """A file for each modality; the formats go round."""
    what = f"{index:03d}-{row['colour']}-{row['kind']}"
    suffixes = (PICTURES[index % 4], RECORDINGS[(index // 2) % 4], "webm" if index % 12 == 5 else "mp4", "ply")
    return {m: _path(plan, f"{m}-{what}", suffix) for m, suffix in zip(FILES, suffixes)}


def _pick(options, r):
    return options[int(r.integers(len(options)))]


def _row(plan: str, index: int, kind: str, colour: str, motions) -> dict:
    r = np.random.default_rng((SEED, sum(plan.encode()), index))
    row = {"kind": kind, "colour": colour, "size": _pick(SIZES, r), "material": _pick(MATERIALS, r), "motion": _pick(motions, r)}
    says = {fact: row[fact] if r.random() < 0.35 else None for fact in ("motion", "size", "material")}
    row |= {"says": {"kind": kind, "colour": colour, **says}, "plain": captions.plain(kind, colour)}
    return row | {"text": captions.caption(kind, colour, r, **says), "files": _files(plan, index, row)}


def _motions(kind: str, held_out: bool) -> list[str]:
    return [m for k, m in motion_split()[held_out] if k == kind]


@cache
def pairs() -> list[dict]:
    """Every kind in every colour, once in each modality; motions that were trained for the kind."""
    held = set(split()[1])
    every = [(kind, colour) for kind in NAMES for colour in COLOURS]
    return [_row("pairs", i, k, c, _motions(k, False)) | {"held_out": (k, c) in held} for i, (k, c) in enumerate(every)]


@cache
def more() -> list[dict]:
    """Further individuals of the held-out pairs, so that there are INDIVIDUALS; the first of each pair moves as its kind never did."""
    held = split()[1]
    count = INDIVIDUALS - len(held)
    rows = []
    for i in range(count):
        kind, colour = held[i % len(held)]
        new = i < len(held)
        rows.append(_row("more", i, kind, colour, _motions(kind, new)) | {"held_out": True, "new_motion": new})
    return rows


def individuals() -> list[dict]:
    """INDIVIDUALS of the held-out pairs."""
    return [row for row in pairs() if row["held_out"]] + more()


@cache
def calibration() -> list[dict]:
    """Training pairs, for what cosines of unrelated media are like."""
    train = split()[0]
    step = len(train) / CALIBRATION_PAIRS
    chosen = [train[int(i * step)] for i in range(CALIBRATION_PAIRS)]
    return [_row("calibration", i, k, c, _motions(k, False)) for i, (k, c) in enumerate(chosen)]


@cache
def sounds() -> list[dict]:
    """What sounding kinds sound like."""
    kinds = np.repeat(SOUNDING, SIGNATURES)
    return [{"kind": str(k), "files": {"sound": _path("sounds", f"{i:03d}-{k}", RECORDINGS[i % 4])}} for i, k in enumerate(kinds)]


@cache
def calibration_sounds() -> list[dict]:
    return [{"kind": k, "files": {"sound": _path("calibration_sounds", k, RECORDINGS[i % 4])}} for i, k in enumerate(SOUNDING)]


# name of the file: modality; `voice twin` is what the new voices and the other languages are compared with
UNSEEN = {
    "shape image": "image", "shape points": "point_cloud", "place image": "image", "place video": "video", "voice twin": "audio",
    "voice": "audio", "de": "audio", "es": "audio",
}  # fmt: skip


@cache
def unseen() -> list[dict]:
    """The held-out pairs with something else that training never had: proportions, surroundings, voices, or another language."""
    suffix = {"image": "jpg", "audio": "wav", "video": "mp4", "point_cloud": "ply"}
    rows = []
    for i, (kind, colour) in enumerate(split()[1]):
        files = {what: _path("unseen", f"{what}-{i:03d}-{colour}-{kind}", suffix[m]) for what, m in UNSEEN.items()}
        rows.append({"kind": kind, "colour": colour, "motion": _pick(_motions(kind, False), np.random.default_rng((SEED, 6, i))), "files": files})
    return rows


@cache
def scenes() -> list[dict]:
    """Two things in a relation; four scenes of the same two, which differ in who is where."""
    held = set(split()[1])
    every = [(kind, colour) for kind in NAMES for colour in COLOURS]
    rows = []
    for base in range(SCENES // 4):
        r = np.random.default_rng((SEED, 5, base))
        first = _pick(every, r)
        second = _pick([p for p in every if p[0] != first[0]], r)
        for standing in r.permutation(len(STANDINGS))[:4]:
            relation, a, b = STANDINGS[int(standing)]
            things = [(first, second)[a], (first, second)[b]]
            if relation == "on" and r.random() < 0.5:
                relation, things = "under", things[::-1]
            name = f"{len(rows):03d}"
            rows.append({
                "base": base, "things": things, "relation": relation, "held_out": bool({first, second} & held),
                "text": captions.scene_caption(things, relation, r), "files": {"scene": _path("scenes", name, PICTURES[len(rows) % 4])},
            })  # fmt: skip
    return rows


@cache
def rough() -> list[dict]:
    """The held-out pairs' files after every augmentation: `files` by "name, strength"."""
    rows = []
    for row in pairs():
        if not row["held_out"]:
            continue
        files = {}
        for a in augment.ALL:
            source = Path(row["files"][a.modality])
            for number in range(3):
                suffix = (a.suffix or source.suffix).lstrip(".")
                name = "".join(c if c.isalnum() else "-" for c in a.name)
                files[f"{a.name}, {number}"] = _path("rough", f"{source.stem}-{name}-{number}", suffix)
        rows.append({"kind": row["kind"], "colour": row["colour"], "source": row["files"], "files": files})
    return rows


PLANS = {"pairs": pairs, "more": more, "calibration": calibration, "sounds": sounds, "calibration_sounds": calibration_sounds}
PLANS |= {"unseen": unseen, "scenes": scenes, "rough": rough}


class Making:
    """Files appear whole: each is written beside its place and moved there."""

    def __init__(self, path: str):
        self.path = Path(path)
        self.partial = self.path.with_name(f"partial-{os.getpid()}-{self.path.name}")

    def __enter__(self) -> Path | None:
        if self.path.exists():
            return None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self.partial

    def __exit__(self, kind, *_):
        if kind is None and self.partial.exists():
            self.partial.replace(self.path)


def _film(path: Path, row: dict, r, **more_arguments):
    pixels, frames, rate = int(r.choice([96, 112, 128, 160])), int(r.integers(16, 33)), int(r.choice([10, 12, 15, 20]))
    media.film(
        path, row["kind"], row["colour"], row["motion"], r, pixels, rate, frames=frames, oversample=1.5, preset="veryfast", **more_arguments
    )


def _thing(row: dict, index: int, modality: str, path: Path, r):
    kind, colour = row["kind"], row["colour"]
    if modality == "image":
        media.picture(path, kind, colour, r, int(r.choice([96, 128, 192, 256])), row["size"], row["material"])
    elif modality == "audio":
        media.spoken(path, kind, colour, r)
    elif modality == "video":
        _film(path, row, r, material=row["material"])
    else:
        media.cloud(path, kind, colour, r, int(r.choice([1500, 3000, 6000])), LAYOUTS[index % 4], row["material"])


def _unseen(row: dict, what: str, path: Path, r):
    kind, colour = row["kind"], row["colour"]
    if what.endswith("image"):
        media.picture(path, kind, colour, r, 160, unseen_shape=what.startswith("shape"), unseen_place=what.startswith("place"))
    elif what.endswith("video"):
        _film(path, row, r, unseen_place=True)
    elif what.endswith("points"):
        media.cloud(path, kind, colour, r, 3000, unseen_shape=True)
    else:
        language = what if what in ("de", "es") else "en"
        media.said(path, captions.spoken(kind, colour, r, language=language), r, language, what == "voice")


def make(task: tuple[str, int]):
    """Writes the files of one row that are not there yet."""
    plan, index = task
    row = PLANS[plan]()[index]
    if plan == "rough":
        return _roughen(row, index)
    for number, (name, path) in enumerate(row["files"].items()):
        same = 4 if name == "voice" else number  # the new voice says what its twin says
        r = np.random.default_rng((SEED, 100 + sum(plan.encode()), index, same))
        with Making(path) as partial:
            if partial is None:
                continue
            if plan in ("sounds", "calibration_sounds"):
                media.signature(partial, row["kind"], r)
            elif plan == "unseen":
                _unseen(row, name, partial, r)
            elif plan == "scenes":
                media.scene(partial, row["things"], row["relation"], r, int(r.choice([128, 160, 224])))
            else:
                _thing(row, index, name, partial, r)


def _roughen(row: dict, index: int):
    for number, modality in enumerate(FILES):
        wanted = []
        for a in augment.of(modality):
            made = [Making(row["files"][f"{a.name}, {i}"]) for i in range(3)]
            if not all(m.path.exists() for m in made):
                wanted.append((a, made))
        if not wanted:
            continue
        Path(wanted[0][1][0].path).parent.mkdir(parents=True, exist_ok=True)
        r = np.random.default_rng((SEED, 7, index, number))
        augment.write(modality, Path(row["source"][modality]), [(a, [m.partial for m in made]) for a, made in wanted], r)
        for _, made in wanted:
            for m in made:
                m.partial.replace(m.path)


def build(plan: str) -> list[dict]:
    """The rows of a plan, once all of their files are there."""
    if plan == "rough":
        build("pairs")
    rows = PLANS[plan]()
    missing = [(plan, i) for i, row in enumerate(rows) if not all(Path(p).exists() for p in row["files"].values())]
    if missing:
        with ProcessPoolExecutor(WORKERS) as pool:
            list(tqdm(pool.map(make, missing, chunksize=4), desc=f"files: {plan}", total=len(missing)))
    return rows


def facts(rows: list[dict], modality: str) -> list[dict]:
    """What each row's text says, or its file can show."""
    if modality == "text":
        return [row["says"] for row in rows]
    return [{fact: row[fact] for fact in CARRIED[modality]} for row in rows]


if __name__ == "__main__":
    for name in PLANS:
        build(name)
