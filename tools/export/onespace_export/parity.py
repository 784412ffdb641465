"""The service against the reference pipelines: python -m onespace_export.parity [--only FAMILY …]

For each family a tiny bundle of random weights is exported and served; every file of the corpus goes through both the
service and the reference; the cosines of the two vectors are the result. Exit 1 below the marks.
"""

import argparse
import importlib
import itertools
import json
import platform
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from . import bundle, corpus, families, report
from .model import Model, Options, unit
from .report import Row
from .service import BINARY, Failed, Service

HERE = Path(__file__).resolve().parents[1]
CACHE = HERE / ".cache"
DOCUMENT = HERE.parents[1] / "docs" / "PARITY.md"


def compare(family: str, modality: str, model: Model, service: Service) -> Row:
    """Every file of the modality through both."""
    tower, cosines, failures, wanted = model.towers[modality], {}, {}, []
    for name, path in tqdm(corpus.files(CACHE, modality).items(), desc=f"{family} {modality}", leave=False):
        data, said = path.read_bytes(), corpus.MEDIA_TYPES.get(name, "")
        reference = tower.reference(data, said) if said else tower.reference(data)
        wanted.append(reference)
        try:
            cosines[name] = float(
                unit(service.embed(modality, data, said)).astype(np.float64) @ reference.astype(np.float64)
            )
        except Failed as failure:
            failures[name] = str(failure)
    pairs = [float(a @ b) for a, b in itertools.combinations(wanted, 2)]
    return Row(family, modality, tower.parity, cosines, failures, float(np.mean(pairs)))


def check(family: str, variant: str | None, modalities: list[str], binary: Path) -> tuple[list[Row], Model]:
    """Exports, serves and compares one family."""
    name = f"{family}-{variant}" if variant else family
    options = Options(random_init=True, tiny=True, variant=variant)
    torch.manual_seed(options.seed)
    model = importlib.import_module(f".families.{family}", __package__).build(options, None)
    out = CACHE / "bundles" / name
    bundle.write(family, model, options, out)
    chosen = [m for m in model.towers if not modalities or m in modalities]
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
        print(report.table(found), flush=True)
    given.json.write_text(
        json.dumps({"machine": platform.machine(), "rows": [asdict(r) for r in rows]}, indent=1) + "\n"
    )
    print(report.details(rows))
    if not given.only and not given.modality:
        DOCUMENT.parent.mkdir(exist_ok=True)
        DOCUMENT.write_text(report.document(rows, models))
    return 0 if all(r.reached() for r in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
