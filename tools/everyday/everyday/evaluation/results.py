"""What was measured so far, kept between runs: by bundle, by half, by section."""

import json
from pathlib import Path
from typing import Any

EVERYDAY, BASELINE = "everyday", "baseline"
# Of no half: measured with media that are made here.
BOTH = "both"


class Results:
    """A file of `{slot: {"space": …, "halves": {half: {section: …}}}}`; another space in a slot begins it anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.slots: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def open(self, slot: str, about: dict[str, Any]) -> None:
        known = self.slots.get(slot)
        if known is None or known["about"]["space"] != about["space"]:
            self.slots[slot] = {"about": about, "halves": {}}
        else:
            known["about"] = about

    def put(self, slot: str, half: str, section: str, found: dict[str, Any]) -> None:
        self.slots[slot]["halves"].setdefault(half, {})[section] = found
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.slots, indent=1) + "\n")

    def sections(self, slot: str, half: str) -> dict[str, Any]:
        """Those of the half, and those of no half."""
        halves = self.slots.get(slot, {}).get("halves", {})
        return {**halves.get(BOTH, {}), **halves.get(half, {})}
