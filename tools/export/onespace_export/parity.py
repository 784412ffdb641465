"""The service against the reference pipelines: python -m onespace_export.parity [--only FAMILY …]

For each family a tiny checkpoint of random weights is saved, exported and served; every file of the corpus goes
through the service, through the reference by the rules that the bundle states, and through the original as it is; the
cosines of the vectors are the result. Then faults are planted into the reference, which the marks must tell. Exit 1
below a mark, or where a fault is not seen.
"""

import argparse
import importlib
import itertools
import json
import platform
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from . import bundle, corpus, families, faults, report
from .model import Model, Options, Reference, unit
from .report import Caught, Row
from .service import BINARY, Failed, Service

HERE = Path(__file__).resolve().parents[1]
CACHE = HERE / ".cache"
DOCUMENT = HERE.parents[1] / "docs" / "PARITY.md"


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Of two unit vectors."""
    return float(unit(one).astype(np.float64) @ unit(other).astype(np.float64))


def by(reference: Reference, files: dict[str, Path]) -> dict[str, np.ndarray]:
    """What a reference makes of each file."""
    vectors = {}
    for name, path in files.items():
        said = corpus.MEDIA_TYPES.get(name)
        vectors[name] = reference(path.read_bytes(), *([said] if said else []))
    return vectors


def compare(family: str, modality: str, model: Model, service: Service) -> Row:
    """Every file of the modality through all of them."""
    tower, files = model.towers[modality], corpus.files(CACHE, modality)
    served, failures = {}, {}
    for name, path in tqdm(files.items(), desc=f"{family} {modality}", leave=False):
        try:
            served[name] = service.embed(modality, path.read_bytes(), corpus.MEDIA_TYPES.get(name, ""))
        except Failed as failure:
            failures[name] = str(failure)
    wanted = by(tower.reference, files)
    there = {name: files[name] for name in served}
    original = by(tower.original, there) if tower.original else {}
    row = Row(
        family,
        modality,
        tower.parity,
        {name: cosine(vector, wanted[name]) for name, vector in served.items()},
        failures,
        float(np.mean([a @ b for a, b in itertools.combinations(wanted.values(), 2)])),
        {name: cosine(served[name], vector) for name, vector in original.items()},
    )
    for fault in faults.of(family, modality):
        with faults.planted(fault):
            wrong = by(tower.reference, there)
        row.faults.append(Caught(fault.name, [cosine(served[name], vector) for name, vector in wrong.items()]))
    return row


def built(family: str, variant: str | None, name: str) -> tuple[Model, Options]:
    """The model of a saved checkpoint, where the family publishes such; else of the family's own random modules."""
    module, options = importlib.import_module(f".families.{family}", __package__), Options(random_init=True, tiny=True)
    options.variant = variant
    torch.manual_seed(options.seed)
    if not hasattr(module, "publish"):
        return module.build(options, None), options
    folder = CACHE / "checkpoints" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    module.publish(options, folder)
    options = Options(checkpoint=str(folder), licence="Apache-2.0")
    return module.build(options, folder), options


def check(family: str, variant: str | None, modalities: list[str], binary: Path) -> tuple[list[Row], Model]:
    """Exports, serves and compares one family."""
    name = f"{family}-{variant}" if variant else family
    model, options = built(family, variant, name)
    out = CACHE / "bundles" / name
    bundle.write(family, model, options, out)
    chosen = [m for m in families.ONLY.get((family, variant), model.towers) if not modalities or m in modalities]
    try:
        with Service(out, CACHE, binary) as service:
            return [compare(name, m, model, service) for m in chosen], model
    except Failed as failure:
        return [
            Row(name, m, model.towers[m].parity, {}, {"(start)": str(failure)}, float("nan")) for m in chosen
        ], model


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", nargs="*", default=[], help="these families alone; docs/PARITY.md is then left as it is"
    )
    parser.add_argument("--modality", nargs="*", default=[], help="these modalities alone")
    parser.add_argument("--binary", type=Path, default=BINARY)
    parser.add_argument("--json", type=Path, default=CACHE / "parity.json")
    given = parser.parse_args()
    rows, models = [], {}
    for family, variant in families.PARITY:
        if given.only and family not in given.only:
            continue
        found, model = check(family, variant, given.modality, given.binary)
        rows += found
        models[f"{family}-{variant}" if variant else family] = model
        print(report.table(found), report.faults(found), sep="\n", flush=True)
    given.json.write_text(
        json.dumps({"machine": platform.machine(), "rows": [asdict(r) for r in rows]}, indent=1) + "\n"
    )
    print(report.details(rows))
    if not given.only and not given.modality:
        DOCUMENT.parent.mkdir(exist_ok=True)
        DOCUMENT.write_text(report.document(rows, models))
    return 0 if all(r.reached() and r.sees() for r in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
