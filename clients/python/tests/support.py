"""Where things are."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = ROOT / "samples"
BUNDLE = ROOT / "bundles/diorama"
BINARY = Path(os.environ.get("ONESPACE_BINARY") or ROOT / "target/release/onespace")
PROJECT = ROOT / "clients/python"


def sample(name: str) -> Path:
    path = SAMPLES / name
    assert path.is_file(), path
    return path
