"""What parity found, in words: a table for the terminal, and docs/PARITY.md."""

import importlib.metadata
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .model import Model

HEAD = (
    "| family | modality | files | min | median | mark | worst file | between files |\n"
    "|---|---|---:|---:|---:|---:|---|---:|"
)
PACKAGES = (
    "torch",
    "torchvision",
    "transformers",
    "open_clip_torch",
    "timm",
    "tokenizers",
    "ftfy",
    "pillow",
    "soundfile",
    "av",
    "plyfile",
)
TEXT = Path(__file__).with_name("parity.md")


@dataclass
class Row:
    """One family and modality."""

    family: str
    modality: str
    mark: float
    cosines: dict[str, float]
    failures: dict[str, str]
    # The mean cosine between different files: near 1, the network would hide errors.
    between: float

    def reached(self) -> bool:
        return not self.failures and bool(self.cosines) and min(self.cosines.values()) >= self.mark

    def worst(self) -> str:
        return next(iter(self.failures), None) or min(self.cosines, key=self.cosines.__getitem__)


def table(rows: Sequence[Row]) -> str:
    """Markdown, a line for each family and modality; what was not reached stands out."""
    return "\n".join([HEAD, *map(_line, rows)])


def _line(row: Row) -> str:
    values = list(row.cosines.values())
    least, middle = (f"{f(values):.6f}" if values else "none" for f in (min, statistics.median))
    files = f"{len(values)}" if not row.failures else f"{len(values)} of {len(values) + len(row.failures)}"
    mark = f"{row.mark}" if row.reached() else f"**missed** {row.mark}"
    return (
        f"| {row.family} | {row.modality} | {files} | {least} | {middle} | {mark} | {row.worst()} | {row.between:.3f} |"
    )


def details(rows: Sequence[Row]) -> str:
    """Every file below its mark, and every failure."""
    lines = []
    for row in rows:
        lines += [f"{row.family} {row.modality} {name}: {text}" for name, text in row.failures.items()]
        low = sorted((c, n) for n, c in row.cosines.items() if c < row.mark)
        lines += [f"{row.family} {row.modality} {name}: {cosine:.6f} < {row.mark}" for cosine, name in low]
    return "\n".join(lines) or "every file reaches its mark"


def document(rows: Sequence[Row], models: dict[str, Model]) -> str:
    """docs/PARITY.md."""
    towers = [(family, modality, tower) for family, model in models.items() for modality, tower in model.towers.items()]
    rules = [f"| {family} | {modality} | {tower.rule} |" for family, modality, tower in towers if tower.rule]
    references = [f"| {family} | {model.reference} |" for family, model in models.items()]
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    parts = {
        "TABLE": table(rows),
        "RULES": "\n".join(rules),
        "REFERENCES": "\n".join(references),
        "VERSIONS": versions,
        "MISSED": details(rows),
    }
    text = TEXT.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace("{" + name + "}", part)
    return text
