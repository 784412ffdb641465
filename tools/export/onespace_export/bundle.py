"""Writes a model as a bundle: graphs, tokenizer, golden vectors, licence, report, and bundle.toml of format 2."""

import hashlib
import json
import re
from pathlib import Path

import tomli_w
from tqdm import tqdm

from . import VERSION, Refused, golden, graph
from .model import Model, Options, Tower

HEADLINE = "# Written by tools/export. Preprocessing is data: the service reads it from here.\n\n"
UNLISTED = ("bundle.toml", "report.json", "MODEL_CARD.md")


def write(family: str, model: Model, options: Options, out: Path, revision: str = "") -> dict:
    """Everything into `out`; returns the report that is also written there."""
    if options.fp16 and "fp16" in model.forbid:
        raise Refused(f"{family}: fp16 is refused: {model.forbid['fp16']}")
    out.mkdir(parents=True, exist_ok=True)
    if model.tokenizer is not None:
        model.tokenizer.save(str(out / "tokenizer.json"))
    report: dict = {"family": family, "exporter": VERSION, "reference": model.reference, "towers": {}}
    external: dict[str, list[str]] = {}
    # Two towers may share a stage: it is written once.
    written: dict[str, tuple[list[str], dict]] = {}
    jobs = [(name, *job) for name, tower in model.towers.items() for job in _graphs(name, tower)]
    for name, file, one in tqdm(jobs, desc=f"{family}: graphs", unit="graph"):
        if file not in written:
            beside = graph.write(one, out / file, options.fp16)
            written[file] = beside, graph.check(f"{family} {file}", one, out / file, options.fp16)
        external.setdefault(name, []).extend(written[file][0])
        report["towers"].setdefault(name, {})[file] = written[file][1]
    golden.write(model, out, options.golden)
    _licence(model, out)
    towers = {name: _tower(name, tower, model, external, options.fp16) for name, tower in model.towers.items()}
    _manifest(family, model, options, revision, towers, out)
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    return report


def _graphs(name: str, tower: Tower) -> list[tuple]:
    """(file, graph) of each graph that this tower brings."""
    own = [(_file(name, tower), tower.graph)] if tower.graph is not None else []
    return [(stage.file, stage.graph) for stage in tower.stages] + own


def _file(name: str, tower: Tower) -> str:
    return tower.file or f"{name}.onnx"


def _tower(name: str, tower: Tower, model: Model, external: dict, half: bool) -> dict:
    """[towers.NAME]."""
    owner = tower.shares or name
    last = model.towers[owner].graph
    if last is None:
        raise Refused(f"{name}: {owner} has no graph of its own")
    table = {
        "model": _file(owner, model.towers[owner]),
        "inputs": list(last.inputs),
        "output": last.output,
        "native_dimension": tower.native_dimension,
    }
    table |= {"logit_scale": round(tower.logit_scale, 6)}
    beside = [file for one in dict.fromkeys((owner, name)) for file in external.get(one, [])]
    if beside:
        table["external"] = beside
    if half:
        table["precision"] = "fp16"
    if model.forbid:
        table |= {"forbid": list(model.forbid), "forbid_reason": "; ".join(sorted(set(model.forbid.values())))}
    table |= tower.extra
    table["golden"] = {"input": golden.INPUTS[name], "vector": f"golden/{name}.f32"}
    if tower.stages:
        table["stages"] = [
            {"model": s.file, "inputs": list(s.graph.inputs), "output": s.graph.output, **s.table} for s in tower.stages
        ]  # fmt: skip
    table["preprocess"] = tower.preprocess
    return table


def _licence(model: Model, out: Path) -> None:
    text = f"The weights of this bundle: {model.licence}\n"
    if model.usage != "any":
        text += f"Usage: {model.usage}\n"
    (out / "LICENSE").write_text(text + (f"\n{model.notice}\n" if model.notice else ""))


def digests(out: Path) -> dict:
    """The [files] table."""
    files = {}
    for path in sorted(p for p in out.rglob("*") if p.is_file()):
        name = path.relative_to(out).as_posix()
        if name not in UNLISTED:
            with path.open("rb") as file:
                files[name] = {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "bytes": path.stat().st_size}
    return files


def _one_line_arrays(toml: str) -> str:
    return re.sub(r"\[\n\s+([^\[\]]+?),\n\]", lambda m: "[" + re.sub(r"\s*\n\s*", " ", m[1]) + "]", toml)


def _manifest(family: str, model: Model, options: Options, revision: str, towers: dict, out: Path) -> None:
    head = {
        "format": 2,
        "name": model.name,
        "version": VERSION,
        "licence": model.licence,
        "description": model.description,
    }
    head["dimension"] = model.dimension
    if model.matryoshka:
        head["matryoshka"] = model.matryoshka
    if model.usage != "any":
        head["usage"] = model.usage
    if model.notice:
        head["notice"] = model.notice
    origin = options.checkpoint or f"random weights, seed {options.seed}"
    provenance = {
        "checkpoint": origin,
        "revision": revision,
        "exporter": f"onespace_export {family} {VERSION}",
        "reference": model.reference,
    }
    table = {**head, "provenance": {k: v for k, v in provenance.items() if v}, "files": digests(out), "towers": towers}
    (out / "bundle.toml").write_text(HEADLINE + _one_line_arrays(tomli_w.dumps(table)))
