"""Files of a folder through the service, beside what the reference readers make of them.

    make files FOLDER=~/Pictures            (or: compare.py --onespace target/release/onespace FOLDER…)

Each file that its reference reads (Pillow, FFmpeg, trimesh) is embedded as it is, and as the reference has it. It is
*accepted* where both vectors agree (cosine ≥ .98), *refused* where the service says why not, and *wrong* where it is
taken for another modality or for something else. Wrong is the only one that is never allowed: the exit is 1 then.
"""

import argparse
import json
import re
import socket
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from references import Reference, Unread, likeness, reference

ROOT = Path(__file__).resolve().parents[2]
SAME = 0.98


class Service:
    """A server of our own, asked through the command line."""

    def __init__(self, binary: Path, bundle: Path) -> None:
        self.binary = binary
        self.data = tempfile.TemporaryDirectory()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{port}"
        command = [binary, "up", "--bundle", bundle, "--data", self.data.name, "--log", "error"]
        command += ["--listen", f"127.0.0.1:{port}", "--http", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if line.startswith("ready "):
                return
        raise SystemExit("the server ended before it was ready")

    def embed(self, path: Path) -> tuple[str, list[float]] | str:
        """The modality and the vector of a file as a whole, or why there is none."""
        command = [self.binary, "embed", "--json", "--no-speech", "--endpoint", self.endpoint, path]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        for line in done.stdout.splitlines():
            said = json.loads(line)
            if said["segment"] == 0:
                return said["modality"], said["vector"]
        return re.sub(r"^.*?: ", "", done.stderr.strip().replace(str(path), "it"))[:200] or "nothing was said"

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.data.cleanup()


def judge(service: Service, path: Path, expected: Reference) -> tuple[str, str]:
    ours, theirs = service.embed(path), service.embed(expected.path)
    if isinstance(ours, str):
        return "refused", ours
    if isinstance(theirs, str):
        return "unread", f"what the reference made of it is refused: {theirs}"
    if ours[0] != theirs[0]:
        return "wrong", f"taken for {ours[0]}, it is {theirs[0]}"
    alike = likeness(ours[1], theirs[1])
    return ("accepted", f"{alike:.4f}") if alike >= SAME else ("wrong", f"cosine {alike:.3f}")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folders", nargs="+", type=Path)
    arguments.add_argument("--onespace", type=Path, default=ROOT / "target/release/onespace")
    arguments.add_argument("--bundle", type=Path, default=ROOT / "bundles/diorama")
    arguments.add_argument("--json", type=Path, help="write what became of each file")
    given = arguments.parse_args()
    files = sorted(path for folder in given.folders for path in ([folder] if folder.is_file() else folder.rglob("*")) if path.is_file())
    service = Service(given.onespace, given.bundle)
    tally: dict[str, Counter] = defaultdict(Counter)
    rows = []
    try:
        for number, path in enumerate(files, 1):
            print(f"\r{number} of {len(files)}", end="", file=sys.stderr)
            with tempfile.TemporaryDirectory() as out:
                try:
                    expected = reference(path, Path(out))
                    outcome, why = judge(service, path, expected)
                    kind = expected.modality
                except Unread as error:
                    outcome, why, kind = "unread", str(error), "none"
            tally[kind][outcome] += 1
            rows.append({"file": str(path), "modality": kind, "outcome": outcome, "why": why})
    finally:
        service.close()
    print(file=sys.stderr)
    for row in rows:
        if row["outcome"] in ("refused", "wrong"):
            print(f"{row['outcome']:9} {row['file']}: {row['why']}")
    print(f"\n{'':14}{'accepted':>9}{'refused':>9}{'wrong':>9}{'of those that are read':>24}")
    for kind, counts in sorted(tally.items()):
        read = counts["accepted"] + counts["refused"] + counts["wrong"]
        if read:
            share = counts["accepted"] / read
            print(f"{kind:14}{counts['accepted']:9}{counts['refused']:9}{counts['wrong']:9}{share:24.1%}")
    print(f"not read by their reference either: {sum(counts['unread'] for counts in tally.values())}")
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 1 if any(counts["wrong"] for counts in tally.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
