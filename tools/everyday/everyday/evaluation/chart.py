"""One plot: R@1 of the main retrievals with intervals, the bundle beside diorama and chance."""

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from everyday.evaluation.results import BASELINE, EVERYDAY, Results
from everyday.evaluation.words import TOGETHER

matplotlib.use("Agg")

# Where the retrievals stand in the results of a half.
SHOWN: dict[str, tuple[str, ...]] = {
    "text → photograph\n(GCompris)": ("photographs", "sets", "gcompris", "text to media"),
    "text → photograph\n(all)": ("photographs", "sets", TOGETHER, "text to media"),
    "photograph → text\n(all)": ("photographs", "sets", TOGETHER, "media to text"),
    "text → sound\n(all)": ("sounds", "sets", TOGETHER, "text to media"),
    "sound → photograph\n(by kind)": ("sound and photograph", "there", TOGETHER),
    "text → shape\n(scans)": ("shapes", "sets", "scans", "text to media"),
    "text → shape\n(all)": ("shapes", "sets", TOGETHER, "text to media"),
    "text → film": ("films", "text to film"),
}


def _found(sections: dict[str, Any], way: tuple[str, ...]) -> dict[str, Any] | None:
    found: Any = sections
    for key in way:
        if not isinstance(found, dict) or key not in found:
            return None
        found = found[key]
    return found if found.get("n") else None


def draw(results: Results, path: Path) -> bool:
    """Of the held-out half if it was measured, else of the other. False: nothing to draw."""
    from matplotlib import pyplot

    half = "held" if results.slots.get(EVERYDAY, {}).get("halves", {}).get("held") else "tune"
    own, other = results.sections(EVERYDAY, half), results.sections(BASELINE, half)
    rows = {title: found for title, way in SHOWN.items() if (found := _found(own, way))}
    if not rows:
        return False
    beside = [_found(other, SHOWN[title]) for title in rows]
    values = 100 * np.array([row["R@1"] for row in rows.values()])
    bounds = 100 * np.array([row["R@1 interval"] for row in rows.values()]).T
    bars: tuple[tuple[str, list[float], str], ...] = (
        ("everyday", list(values), "#2f6f9f"), ("diorama",
        [100 * row["R@1"] if row else 0 for row in beside], "#d9a441"),
        ("chance", [100 * row["chance R@1"] for row in rows.values()], "#999999"),
    )  # fmt: skip
    figure, axes = pyplot.subplots(figsize=(9, 3.6), dpi=110)
    at = np.arange(len(rows))
    for i, (name, heights, colour) in enumerate(bars):
        error = np.abs(bounds - values) if i == 0 else None
        axes.bar(at + 0.27 * (i - 1), heights, 0.26, yerr=error, capsize=3, color=colour, label=name)
    axes.set_xticks(at, list(rows), fontsize=7)
    axes.set_ylabel("R@1, %")
    axes.set_title(f"{'Held-out half' if half == 'held' else 'Half tuned on'}, 95 % intervals", fontsize=9)
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)
    return True
