"""Writes the bundle from the last checkpoint: python export.py [--out DIR].

ONNX graphs, alignments, tokenizer, golden inputs with their vectors, and bundle.toml with every digest.
Every graph is compared with PyTorch before it counts as written.
"""

import argparse
import hashlib
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import tomli_w
import torch
from safetensors.numpy import save_file

import data
import golden
import preprocessing as p
import train
import words

HERE = Path(__file__).parent
BUNDLE = HERE.parent / "bundles" / "diorama"
VERSION = "0.4.0"
DESCRIPTION = "A small joint space of text, images, audio, video and point clouds, trained on a procedural world of 84 kinds of things in 11 colours."

# tower of the bundle: (sense of the model, graph inputs with their dynamic axes, preprocessing)
TOWERS = {
    "text": (None, {"input_ids": {0: "batch", 1: "tokens"}, "attention_mask": {0: "batch", 1: "tokens"}}, p.TEXT),
    "image": ("image", {"pixels": {0: "batch"}}, p.IMAGE),
    "audio": ("speech", {"spectrum": {0: "batch"}}, p.AUDIO),
    "video": ("video", {"frames": {0: "batch"}}, p.VIDEO),
    "point_cloud": ("points", {"points": {0: "batch"}}, p.POINT_CLOUD),
}
ERROR = 1e-4
SAID = ("bundle.toml", "MODEL_CARD.md", "evaluation.json", "robustness.png")  # of the bundle, not part of it
HEADLINE = "# Written by training/export.py. Preprocessing is data: the service reads it from here.\n\n"


def example(tower: str, batch: int) -> tuple[torch.Tensor, ...]:
    """Random inputs of the right shape."""
    g = torch.Generator().manual_seed(batch)
    picture = (3, p.IMAGE["height"], p.IMAGE["width"])
    shapes = {
        "image": picture, "audio": (p.AUDIO["front_end"]["n_mels"], data.FRAMES), "video": (p.VIDEO["frames"], *picture),
        "point_cloud": (p.POINT_CLOUD["points"], 6),
    }  # fmt: skip
    if tower == "text":
        ids = torch.randint(2, 300, (batch, 16), generator=g)
        mask = (torch.arange(16) < 4 + 3 * torch.arange(batch)[:, None]).long()
        return ids * mask, mask
    return (torch.randn(batch, *shapes[tower], generator=g),)


def graph(space, tower: str, path: Path):
    """Exports one tower and checks it against PyTorch, alone and in a batch."""
    sense, inputs, _ = TOWERS[tower]
    module = space.text if sense is None else space.towers[sense]
    names = list(inputs)
    torch.onnx.export(
        module, example(tower, 2), str(path), input_names=names, output_names=["embedding"],
        dynamic_axes={**inputs, "embedding": {0: "batch"}}, opset_version=17, dynamo=False,
    )  # fmt: skip
    onnx.checker.check_model(str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for batch in (1, 3):
        data = example(tower, batch)
        with torch.no_grad():
            wanted = module(*data).numpy()
        got = session.run(None, {n: d.numpy() for n, d in zip(names, data)})[0]
        error = float(np.abs(wanted - got).max() / np.abs(wanted).max())
        if error > ERROR:
            raise SystemExit(f"{tower}: the graph is {error:.1e} away from PyTorch")
    print(f"{tower}: {path.stat().st_size} bytes, relative error {error:.1e}")


def tower_table(space, tower: str) -> dict:
    sense, inputs, preprocess = TOWERS[tower]
    table = {"model": f"{tower}.onnx", "inputs": list(inputs), "output": "embedding"}
    table["native_dimension"] = p.DIMENSION if sense is None else space.align[sense].in_features
    if sense is not None:
        table["alignment"] = f"alignment/{tower}.safetensors"
    scales = [float(space.scale(s)) for s in space.align] if sense is None else [float(space.scale(sense))]
    table["logit_scale"] = round(sum(scales) / len(scales), 3)
    table["golden"] = {"input": golden.INPUTS[tower], "vector": f"golden/{tower}.f32"}
    table["preprocess"] = preprocess
    return table


def align(space, sense: str, path: Path):
    path.parent.mkdir(parents=True, exist_ok=True)
    layer = space.align[sense]
    arrays = {"weight": layer.weight, "bias": layer.bias}
    save_file({k: np.ascontiguousarray(v.detach().numpy(), np.float32) for k, v in arrays.items()}, str(path))
    path.chmod(0o644)  # safetensors writes for its owner alone


def digest(out: Path) -> dict:
    """The [files] table: everything but the manifest itself and what is said of the bundle."""
    files = {}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if path.is_file() and name not in SAID:
            files[name] = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
    return files


def one_line_arrays(toml: str) -> str:
    return re.sub(r"\[\n\s+([^\[\]]+?),\n\]", lambda m: "[" + re.sub(r"\s*\n\s*", " ", m[1]) + "]", toml)


def manifest(out: Path, version: str, description: str, towers: dict, calibration: list[dict]):
    """Writes bundle.toml over what lies in `out`."""
    head = {"format": 1, "name": "diorama", "version": version, "licence": "Apache-2.0", "description": description, "dimension": p.DIMENSION}
    table = {**head, "matryoshka": p.MATRYOSHKA, "files": digest(out), "towers": towers}
    if calibration:
        table["calibration"] = calibration
    (out / "bundle.toml").write_text(HEADLINE + one_line_arrays(tomli_w.dumps(table)))
    total = sum(f["bytes"] for f in table["files"].values())
    print(f"{len(table['files'])} files, {total / 1e6:.1f} MB in {out}")


def main(out: Path):
    tokenizer = words.load()
    saved = torch.load(train.CHECKPOINT, weights_only=True)
    space = train.averaged(saved["shadow"], tokenizer.get_vocab_size())
    out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(out / p.TEXT["tokenizer"]))
    shutil.copyfile(HERE.parent / "LICENSE", out / "LICENSE")
    golden.write(space, tokenizer, out)
    towers = {}
    for tower, (sense, _, _) in TOWERS.items():
        graph(space, tower, out / f"{tower}.onnx")
        if sense is not None:
            align(space, sense, out / f"alignment/{tower}.safetensors")
        towers[tower] = tower_table(space, tower)
    print(f"step {saved['step']}")
    manifest(out, VERSION, DESCRIPTION, towers, [])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=BUNDLE)
    main(parser.parse_args().out)
