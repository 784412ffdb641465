"""Score calibration: what cosines of unrelated media are like, by modality of the query and of the item.

`python -m everyday.evaluation.calibration --binary … --bundle …` writes `[[calibration]]` into bundle.toml, measured on
the half that may be tuned on. It changes no vector, so the fingerprint stays.
"""

import argparse
import re
from pathlib import Path

import numpy as np

from everyday.evaluation import films, sets
from everyday.evaluation.embed import Embedder, Vectors, known
from everyday.evaluation.kinds import kind
from everyday.evaluation.lab import Lab
from everyday.evaluation.service import Service
from everyday.packages import cache_folder

MODALITIES = ("text", "image", "audio", "video", "point_cloud")
Row = tuple[str, str, float, float]
# Vectors, and what each shows: unrelated is what shows neither the same thing nor the same kind.
Shown = tuple[Vectors, list[set[str]]]


def unrelated(a: list[set[str]], b: list[set[str]]) -> np.ndarray:
    """Which pairs have nothing in common, `[a, b]`."""
    return np.array([[not (one & other) for other in b] for one in a])


def table(shown: dict[str, Shown]) -> list[Row]:
    """(query, item, mean, deviation) for every ordered pair."""
    rows = []
    for query, (asked, of_query) in shown.items():
        for item, (found, of_item) in shown.items():
            cosines = (asked @ found.T)[unrelated(of_query, of_item)]
            rows.append((query, item, round(float(cosines.mean()), 5), round(float(cosines.std()), 5)))
    return rows


def shown(lab: Lab) -> dict[str, Shown]:
    out: dict[str, Shown] = {}
    for modality in ("image", "audio", "point_cloud"):
        items, vectors = lab.embedded(modality)
        out[modality] = (vectors, [{item.thing, kind(item.label) or item.thing} for item in items])
    labels = sorted({item.label: item for item in lab.items}.items())
    texts = lab.embedder.texts([label for label, _ in labels], "labels")
    out["text"] = (texts, [{item.thing, kind(label) or item.thing} for label, item in labels])
    groups = films.groups(sets.of(lab.items, "image"))
    folder = lab.cache / "made/films" / lab.half
    paths = [films.make(found, None, folder / films.file_name(found, None)) for found in groups.values()]
    kept, vectors = known(lab.embedder.files(paths, "films"))
    names = list(groups)
    out["video"] = (vectors, [{names[i], *(item.thing for item in groups[names[i]])} for i in kept])
    return {modality: out[modality] for modality in MODALITIES}


def written(manifest: str, rows: list[Row]) -> str:
    """The manifest with this table in place of the one that it had."""
    kept = re.sub(r"\n\[\[calibration\]\]\n(?:\w+ = .*\n)*", "", manifest).rstrip("\n")
    entry = '\n[[calibration]]\nquery = "{}"\nitem = "{}"\nmean = {}\nstd = {}\n'
    return f"{kept}\n{''.join(entry.format(*row) for row in rows)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, required=True)
    arguments = parser.parse_args()
    cache = cache_folder()
    with Service(arguments.binary, arguments.bundle, cache) as service:
        lab = Lab(Embedder(service, cache), cache, "tune", sets.load(cache, "tune"))
        rows = table(shown(lab))
    path = arguments.bundle / "bundle.toml"
    path.write_text(written(path.read_text("utf-8"), rows), "utf-8")
    for query, item, mean, deviation in rows:
        print(f"{query:12} {item:12} {mean:8.4f} {deviation:7.4f}")


if __name__ == "__main__":
    main()
