"""Films that are made here: photographs of one kind, one after the other, with a sound of it where there is one."""

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from everyday.evaluation import scores, sets
from everyday.evaluation.altered import opened
from everyday.evaluation.embed import known
from everyday.evaluation.items import Item
from everyday.evaluation.kinds import kind
from everyday.evaluation.lab import Lab

SIDE, SHOWN, SECONDS_EACH, RATE = 320, 4, 1.5, 10


def groups(items: list[Item]) -> dict[str, list[Item]]:
    """Photographs of every kind, or of every thing without one, that has two or more; of more one is kept back."""
    out: dict[str, list[Item]] = {}
    for item in sets.of(items, "image"):
        out.setdefault(kind(item.label) or item.thing, []).append(item)
    return {name: found[: max(2, min(SHOWN, len(found) - 1))] for name, found in out.items() if len(found) >= 2}


def file_name(pictures: list[Item], sound: Item | None) -> str:
    """By what is in it, so that another choice is another film."""
    inside = "\n".join(item.name for item in (*pictures, *([sound] if sound else [])))
    return f"{hashlib.sha256(inside.encode()).hexdigest()[:16]}.mp4"


def make(pictures: list[Item], sound: Item | None, out: Path) -> Path:
    """H.264 and AAC in MP4, made once."""
    if out.exists():
        return out
    out.parent.mkdir(parents=True, exist_ok=True)
    frames = b""
    for item in pictures:
        picture = opened(item.file)
        picture.thumbnail((SIDE, SIDE))
        frame = np.full((SIDE, SIDE, 3), 255, np.uint8)
        left, top = (SIDE - picture.width) // 2, (SIDE - picture.height) // 2
        frame[top : top + picture.height, left : left + picture.width] = np.asarray(picture)
        frames += frame.tobytes() * round(SECONDS_EACH * RATE)
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{SIDE}x{SIDE}", "-r", str(RATE), "-i", "-"]
    command += ["-i", str(sound.file), "-c:a", "aac"] if sound else []
    command += ["-t", str(SECONDS_EACH * len(pictures)), "-c:v", "libx264", "-pix_fmt", "yuv420p", "-threads", "1"]
    command.append(str(out))
    subprocess.run(command, input=frames, check=True)
    return out


def measure(lab: Lab) -> dict[str, Any]:
    """Words find films and films words; a film finds photographs that are not in it."""
    if not lab.has("video"):
        return {"not measured": "the bundle has no tower for video"}
    shown = groups(lab.items)
    heard = {kind(item.label): item for item in reversed(sets.of(lab.items, "audio")) if kind(item.label)}
    folder = lab.cache / "made/films" / lab.half
    paths = [make(found, heard.get(name), folder / file_name(found, heard.get(name))) for name, found in shown.items()]
    kept, vectors = known(lab.embedder.files(paths, "films"))
    if not kept:
        return {"not measured": "every film was refused"}
    names = [list(shown)[i] for i in kept]
    texts = lab.embedder.texts(names, "kinds")
    own = np.eye(len(names), dtype=bool)
    photographs, gallery = lab.embedded("image")
    inside = {item.name for found in shown.values() for item in found}
    others = [i for i, item in enumerate(photographs) if item.name not in inside]
    right = scores.same(names, [kind(photographs[i].label) or photographs[i].thing for i in others])
    return {
        "with sound": sum(name in heard for name in names),
        "text to film": scores.retrieval(texts, vectors, own), "film to text": scores.retrieval(vectors, texts, own),
        "film to photograph": scores.retrieval(vectors, gallery[others], right),
    }  # fmt: skip
