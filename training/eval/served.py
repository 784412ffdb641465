"""The evaluation through a running service: python -m eval.served [--endpoint HOST:PORT] [--sections a,b] [--card].

Sends the test set's files to onespace.v1 EmbeddingService and measures from the vectors. What was measured is kept in
.cache/eval.json, each section by itself; --card writes the model card from all that is there. Another bundle is measured
through a service of its own: --as int8, --as v0.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from eval import ablation, card, classification, composition, mixed, parity, retrieval, robustness, speed, tables, testset, unseen
from eval.lab import Lab
from eval.marks import WHOLE, judged
from eval.offline import BUNDLE

RESULTS = testset.TRAINING / ".cache" / "eval.json"
SECTIONS: dict[str, Callable[[Lab], dict]] = {
    "retrieval": retrieval.galleries, "individuals": retrieval.individuals, "sounds": retrieval.signatures,
    "zero_shot": classification.measure, "composition": composition.recolour, "scenes": composition.scenes, "mixed": mixed.measure,
    "unseen": unseen.measure, "robustness": robustness.measure, "ablation": ablation.measure, "parity": parity.measure,
}  # fmt: skip
EVERY = (*SECTIONS, "speed")
COMPARED = ("retrieval", "speed")  # of other bundles


def results() -> dict:
    """Measured so far: {slot: {section: ...}}."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def run(embedder, slot: str, sections: list[str] | None, bundle: Path | None):
    """Measures, keeps and prints sections; all that belong to the slot unless said otherwise."""
    lab, slots = Lab(embedder), results()
    known = slots.setdefault(slot, {})
    if known.get("space") != embedder.name:  # another bundle: nothing measured before holds
        known = slots[slot] = {"space": embedder.name}
    for name in sections or (EVERY if slot in (WHOLE, "offline") else COMPARED):
        if name == "speed":
            if bundle is None:
                continue
            known[name] = speed.measure(bundle)
        elif not (name == "parity" and slot == "offline"):
            known[name] = SECTIONS[name](lab)
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(slots, indent=1))
        print("\n" + tables.SECTIONS[name]({WHOLE: known}) + "\n", flush=True)
    return slots


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", default="127.0.0.1:50051")
    parser.add_argument("--sections", type=lambda s: s.split(","), help=f"some of {','.join(EVERY)}; none: only write the card")
    parser.add_argument("--as", dest="slot", default=WHOLE, help="measure another bundle beside the shipped one: int8, v0")
    parser.add_argument("--bundle", type=Path, help="where the bundle of that service lies, for speed and size")
    parser.add_argument("--card", action="store_true", help="write MODEL_CARD.md and evaluation.json of the shipped bundle")
    arguments = parser.parse_args()
    strange = set(arguments.sections or ()) - {*EVERY, "none"}
    if strange:
        parser.error(f"no such section: {', '.join(sorted(strange))}")
    slots = results()
    if arguments.sections != ["none"]:
        from eval.service import Service

        bundle = arguments.bundle or (BUNDLE if arguments.slot == WHOLE else None)
        slots = run(Service(arguments.endpoint), arguments.slot, arguments.sections, bundle)
    print(tables.marks_table(slots))
    if arguments.card:
        card.write(slots)
    if any(mark.name.startswith("Parity") and reached is False for mark, _, reached in judged(slots)):
        raise SystemExit("the service and the reference part ways")


if __name__ == "__main__":
    main()
