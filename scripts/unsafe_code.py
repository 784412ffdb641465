"""Which dependencies of the binary have unsafe code, and why each is trusted.

scripts/unsafe_code.py          fails for a crate that has some and is in no group of scripts/unsafe.toml
scripts/unsafe_code.py --write  and writes docs/UNSAFE.md
"""

import argparse
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = "onespace"
ENGINE = "qdrant-edge"
# A block, function, implementation, foreign interface or trait.
UNSAFE = re.compile(r"\bunsafe\s*(?:\{|fn\b|impl\b|extern\b|trait\b)")
COMMENT = re.compile(r"//.*")
ASIDE = {"tests", "benches", "examples", "fuzz"}


def metadata() -> dict:
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform"]
    command.append("x86_64-unknown-linux-gnu")
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def reached(data: dict, without: str | None = None) -> set[str]:
    """The packages that are linked into the binary, not counting what only `without` brings."""
    names = {package["id"]: package["name"] for package in data["packages"]}
    macros = {package["id"] for package in data["packages"] if is_macro(package)}
    nodes = {node["id"]: node for node in data["resolve"]["nodes"]}
    seen: set[str] = set()
    ahead = [package for package, name in names.items() if name == BINARY]
    while ahead:
        package = ahead.pop()
        if package in seen or package in macros or names[package] == without:
            continue
        seen.add(package)
        linked = (one for one in nodes[package]["deps"] if any(kind["kind"] is None for kind in one["dep_kinds"]))
        ahead += [one["pkg"] for one in linked]
    return seen


def is_macro(package: dict) -> bool:
    """Whether it runs at build time alone."""
    return any("proc-macro" in target["kind"] for target in package["targets"])


def places(package: dict) -> int:
    """How many places of its own code are unsafe."""
    folder = Path(package["manifest_path"]).parent
    sources = (file for file in folder.rglob("*.rs") if file.relative_to(folder).parts[0] not in ASIDE)
    return sum(len(UNSAFE.findall(COMMENT.sub("", file.read_text(errors="replace")))) for file in sources)


def found(data: dict) -> tuple[dict[str, list[tuple[str, int]]], list[tuple[str, int]]]:
    """By name: versions with the number of unsafe places; and those that come with the store's engine alone."""
    everything, without_engine = reached(data), reached(data, ENGINE)
    ours: dict[str, list[tuple[str, int]]] = {}
    engines = []
    for package in data["packages"]:
        if package["id"] not in everything or package["source"] is None:
            continue
        count = places(package)
        if count and package["id"] in without_engine:
            ours.setdefault(package["name"], []).append((package["version"], count))
        elif count:
            engines.append((package["name"], count))
    return ours, engines


def page(groups: list[dict], ours: dict[str, list[tuple[str, int]]], engines: list[tuple[str, int]]) -> str:
    lines = [
        "# Unsafe code in dependencies",
        "",
        "Written by `scripts/unsafe_code.py --write` from Cargo.lock and `scripts/unsafe.toml`. Ours is denied by the",
        "compiler but in two files: `encoders/video/src/ffi.rs`, where FFmpeg is called, and one line of",
        "`encoders/runtime/src/library.rs`, which sets a variable before there are threads.",
        "",
        "The number is that of blocks, functions, implementations and foreign interfaces. It says how much there is,",
        "not how good it is.",
    ]
    for group in groups:
        cells = []
        for name in sorted(group["crates"]):
            count = sum(places for _, places in ours.get(name, []))
            if count:
                cells.append(f"{name} {count}")
        lines += ["", f"## {group['name']}", "", group["why"], "", " · ".join(cells)]
    total = sum(count for _, count in engines)
    lines += [
        "",
        "## The store's engine",
        "",
        f"`{ENGINE}` and the {len(engines) - 1} crates that come with it alone have {total} such places. They see what we",
        "wrote: vectors of our own encoders and payloads within our limits, both under checksums (docs/STORE.md). A filter",
        "reaches it as a value that we built.",
        "",
        " · ".join(f"{name} {count}" for name, count in sorted(engines)),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--write", action="store_true", help="write docs/UNSAFE.md")
    write = arguments.parse_args().write
    groups = tomllib.loads((ROOT / "scripts/unsafe.toml").read_text())["groups"]
    ours, engines = found(metadata())
    named = [crate for group in groups for crate in group["crates"]]
    faults = [f"{name} has unsafe code and is in no group" for name in sorted(set(ours) - set(named))]
    faults += [f"{name} is in a group and has no unsafe code here" for name in sorted(set(named) - set(ours))]
    faults += [f"{name} is in two groups" for name in sorted({name for name in named if named.count(name) > 1})]
    for fault in faults:
        print(f"scripts/unsafe.toml: {fault}")
    record, written = ROOT / "docs/UNSAFE.md", page(groups, ours, engines)
    if write:
        record.write_text(written)
    elif record.read_text() != written:
        faults.append("docs/UNSAFE.md is not what --write would write")
        print(faults[-1])
    print(f"{len(ours)} crates with unsafe code, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
