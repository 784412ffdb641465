"""The model card: the template beside this file with what was measured in place of its markers."""

import json
import re
from pathlib import Path

from eval import robustness, testset
from eval.marks import WHOLE
from eval.offline import BUNDLE
from eval.tables import SECTIONS, marks_table
from world.catalogue import COLOURS, MOTIONS, NAMES, RELATIONS, SOUNDING, motion_split, split

TEMPLATE = Path(__file__).parent / "card.md"
MEASURED = testset.TRAINING / "evaluation.json"  # not within the bundle, whose every file has its digest in the manifest
MARKER = re.compile(r"<!-- (\w+) -->")
NOT_YET = "*Not measured yet.*"
FACTS = {
    "kinds": ", ".join(NAMES), "colours": ", ".join(COLOURS), "motions": ", ".join(MOTIONS), "relations": ", ".join(RELATIONS),
    "sounding": ", ".join(SOUNDING), "sounding_count": len(SOUNDING), "held_pairs": len(split()[1]), "all_pairs": len(NAMES) * len(COLOURS),
    "held_moves": len(motion_split()[1]),
}  # fmt: skip


def filled(slots: dict) -> str:
    """The whole card. A section without measurement says so."""

    def body(match: re.Match) -> str:
        name = match[1]
        if name in FACTS:
            return str(FACTS[name])
        if name == "marks":
            return marks_table(slots)
        if name == "megabytes":
            return f"{slots[WHOLE]['speed']['megabytes']:.0f}" if "speed" in slots.get(WHOLE, {}) else "?"
        try:
            return SECTIONS[name](slots)
        except KeyError:
            return NOT_YET

    return MARKER.sub(body, TEMPLATE.read_text())


def write(slots: dict):
    """The card, the numbers behind it, and the chart that it shows."""
    if "robustness" in slots.get(WHOLE, {}):
        robustness.chart(slots[WHOLE]["robustness"])
    (BUNDLE / "MODEL_CARD.md").write_text(filled(slots))
    MEASURED.write_text(json.dumps({"test set": testset.digest(), "measured": slots}, indent=1) + "\n")
