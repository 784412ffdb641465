"""Tux Paint's stamps: cut-out photographs, described in many languages, some with a sound and spoken words."""

import re
from pathlib import Path

from everyday.evaluation.items import Item, Modality
from everyday.evaluation.sources import source

PACKAGE = "tuxpaint-stamps-default"
# Where they lie in it: names are paths within packages.
PLACE = "usr/share/tuxpaint/stamps"
# Drawn, not photographed.
DRAWN = ("clothes", "town/roadsigns", "town/flags", "people/", "naturalforces", "symbols", "seasonal")
TURNED = ("_mirror.png", "_flip.png", "_mirror_flip.png")
# Their description names nothing that could be heard.
SILENT = ("symbols", "town/roadsigns", "town/flags", "seasonal/hanukkah", "military", "food", "clothes", "space")

# Folder: what its photographs are asked to be told as, without training. The first that fits counts; none: not asked.
CATEGORIES: tuple[tuple[str, str | None], ...] = (
    ("animals/mammals/bears/toys", None), ("animals/birds", "bird"), ("animals/fish", "fish"),
    ("animals/insects", "insect"), ("animals/mammals", "mammal"), ("animals/marsupials", "mammal"),
    ("food/fruit", "fruit"), ("food/vegetables", "vegetable"), ("hobbies/music", "musical instrument"),
    ("household/tools", "tool"), ("household/dishes", "dishes"), ("plants/flowers", "flower"), ("plants/trees", "tree"),
    ("space/planets", "planet"), ("sports", "sports equipment"), ("vehicles", "vehicle"),
)  # fmt: skip
LANGUAGE = re.compile(r"^([A-Za-z_@]+)\.utf8=(.*)$")


def described(path: Path) -> dict[str, str]:
    """The description by language; the first line is English."""
    first, *rest = path.read_text(encoding="utf8", errors="replace").splitlines()
    texts = {"en": first}
    for line in rest:
        match = LANGUAGE.match(line)
        if match and match[2].strip():
            texts[match[1]] = match[2]
    return {language: text.strip().rstrip(".").strip() for language, text in texts.items()}


def category(path: str) -> str | None:
    return next((name for folder, name in CATEGORIES if path.startswith(folder + "/")), None)


def drawn(path: str) -> bool:
    return "cartoon" in path or path.startswith(DRAWN)


def load(cache: Path) -> list[Item]:
    root = source(PACKAGE, cache) / "share/tuxpaint/stamps"
    items = []
    for picture in sorted(root.rglob("*.png")):
        path = picture.relative_to(root).as_posix()
        words = picture.with_suffix(".txt")
        if path.endswith(TURNED) or not words.exists():
            continue
        texts, found = described(words), {"image": picture, "audio": picture.with_suffix(".ogg")}
        kinds: list[Modality] = [] if drawn(path) else ["image"]
        if found["audio"].exists() and not path.startswith(SILENT):
            kinds.append("audio")
        items += [
            Item(
                found[m], f"{PLACE}/{path.removesuffix('.png')}", texts["en"], m,
                "stamps" if m == "image" else "stamp sounds", texts, category(path),
            )
            for m in kinds
        ]  # fmt: skip
    return items


def spoken(cache: Path, language: str) -> dict[str, Path]:
    """Recordings in which somebody reads the description out, by the name of the thing."""
    root = source(PACKAGE, cache) / "share/tuxpaint/stamps"
    ending = "_desc.ogg" if language == "en" else f"_desc_{language}.ogg"
    paths = sorted(root.rglob(f"*{ending}"))
    return {f"{PLACE}/{p.relative_to(root).as_posix().removesuffix(ending)}": p for p in paths}
