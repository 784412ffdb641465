#!/usr/bin/env python3
"""Holds the source files to the plan of the house: docs/STYLE.md, as far as a program can read it.

    scripts/house.py         exit 0: every rule holds; 1: each breach on a line of its own

- a file has at most 400 lines, a Rust function at most 70, a line at most 120 columns, comments too;
- the files of a crate, and those of a Python package, use each other in one direction: no circles;
- the environment is read where ARCHITECTURE.md says, and nowhere else;
- a crate names no dependency that its files do not use;
- threads without a name, tasks that nobody awaits and locks that block have their places, each with its reason.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

LINES, FUNCTION_LINES, COLUMNS = 400, 70, 120

# Tables: one row a line, however many rows there are.
LONG_FILES = {
    "core/src/limits.rs",
    "training/world/captions.py",
    "training/world/languages.py",
    "training/world/sounds.py",
}

# Who reads the environment. Tests and build scripts may.
ENVIRONMENT = {"services/onespace/src/args.rs", "services/onespace/src/args", "encoders/runtime/src/library.rs"}

# What a program may do in these files alone, and why there. Tests may.
PLACES: dict[str, tuple[str, dict[str, str]]] = {
    # A thread has a name: std::thread::Builder.
    "thread::spawn": (r"\bthread::spawn\(", {}),
    "tokio::spawn": (r"\btokio::spawn\(", {
        "services/gateway/src/replicas.rs": "probes live as long as their replica",
        "adapters/qdrant/src/server/servers.rs": "asks a server that is away, as long as the store lives",
        "services/kit/src/answers.rs": "watches one answer, and ends with it",
        "services/kit/src/signals.rs": "one for the process, until it is told to end",
        "adapters/qdrant/src/embedded/mod.rs": "awaited where it is made; it goes on when its caller goes away",
        "clients/rust/src/ingest.rs": "awaited where it is made",
        "services/kit/src/secured.rs": "awaited where it is made, so that new connections agree on TLS side by side",
        "services/onespace/src/store/control.rs": "one for the process, as long as its store is open",
    }),
    "std::sync::Mutex": (r"\bstd::sync::(\{[^}]*\b)?Mutex\b|\n    sync::\{[^}]*\bMutex\b", {
        "core/src/room.rs": "waited for on threads that may block",
        "encoders/audio/src/resample.rs": "a table of filters, held for a look",
        "encoders/runtime/src/library.rs": "the library is loaded once",
        "encoders/runtime/src/model.rs": "a graph is run on threads of its own, one at a time",
        "encoders/runtime/src/queue.rs": "the queue before those threads",
        "adapters/qdrant/src/embedded/room.rs": "numbers, held for a look",
        "adapters/qdrant/src/embedded/shared.rs": "a table of collections, held for a look",
        "adapters/qdrant/src/server/mod.rs": "a table of collections, held for a look",
        "adapters/qdrant-stand-in/src/faults.rs": "for tests",
        "adapters/qdrant-stand-in/src/state.rs": "for tests",
        "services/gateway/src/presence.rs": "an instant, held for a look",
        "services/gateway/src/replicas.rs": "numbers, held for a look",
        "services/gateway/src/retry_budget.rs": "numbers, held for a look",
        "services/gateway/src/item_locks.rs": "a table of locks, held for a look; the locks themselves are tokio's",
        "services/gateway/src/answer.rs": "a number, held for a look",
        "services/kit/src/answers.rs": "an answer, held for a poll",
        "services/kit/src/arrival.rs": "numbers, held for a look",
        "services/access/src/audit.rs": "the thread that writes, waited for at the end",
        "services/access/src/visit.rs": "what is written down of a call, held for a look",
        "services/access/src/failures.rs": "numbers, held for a look",
        "services/access/src/meters.rs": "numbers, held for a look",
        "services/kit/src/connections.rs": "numbers, held for a look",
        "services/kit/src/shares.rs": "numbers, held for a look",
        "services/sandbox/src/sandbox.rs": "what workers are copies of, held for a look or while it starts",
        "services/onespace/src/client/busy.rs": "a line on the terminal",
        "services/onespace/src/tools/pull/progress.rs": "a line on the terminal",
        "clients/rust/src/patience.rs": "numbers, held for a look",
    }),
}  # fmt: skip


def sources(*patterns: str) -> list[Path]:
    """Files of these kinds that are, or would be, in git."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns]
    listed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.split("\n")
    return [ROOT / name for name in sorted(set(listed)) if name and (ROOT / name).is_file()]


# ---------------------------------------------------------------- size


def sizes(path: Path, lines: list[str]) -> Iterator[str]:
    """Lines of a file, and columns of a line."""
    name = str(path.relative_to(ROOT))
    if len(lines) > LINES and name not in LONG_FILES:
        yield f"{name}: {len(lines)} lines, the limit is {LINES}"
    for number, line in enumerate(lines, 1):
        # A row of a table in a comment cannot be broken.
        if path.suffix == ".rs" and len(line) > COLUMNS and not line.lstrip().startswith(("//! |", "/// |")):
            yield f"{name}:{number}: {len(line)} columns, the limit is {COLUMNS}"


def functions(path: Path, lines: list[str]) -> Iterator[str]:
    """Lines of a Rust function, by its indentation: rustfmt closes it where it was opened."""
    opened: tuple[int, str] | None = None
    for number, line in enumerate(lines, 1):
        begin = re.match(r"(\s*)(pub(\([a-z: ]+\))? )?(const |async |unsafe )*fn (\w+)", line)
        whole = line.rstrip().endswith(";") or line.count("{") == line.count("}") > 0
        if begin and opened is None and not whole:
            opened = (number, begin[1])
        elif opened and re.match(rf"{opened[1]}\}}", line):
            if number - opened[0] + 1 > FUNCTION_LINES:
                length = number - opened[0] + 1
                yield f"{path.relative_to(ROOT)}:{opened[0]}: a function of {length} lines, the limit is {FUNCTION_LINES}"
            opened = None


# ---------------------------------------------------------------- circles


def circle(edges: dict[str, set[str]]) -> list[str] | None:
    """One circle, as the way round it; none where there is none."""
    done: set[str] = set()

    def walk(node: str, way: list[str]) -> list[str] | None:
        if node in way:
            return [*way[way.index(node) :], node]
        if node in done:
            return None
        for child in sorted(edges.get(node, ())):
            found = walk(child, [*way, node])
            if found:
                return found
        done.add(node)
        return None

    for start in sorted(edges):
        found = walk(start, [])
        if found:
            return found
    return None


def module_of(path: Path, src: Path) -> str:
    """`src/a/b.rs` and `src/a/b/mod.rs` are `a::b`; the crate's root is empty."""
    parts = list(path.relative_to(src).with_suffix("").parts)
    if parts[-1] in ("mod", "lib", "main"):
        parts.pop()
    return "::".join(parts)


def uses(text: str, module: str, modules: set[str]) -> set[str]:
    """The modules of its crate that a file names, its own parents and children left out."""
    code = re.sub(r"//[^\n]*", "", text.split("#[cfg(test)]")[0])
    found: set[str] = set()
    for start in re.finditer(r"\b(crate|super|self)((?:::super)*)::", code):
        base = {"crate": [], "self": module.split("::"), "super": module.split("::")[:-1]}[start[1]]
        base = base[: len(base) - start[2].count("super")]
        for path in paths_after(code, start.end()):
            parts = [part for part in [*base, *path] if part]
            while parts and "::".join(parts) not in modules:
                parts.pop()
            found.add("::".join(parts))
    related = {one for one in found if one == module or module.startswith(one + "::") or one.startswith(module + "::")}
    return found - related - {""}


def paths_after(code: str, at: int) -> Iterator[list[str]]:
    """The paths that a `use` tree spells from here, or the one path of an expression."""
    if code[at : at + 1] == "{":
        depth, end = 0, at
        while end < len(code):
            depth += {"{": 1, "}": -1}.get(code[end], 0)
            if depth == 0:
                break
            end += 1
        depth, piece = 0, ""
        for character in code[at + 1 : end] + ",":
            if character == "," and depth == 0:
                yield from tree(piece.strip())
                piece = ""
            else:
                depth += {"{": 1, "}": -1}.get(character, 0)
                piece += character
        return
    yield from tree(re.match(r"[\w:]*", code[at:])[0])


def tree(piece: str) -> Iterator[list[str]]:
    head = re.match(r"(\w+(?:::\w+)*)(::\{)?", piece)
    if not head:
        return
    parts = head[1].split("::")
    if head[2]:
        for rest in paths_after(piece, piece.index("{")):
            yield [*parts, *rest]
    else:
        yield parts


def rust_circles(files: list[Path]) -> Iterator[str]:
    """No circle between the files of a crate."""
    crates: dict[Path, list[Path]] = defaultdict(list)
    for path in files:
        if "src" in path.relative_to(ROOT).parts:
            src = ROOT.joinpath(*path.relative_to(ROOT).parts[: path.relative_to(ROOT).parts.index("src") + 1])
            crates[src].append(path)
    for src, members in crates.items():
        modules = {module_of(path, src): path for path in members}
        edges = {name: uses(path.read_text(), name, set(modules)) for name, path in modules.items() if name}
        found = circle(edges)
        if found:
            yield f"{src.relative_to(ROOT)}: a circle between files: {' → '.join(found)}"


def python_circles(files: list[Path]) -> Iterator[str]:
    """No circle between the files of a Python folder."""
    folders: dict[Path, list[Path]] = defaultdict(list)
    for path in files:
        folders[path.parent].append(path)
    for folder, members in folders.items():
        names = {path.stem for path in members}
        edges: dict[str, set[str]] = {}
        for path in members:
            found: set[str] = set()
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom):
                    last = (node.module or "").split(".")[-1]
                    found |= {last} | {alias.name for alias in node.names if last in ("", folder.name)}
                elif isinstance(node, ast.Import):
                    found |= {alias.name.split(".")[-1] for alias in node.names}
            edges[path.stem] = (found & names) - {path.stem, "__init__"}
        way = circle(edges)
        if way:
            yield f"{folder.relative_to(ROOT)}: a circle between files: {' → '.join(way)}"


# ---------------------------------------------------------------- environment


def environment(path: Path, text: str) -> Iterator[str]:
    """The environment is read in one place."""
    name = str(path.relative_to(ROOT))
    if "/src/" not in name or name.startswith(("tests/", "benches/")):
        return
    code = text.split("#[cfg(test)]")[0]
    if re.search(r"\benv::(var|vars|var_os|set_var|remove_var)\b", code) and not any(
        name == place or name.startswith(place + "/") for place in ENVIRONMENT
    ):
        yield f"{name}: reads the environment"


# ---------------------------------------------------------------- places


def places(path: Path, text: str) -> Iterator[str]:
    """What has its places is nowhere else."""
    name = str(path.relative_to(ROOT))
    if "/src/" not in name or name.startswith(("tests/", "benches/")) or "/tests" in name or name.endswith("tests.rs"):
        return
    code = text.split("#[cfg(test)]")[0]
    for what, (pattern, allowed) in PLACES.items():
        if re.search(pattern, code) and name not in allowed:
            yield f"{name}: {what} has no place here, see PLACES in scripts/house.py"


# ---------------------------------------------------------------- dependencies


def unused(manifest: Path) -> Iterator[str]:
    """Dependencies that no file of the crate names."""
    table = tomllib.loads(manifest.read_text())
    text = "\n".join(path.read_text() for path in manifest.parent.rglob("*.rs") if "target" not in path.parts)
    for kind in ("dependencies", "dev-dependencies", "build-dependencies"):
        for name in table.get(kind, {}):
            module = name.replace("-", "_")
            # A derive macro is named by its attribute's crate, a library by a path or a use.
            if not re.search(rf"\b{module}\b", text):
                yield f"{manifest.relative_to(ROOT)}: {name} is not used ({kind})"


def breaches() -> list[str]:
    """Every breach of every rule, in words."""
    rust, python = sources("*.rs"), sources("*.py")
    found: list[str] = []
    for path in [*rust, *python]:
        lines = path.read_text().splitlines()
        found += sizes(path, lines)
        if path.suffix == ".rs":
            found += functions(path, lines)
            found += environment(path, path.read_text())
            found += places(path, path.read_text())
    for manifest in sources("**/Cargo.toml"):
        found += unused(manifest)
    return [*found, *rust_circles(rust), *python_circles(python)]


def main() -> int:
    found = breaches()
    for breach in found:
        print(breach)
    print(f"{len(found)} breaches", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
