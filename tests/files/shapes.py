"""Shapes of a folder beside what trimesh and laspy see in them, without a service.

    cargo build --release -p onespace-pointcloud --example points
    python tests/files/shapes.py --points target/release/examples/points FOLDER…

Of each shape points are spread over its surface, or are its own. It is *the same* where their mean, their deviation
along each axis and their mean colour agree with the reference's to 2 % of its size, or of full colour; *refused* where
the reader says why not; else *wrong*: the exit is 1 then.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from references import SHAPES, Reference, Unread, shape

APART = 0.02


def seen(points: Path, path: Path) -> np.ndarray | str:
    line = subprocess.run([points, path], capture_output=True, text=True).stdout.rstrip("\n")
    _, told, *values = line.split("\t")
    return " ".join(values) if told == "refused" else np.asarray([float(value) for value in values])


def judge(points: Path, path: Path, expected: Reference) -> tuple[str, str]:
    ours, theirs = seen(points, path), seen(points, expected.path)
    if isinstance(ours, str):
        return "refused", ours
    if isinstance(theirs, str):
        return "unread", theirs
    size = np.linalg.norm(theirs[6:9])
    apart = np.abs(ours - theirs) / np.asarray([size] * 3 + [1.0] * 3 + [size] * 3)
    return ("same" if apart.max() <= APART else "wrong"), np.array2string(apart, precision=3, suppress_small=True)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folders", nargs="+", type=Path)
    arguments.add_argument("--points", type=Path, required=True)
    given = arguments.parse_args()
    files = sorted(path for folder in given.folders for path in folder.rglob("*") if path.suffix.lower() in SHAPES)
    outcomes = []
    for path in files:
        with tempfile.TemporaryDirectory() as out:
            try:
                outcome, why = judge(given.points, path, shape(path, Path(out)))
            except Unread as error:
                outcome, why = "unread", str(error)
            except Exception as error:  # Whatever the reference says of a file that it does not read.
                outcome, why = "unread", f"{type(error).__name__}: {error}"
        outcomes.append(outcome)
        if outcome != "same":
            print(f"{outcome:8} {path}: {why}")
    print(", ".join(f"{outcomes.count(name)} {name}" for name in ("same", "refused", "wrong", "unread")))
    return 1 if "wrong" in outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
