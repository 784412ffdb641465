"""Score calibration: what cosines of unrelated media are like, by modality of the query and of the item.

A score becomes comparable between modalities as (cosine - mean) / std. Measured on training pairs:
python -m eval.calibration [--bundle DIR] writes the table into bundle.toml as [[calibration]].
"""

import argparse
import re
from pathlib import Path

import numpy as np

from eval.lab import Lab
from eval.scores import MODALITIES

Table = list[tuple[str, str, float, float]]


def table(lab: Lab) -> Table:
    """(query, item, mean, std) of the cosines of pairs that differ in kind and, where both have one, in colour."""
    vectors, rows = lab.calibration()
    out = []
    for query in MODALITIES:
        for item in MODALITIES:
            unrelated = np.array([[_unrelated(a, b) for b in rows[item]] for a in rows[query]])
            cosines = (vectors[query] @ vectors[item].T)[unrelated]
            out.append((query, item, round(float(cosines.mean()), 5), round(float(cosines.std()), 5)))
    return out


def _unrelated(a: dict, b: dict) -> bool:
    colours = "colour" in a and "colour" in b
    return a["kind"] != b["kind"] and not (colours and a["colour"] == b["colour"])


def as_toml(rows: Table) -> str:
    return "".join(f'\n[[calibration]]\nquery = "{q}"\nitem = "{i}"\nmean = {m}\nstd = {s}\n' for q, i, m, s in rows)


def write(bundle: Path, rows: Table):
    """Replaces the table at the end of the manifest."""
    path = bundle / "bundle.toml"
    kept = re.sub(r"\n\[\[calibration\]\]\n(?:\w+ = .*\n)*", "", path.read_text())
    path.write_text(kept.rstrip("\n") + "\n" + as_toml(rows))


if __name__ == "__main__":
    from eval.offline import BUNDLE, Reference

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    bundle = parser.parse_args().bundle
    measured = table(Lab(Reference(bundle)))
    write(bundle, measured)
    for query, item, mean, std in measured:
        print(f"{query:12} {item:12} {mean:8.4f} {std:7.4f}")
