"""What parity found, in words: a table for the terminal, and docs/PARITY.md."""

import importlib.metadata
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .model import Model

HEAD = (
    "| family | modality | files | to the rule: min | median | mark | worst file | to the original: min | files that "
    "differ | between files |\n"
    "|---|---|---:|---:|---:|---:|---|---:|---:|---:|"
)
FAULTS = "| fault | family | modality | mark | files below it | least | median |\n|---|---|---|---:|---:|---:|---:|"
PACKAGES = (
    "torch",
    "torchvision",
    "torchaudio",
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
class Caught:
    """A planted fault, and the cosines of the service's vectors to those of a reference that has it."""

    name: str
    cosines: list[float]


@dataclass
class Row:
    """One family and modality. `original`: to the authors' pipeline as it is, where there is one."""

    family: str
    modality: str
    mark: float
    cosines: dict[str, float]
    failures: dict[str, str]
    # The mean cosine between different files: near 1, the network would hide errors.
    between: float
    original: dict[str, float] = field(default_factory=dict)
    faults: list[Caught] = field(default_factory=list)

    def reached(self) -> bool:
        return not self.failures and bool(self.cosines) and min(self.cosines.values()) >= self.mark

    def sees(self) -> bool:
        """Whether each fault that was planted brings a file below the mark."""
        return all(min(fault.cosines) < self.mark for fault in self.faults)

    def worst(self) -> str:
        return next(iter(self.failures), None) or min(self.cosines, key=self.cosines.__getitem__)

    def differing(self) -> dict[str, float]:
        """The files whose vectors are not the original's, farthest first."""
        low = [(cosine, name) for name, cosine in self.original.items() if cosine < self.mark]
        return {name: cosine for cosine, name in sorted(low)}


def table(rows: Sequence[Row]) -> str:
    """Markdown, a line for each family and modality; what was not reached stands out."""
    return "\n".join([HEAD, *map(_line, rows)])


def _line(row: Row) -> str:
    values = list(row.cosines.values())
    least, middle = (f"{f(values):.6f}" if values else "none" for f in (min, statistics.median))
    files = f"{len(values)}" if not row.failures else f"{len(values)} of {len(values) + len(row.failures)}"
    mark = f"{row.mark}" if row.reached() else f"**missed** {row.mark}"
    original = f"{min(row.original.values()):.6f} | {len(row.differing())}" if row.original else "none | "
    return (
        f"| {row.family} | {row.modality} | {files} | {least} | {middle} | {mark} | {row.worst()} | {original} | "
        f"{row.between:.3f} |"
    )


def differing(rows: Sequence[Row]) -> str:
    """The files for which the original as it is gives something else."""
    lines = ["| family | modality | files, and their cosine to the original |", "|---|---|---|"]
    for row in rows:
        if found := row.differing():
            files = ", ".join(f"{name} {cosine:.4f}" for name, cosine in found.items())
            lines.append(f"| {row.family} | {row.modality} | {files} |")
    return "\n".join(lines)


def faults(rows: Sequence[Row]) -> str:
    """A line for each planted fault; one that is not seen stands out."""
    lines = [FAULTS]
    for row in rows:
        for fault in row.faults:
            below = sum(cosine < row.mark for cosine in fault.cosines)
            seen = f"{below} of {len(fault.cosines)}" if below else f"**not seen** 0 of {len(fault.cosines)}"
            least, middle = min(fault.cosines), statistics.median(fault.cosines)
            lines.append(
                f"| {fault.name} | {row.family} | {row.modality} | {row.mark} | {seen} | {least:.6f} | {middle:.6f} |"
            )
    return "\n".join(lines)


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
    references = [f"| {family} | {model.reference} | {model.own or 'nothing'} |" for family, model in models.items()]
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    parts = {
        "TABLE": table(rows),
        "DIFFERING": differing(rows),
        "FAULTS": faults(rows),
        "RULES": "\n".join(rules),
        "REFERENCES": "\n".join(references),
        "VERSIONS": versions,
        "MISSED": details(rows),
    }
    text = TEXT.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace("{" + name + "}", part)
    return text
