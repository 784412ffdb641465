"""The model card: the template beside this file with what was measured in place of its markers."""

import re
from pathlib import Path
from typing import Any

from everyday.evaluation import tables
from everyday.evaluation.items import HALVES
from everyday.evaluation.results import BASELINE, BOTH, EVERYDAY, Results
from everyday.evaluation.sets import TITLES
from everyday.packages import PACKAGES

TEMPLATE = Path(__file__).parent / "card.md"
MARKER = re.compile(r"<!-- ([\w -]+) -->")
NOT_YET = "*Not measured yet.*"
HEADINGS = {"held": "**Held-out half**", "tune": "**Half tuned on**"}


def section(name: str, results: Results) -> str:
    """A section of both halves, the held-out one first; of no half as it is."""
    if name == "budgets":
        found = results.sections(EVERYDAY, BOTH).get(name)
        return tables.SECTIONS[name](found, results.sections(BASELINE, BOTH).get(name)) if found else NOT_YET
    parts = []
    for half in reversed(HALVES):
        found = results.sections(EVERYDAY, half).get(name)
        beside = results.sections(BASELINE, half).get(name)
        said = tables.SECTIONS[name](found, beside) if found else NOT_YET
        parts.append(f"{HEADINGS[half]}\n\n{said}")
    return "\n\n".join(parts)


def _sets(results: Results) -> str:
    counted = {half: results.sections(EVERYDAY, half).get("sets", {}) for half in HALVES}
    rows = []
    for name, title in TITLES.items():
        cells = []
        for half in HALVES:
            row = counted[half].get(name)
            cells.append(f"{row['items']} ({row['things']})" if row else "")
        rows.append([title, *cells])
    return tables.table(["files (different things)", "half tuned on", "held-out half"], rows)


def _packages() -> str:
    rows = [
        [p.name, p.version, p.licence, p.what, f"`{p.sha256[:16]}…`"] for p in PACKAGES.values() if p.use == "measuring"
    ]
    return tables.table(["package", "version", "licence", "what", "SHA-256"], rows)


def filled(results: Results, chart: str = "") -> str:
    """The whole card. A section without a measurement says so."""
    about: dict[str, Any] = results.slots.get(EVERYDAY, {}).get("about", {})

    def body(match: re.Match[str]) -> str:
        name = match[1]
        if name in tables.SECTIONS:
            return section(name, results)
        if name == "marks":
            return tables.marks(*(results.sections(EVERYDAY, half) for half in ("held", "tune")))
        if name == "sets":
            return _sets(results)
        if name == "packages":
            return _packages()
        if name == "chart":
            return f"![R@1 of the main retrievals]({chart})" if chart else ""
        return str(about.get(name, "?"))

    return MARKER.sub(body, TEMPLATE.read_text())


def write(results: Results, path: Path) -> None:
    """The card, and its chart beside it."""
    from everyday.evaluation import chart

    drawn = path.with_name("retrieval.png")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(filled(results, drawn.name if chart.draw(results, drawn) else ""))
