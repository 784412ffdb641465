"""Evaluates a bundle through a service of its own.

python -m everyday.evaluation --binary ../../target/release/onespace --bundle ../../bundles/everyday
    [--baseline ../../bundles/diorama] [--held] [--sections photographs,sounds] [--card MODEL_CARD.md]

Looks at the half of the sets that may be tuned on; at the other half only with --held, once for each release.
"""

import argparse
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from everyday.evaluation import (
    budgets,
    card,
    films,
    instances,
    languages,
    mixed,
    senses,
    sets,
    speech,
    tables,
    words,
    zero_shot,
)  # fmt: skip
from everyday.evaluation.embed import Embedder
from everyday.evaluation.items import Half
from everyday.evaluation.lab import Lab
from everyday.evaluation.results import BASELINE, BOTH, EVERYDAY, Results
from everyday.evaluation.service import Service
from everyday.packages import ROOT, cache_folder

MEASURES: dict[str, Callable[[Lab], dict[str, Any]]] = {
    "photographs": words.photographs, "sounds": words.sounds, "shapes": words.shapes,
    "sound and photograph": senses.sounds, "shape and photograph": senses.shapes,
    "altered photographs": instances.photographs, "altered sounds": instances.sounds, "languages": languages.measure,
    "speech": speech.measure, "zero-shot": zero_shot.measure, "mixed": mixed.measure, "films": films.measure,
}  # fmt: skip
EVERY = (*MEASURES, "budgets")


def upright(bundle: Path) -> str:
    """Which axis the bundle's tower for point clouds wants to point up; the second, as files have it, where it does
    not say."""
    towers = tomllib.loads((bundle / "bundle.toml").read_text())["towers"]
    table = towers.get("point_cloud", {}).get("preprocess", {})
    said = str(table.get("views", {}).get("up", "y") if "views" in table else table.get("up", "z"))
    return "y" if said == "auto" else said


def run(
    slot: str,
    binary: Path,
    bundle: Path,
    halves: list[Half],
    sections: list[str],
    results: Results,
    transcriber: Path | None = None,
) -> None:
    """Measures, keeps and prints sections of one bundle."""
    cache = cache_folder()
    # Only what is about speech is measured with it: all else is the same without, and sooner.
    with Service(binary, bundle, cache, transcriber=transcriber if "speech" in sections else None) as service:
        space = service.space
        about = {
            "name": space.name,
            "space": space.space_fingerprint,
            "dimension": space.dimension,
            "version": service.version,
        }
        results.open(slot, about)
        embedder = Embedder(service, cache)
        for half in halves:
            print(f"\n# {space.name}: the half `{half}`", flush=True)
            if half == "held" and results.slots[slot]["halves"].get(half):
                print("This half was opened for this space before: what is changed because of it is tuned on it.")
            lab = Lab(embedder, cache, half, sets.load(cache, half, upright(bundle)))
            results.put(slot, half, "sets", sets.sizes(lab.items))
            for name in sections:
                if name in MEASURES:
                    found = MEASURES[name](lab)
                    results.put(slot, half, name, found)
                    _show(name, results, slot, half)
        for name, reason in embedder.refused.items():
            print(f"refused: {name}: {reason}")
    if "budgets" in sections:
        results.put(slot, BOTH, "budgets", budgets.measure(binary, bundle, cache, transcriber))
        _show("budgets", results, slot, BOTH)


def _show(name: str, results: Results, slot: str, half: str) -> None:
    beside = results.sections(BASELINE, half).get(name) if slot == EVERYDAY else None
    print(f"\n## {name}\n\n{tables.SECTIONS[name](results.sections(slot, half)[name], beside)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/onespace")
    parser.add_argument("--bundle", type=Path, default=ROOT / "bundles/everyday")
    parser.add_argument("--baseline", type=Path, help="measured first, and shown beside it")
    transcriber = ROOT / "target/speech"
    parser.add_argument(
        "--transcriber",
        type=Path,
        default=transcriber if transcriber.exists() else None,
        help="what writes down speech",
    )
    parser.add_argument("--held", action="store_true", help="also the held-out half")
    parser.add_argument(
        "--sections", type=lambda s: s.split(","), default=list(EVERY), help=f"some of {','.join(EVERY)}; none"
    )
    parser.add_argument("--results", type=Path, help="the file of numbers; in the cache unless said otherwise")
    parser.add_argument("--card", type=Path, help="write MODEL_CARD.md there from all that was measured")
    said = parser.parse_args()
    if strange := {*said.sections} - {*EVERY, "none"}:
        parser.error(f"no such section: {', '.join(sorted(strange))}")
    results = Results(said.results or cache_folder() / "results.json")
    halves: list[Half] = ["tune", "held"] if said.held else ["tune"]
    if said.sections != ["none"]:
        if said.baseline:
            run(BASELINE, said.binary, said.baseline, halves, said.sections, results)
        run(EVERYDAY, said.binary, said.bundle, halves, said.sections, results, said.transcriber)
    print("\n" + tables.marks(*(results.sections(EVERYDAY, half) for half in ("held", "tune"))))
    if said.card:
        card.write(results, said.card)


if __name__ == "__main__":
    main()
