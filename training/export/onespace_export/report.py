"""What parity found, in words: a table for the terminal, and docs/PARITY.md."""

import importlib.metadata
import statistics
from pathlib import Path

HEAD = "| family | modality | files | min | median | mark | worst file | between files |\n|---|---|---:|---:|---:|---:|---|---:|"
PACKAGES = ("torch", "torchvision", "transformers", "open_clip_torch", "timm", "tokenizers", "ftfy", "pillow", "soundfile", "av", "plyfile")
TEXT = Path(__file__).with_name("parity.md")


def table(rows) -> str:
    """Markdown, a line for each family and modality; what was not reached stands out."""
    return "\n".join([HEAD, *map(_line, rows)])


def _line(row) -> str:
    values = list(row.cosines.values())
    least, middle = (f"{f(values):.6f}" if values else "none" for f in (min, statistics.median))
    files = f"{len(values)}" if not row.failures else f"{len(values)} of {len(values) + len(row.failures)}"
    mark = f"{row.mark}" if row.reached() else f"**missed** {row.mark}"
    return f"| {row.family} | {row.modality} | {files} | {least} | {middle} | {mark} | {row.worst()} | {row.between:.3f} |"


def details(rows) -> str:
    """Every file below its mark, and every failure."""
    lines = []
    for row in rows:
        lines += [f"{row.family} {row.modality} {name}: {text}" for name, text in row.failures.items()]
        low = sorted((c, n) for n, c in row.cosines.items() if c < row.mark)
        lines += [f"{row.family} {row.modality} {name}: {cosine:.6f} < {row.mark}" for cosine, name in low]
    return "\n".join(lines) or "every file reaches its mark"


def document(rows, models) -> str:
    """docs/PARITY.md."""
    towers = [(family, modality, tower) for family, model in models.items() for modality, tower in model.towers.items()]
    rules = [f"| {family} | {modality} | {tower.rule} |" for family, modality, tower in towers if tower.rule]
    references = [f"| {family} | {model.reference} |" for family, model in models.items()]
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    parts = {"TABLE": table(rows), "RULES": "\n".join(rules), "REFERENCES": "\n".join(references), "VERSIONS": versions, "MISSED": details(rows)}
    text = TEXT.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace("{" + name + "}", part)
    return text
