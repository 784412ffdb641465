#!/usr/bin/env python3
"""Makes the bundle that the tests of depth, thermal and imu serve, from a tiny export of random weights:

    cd tools/export && python -m onespace_export imagebind --random-init --tiny --out /tmp/tiny
    python ../../tests/bundles/sensors/make.py /tmp/tiny

Nothing is learnt and nothing is ImageBind's: the graphs are tools/export's own modules, narrow, with random weights. Golden
vectors are what the reference pipeline makes of the golden inputs, so that a server that starts has proven its preprocessing.
Needs tomli_w, which the exporter has.
"""

import shutil
import sys
import tomllib
from pathlib import Path

import tomli_w

HERE = Path(__file__).parent
TOWERS = ("depth", "thermal", "imu")


def main(export: Path) -> None:
    manifest = tomllib.loads((export / "bundle.toml").read_text())
    towers = {name: manifest["towers"][name] for name in TOWERS}
    named = [tower["model"] for tower in towers.values()]
    named += [path for tower in towers.values() for path in tower["golden"].values()]
    for path in named:
        (HERE / path).parent.mkdir(exist_ok=True)
        shutil.copy(export / path, HERE / path)
    head = {"format": 2, "name": "sensors", "version": "1", "licence": "Apache-2.0"}
    head["description"] = "Depth maps, thermal images and inertial measurements, random weights."
    files = {path: manifest["files"][path] for path in sorted(named)}
    table = head | {"dimension": manifest["dimension"], "files": files, "towers": towers}
    (HERE / "bundle.toml").write_text("# Written by make.py.\n\n" + tomli_w.dumps(table))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
