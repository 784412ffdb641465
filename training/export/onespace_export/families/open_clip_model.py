"""OpenCLIP models (CLIP's and PE-Core's layouts): a directory with open_clip_config.json and weights."""

from pathlib import Path


def is_one(path: Path | None) -> bool:
    return path is not None and path.is_dir() and (path / "open_clip_config.json").exists()
