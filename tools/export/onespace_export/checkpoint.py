"""Checkpoints: found, read, and matched key by key. What does not match is named, and nothing is exported."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import PreTrainedModel

from . import Refused


def folder(checkpoint: str, revision: str | None) -> Path:
    """The directory of a checkpoint: a local path, or a hub repository, downloaded with progress bars and resumed."""
    path = Path(checkpoint)
    if path.exists():
        return path
    if path.is_absolute() or checkpoint.count("/") != 1:
        raise Refused(f"checkpoint {checkpoint}: no such file or directory, and no OWNER/REPO of a hub")
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(checkpoint, revision=revision))


def revision(path: Path, asked: str | None) -> str:
    """The commit of a downloaded snapshot, else what was asked for."""
    return path.name if path.parent.name == "snapshots" else asked or ""


def tensors(path: Path) -> dict[str, torch.Tensor]:
    """The state of a checkpoint: a .safetensors, .pt, .pth or .bin file, or a directory with one (or its shards)."""
    if path.is_dir():
        return _of_directory(path)
    if path.suffix == ".safetensors":
        return load_file(str(path))
    state = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("state_dict", "model", "module"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    return {k.removeprefix("module."): v for k, v in state.items()}


def _of_directory(path: Path) -> dict[str, torch.Tensor]:
    for index in sorted(path.glob("*.index.json")):
        state: dict[str, torch.Tensor] = {}
        for shard in sorted(set(json.loads(index.read_text())["weight_map"].values())):
            state |= tensors(path / shard)
        return state
    for suffix in (".safetensors", ".bin", ".pt", ".pth"):
        found = sorted(path.glob(f"*{suffix}"))
        if len(found) > 1:
            raise Refused(f"checkpoint {path}: several files {', '.join(f.name for f in found)}; name one")
        if found:
            return tensors(found[0])
    raise Refused(f"checkpoint {path}: no .safetensors, .bin, .pt or .pth file")


def load(module: torch.nn.Module, state: dict[str, torch.Tensor], what: str) -> None:
    """Fills `module`; refuses when a key is missing, unexpected, or of another shape."""
    own = {k: v.shape for k, v in module.state_dict().items()}
    shaped = [
        f"{k}: {tuple(state[k].shape)} for {tuple(own[k])}" for k in own if k in state and state[k].shape != own[k]
    ]
    check(what, missing=own.keys() - state.keys(), unexpected=state.keys() - own.keys(), mismatched=shaped)
    module.load_state_dict({k: v.to(torch.float32) if v.is_floating_point() else v for k, v in state.items()})


def check(what: str, **faults: Collection | None) -> None:
    """Refuses, naming every fault: check("clip", missing=[…], unexpected=[…])."""
    found = {kind: sorted(map(str, keys)) for kind, keys in faults.items() if keys}
    if not found:
        return
    lines = [f"{what}: the checkpoint does not fit"]
    for kind, keys in found.items():
        lines.append(f"  {len(keys)} {kind}:")
        lines += [f"    {key}" for key in keys]
    raise Refused("\n".join(lines))


def pretrained(cls: type[PreTrainedModel], path: Path, what: str) -> Any:
    """A transformers model in float32, every key accounted for."""
    model, info = cls.from_pretrained(
        path, dtype=torch.float32, attn_implementation="eager", output_loading_info=True, ignore_mismatched_sizes=True
    )
    check(
        what, missing=info["missing_keys"], unexpected=info["unexpected_keys"],
        mismatched=info["mismatched_keys"], unreadable=info.get("error_msgs"),
    )  # fmt: skip
    return model.eval()


def licence(path: Path | None, given: str | None) -> str:
    """What --licence said, else the `license:` of the checkpoint's card; refuses when neither says. Random weights are
    ours."""
    if given or path is None:
        return given or "Apache-2.0"
    card = path / "README.md" if path.is_dir() else path.parent / "README.md"
    head = card.read_text(encoding="utf-8").split("---")[1:2] if card.exists() else []
    for line in head[0].splitlines() if head else []:
        if line.startswith("license:") and line.split(":", 1)[1].strip() not in ("", "other", "unknown"):
            return line.split(":", 1)[1].strip().strip("\"'")
    raise Refused("licence: the checkpoint's card names none; say --licence SPDX")
