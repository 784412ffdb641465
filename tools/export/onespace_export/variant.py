"""A bundle in smaller numbers: python -m onespace_export.variant SOURCE --precision fp16|int8 --out DIR

Every graph is converted, everything else is copied, and the service itself gives the golden vectors (`onespace bundle
golden`), because those of the whole are no longer met to its three decimals. Printed is how far each tower's golden
vector moved; the vectors of other media are compared by `fullsize.py`. A variant is a space of its own: its fingerprint
differs.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import onnx
import tomli_w
from onnxruntime.quantization import QuantType, quantize_dynamic
from tqdm import tqdm

from . import Refused, graph
from .bundle import HEADLINE, digests
from .service import BINARY, RUNTIME

PRECISIONS = ("fp16", "int8")
# What becomes int8: matrix products and tables of tokens, which hold nearly all weights. Convolutions (the patches'
# only) stay: their integer form is slower than the float one on a CPU.
QUANTISED = ("MatMul", "Gemm", "Gather")


def shrink(source: Path, target: Path, precision: str) -> list[str]:
    """One graph; returns the names of the external-data files beside it."""
    if precision == "fp16":
        return graph.save(graph.halved(onnx.load(str(source))), target)
    large = sum(p.stat().st_size for p in source.parent.glob(source.name + "*")) > graph.EXTERNAL_BYTES
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        # Its integers may fit into one file where its floats did not.
        small = Path(folder) / source.name
        quantize_dynamic(
            source,
            small,
            op_types_to_quantize=list(QUANTISED),
            per_channel=True,
            weight_type=QuantType.QInt8,
            use_external_data_format=large,
        )
        return graph.save(onnx.load(str(small)), target)


def _tables(towers: dict) -> Iterator[tuple[str, dict]]:
    """The table of every graph: of each stage, then of the tower itself."""
    for name, tower in towers.items():
        for table in (*tower.get("stages", []), tower):
            yield name, table


def make(source: Path, precision: str, out: Path, binary: Path = BINARY) -> dict[str, float]:
    """Writes the variant; returns the cosine of each tower's golden vector to that of the whole."""
    manifest = tomllib.loads((source / "bundle.toml").read_text())
    for name, tower in manifest["towers"].items():
        if precision in tower.get("forbid", []):
            raise Refused(
                f"{manifest['name']} {name}: {precision} is refused: "
                f"{tower.get('forbid_reason', 'its authors warn against it')}"
            )
    if out.exists():
        raise Refused(f"{out} is there already")
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    beside = {file for _, table in _tables(manifest["towers"]) for file in (table["model"], *table.get("external", []))}
    for file in set(manifest["files"]) - beside:
        (partial / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / file, partial / file)
    graphs = dict.fromkeys(table["model"] for _, table in _tables(manifest["towers"]))
    external = {
        model: shrink(source / model, partial / model, precision)
        for model in tqdm(graphs, desc=f"{manifest['name']}: {precision}", unit="graph")
    }
    for tower in manifest["towers"].values():
        tower["precision"] = precision
        files = [f for table in (*tower.get("stages", []), tower) for f in external[table["model"]]]
        tower.pop("external", None)
        if files:
            tower["external"] = list(dict.fromkeys(files))
    manifest |= {"version": f"{manifest['version']}-{precision}", "files": digests(partial)}
    (partial / "bundle.toml").write_text(HEADLINE + tomli_w.dumps(manifest))
    told = subprocess.run(
        [binary, "--json", "bundle", "golden", "--bundle", partial],
        env={"ONESPACE_ONNXRUNTIME": str(RUNTIME), **os.environ},
        capture_output=True,
        text=True,
    )
    if told.returncode:
        raise Refused(f"the service does not run it: {(told.stderr or told.stdout).strip()}")
    partial.rename(out)
    return {row["tower"]: row["cosine"] for row in map(json.loads, told.stdout.splitlines()) if "tower" in row}


def main() -> int:
    parser = argparse.ArgumentParser(prog="onespace_export.variant", description=__doc__)
    parser.add_argument("source", type=Path, help="a bundle")
    parser.add_argument("--precision", choices=PRECISIONS, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--binary", type=Path, default=BINARY)
    given = parser.parse_args()
    try:
        moved = make(given.source, given.precision, given.out, given.binary)
    except Refused as refusal:
        print(f"refused: {refusal}", file=sys.stderr)
        return 1
    for tower, cosine in moved.items():
        print(f"{tower:12} golden vector of cosine {cosine:.6f} to that of {given.source}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
