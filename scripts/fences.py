#!/usr/bin/env python3
"""Holds the dependency graph to the rules of deny.toml and of the layering below.

    scripts/fences.py        exit 0: every rule holds; 1: each breach on a line of its own

It reads `cargo metadata` and deny.toml's bans, licences and sources, so that those rules hold
on every machine, with or without cargo-deny. What cargo-deny alone can do (the advisory
database) stays with cargo-deny.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Which of our folders a folder may lean on. Dependencies point one way.
LAYERS = {
    "core": set(),
    "proto": {"core"},
    "clients": {"core", "proto"},
    "encoders": {"core", "encoders", "adapters"},
    "adapters": {"core", "encoders", "adapters"},
    "services": {"core", "proto", "clients", "encoders", "adapters", "services"},
    "tests": {"core", "proto", "clients", "encoders", "adapters", "services"},
    "benches": {"core", "proto", "clients", "encoders", "adapters", "services", "tests"},
}

# The words of the domain do no I/O: none of these is reachable from core, at any depth.
NEVER_UNDER_CORE = {
    "axum", "ffmpeg-next", "h2", "hyper", "image", "mio", "ort", "ort-sys", "prost", "qdrant-client",
    "qdrant-edge", "reqwest", "rustls", "symphonia", "tokenizers", "tokio", "tonic", "tower",
}  # fmt: skip

# A tower's preprocessing knows nothing of inference, storage or the wire.
NEVER_UNDER_TOWERS = {"ort", "ort-sys", "qdrant-client", "qdrant-edge", "tonic"}
NOT_TOWERS = {"onespace-bundle", "onespace-family", "onespace-runtime"}


@dataclass(frozen=True)
class Package:
    """One package of the resolved graph."""

    id: str
    name: str
    version: str
    licence: str | None
    source: str | None
    folder: str | None  # of ours: the top folder it lives in

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class Graph:
    """The resolved graph: packages, and for each the packages it names itself."""

    packages: dict[str, Package]
    edges: dict[str, frozenset[str]]  # normal and build dependencies
    test_edges: dict[str, frozenset[str]]  # those that only its tests name

    @classmethod
    def of(cls, metadata: dict) -> Graph:
        root = Path(metadata["workspace_root"])
        ours = set(metadata["workspace_members"])
        packages = {
            p["id"]: Package(
                p["id"], p["name"], p["version"], p["license"], p["source"],
                Path(p["manifest_path"]).relative_to(root).parts[0] if p["id"] in ours else None,
            )
            for p in metadata["packages"]
        }  # fmt: skip
        edges: dict[str, frozenset[str]] = {}
        test_edges: dict[str, frozenset[str]] = {}
        for node in metadata["resolve"]["nodes"]:
            kinds = {d["pkg"]: {k["kind"] for k in d["dep_kinds"]} for d in node["deps"]}
            edges[node["id"]] = frozenset(pkg for pkg, kind in kinds.items() if kind != {"dev"})
            test_edges[node["id"]] = frozenset(pkg for pkg, kind in kinds.items() if kind == {"dev"})
        return cls({i: packages[i] for i in edges}, edges, test_edges)

    def parents(self) -> dict[str, set[str]]:
        """Who names whom, tests included."""
        parents: dict[str, set[str]] = defaultdict(set)
        for edges in (self.edges, self.test_edges):
            for parent, children in edges.items():
                for child in children:
                    parents[child].add(parent)
        return parents

    def under(self, start: str) -> dict[str, str]:
        """Everything reachable from `start` without its tests: package id → the package that brought it."""
        seen, stack = {}, [start]
        while stack:
            current = stack.pop()
            for child in self.edges[current]:
                if child not in seen:
                    seen[child] = current
                    stack.append(child)
        return seen


# ---------------------------------------------------------------- versions


def version_key(version: str) -> tuple[int, ...]:
    """`1.12.0-rc.1+x` → (1, 12, 0): enough to tell which release a fix is in."""
    return tuple(int(part) for part in re.split(r"[-+]", version)[0].split("."))


def matches(package: Package, spec: str) -> bool:
    """Whether a deny entry's `name` or `name@<version` means this package."""
    name, _, requirement = spec.partition("@")
    if package.name != name:
        return False
    if not requirement:
        return True
    if not requirement.startswith("<") or requirement.startswith("<="):
        raise SystemExit(f"deny.toml: {spec}: only name@<version is understood here")
    return version_key(package.version) < version_key(requirement[1:])


# ---------------------------------------------------------------- licences


def satisfied(expression: str, allowed: set[str]) -> bool:
    """Whether an SPDX expression can be met by the allowed licences alone."""
    tokens = re.findall(r"\(|\)|[^\s()/]+|/", expression)
    position = 0

    def take() -> str:
        nonlocal position
        position += 1
        return tokens[position - 1]

    def peek() -> str | None:
        return tokens[position] if position < len(tokens) else None

    def one() -> bool:
        token = take()
        if token == "(":
            value = either()
            take()  # the closing parenthesis
            return value
        if peek() == "WITH":
            take()
            token = f"{token} WITH {take()}"
        return token in allowed

    def both() -> bool:
        value = one()
        while peek() == "AND":
            take()
            value = one() and value
        return value

    def either() -> bool:
        value = both()
        while peek() in ("OR", "/"):  # the slash: how old manifests say OR
            take()
            value = both() or value
        return value

    return either()


# ---------------------------------------------------------------- rules


def bans(graph: Graph, rules: dict):
    """A denied package is named by its wrappers only, or not there at all."""
    parents = graph.parents()
    for rule in rules["bans"]["deny"]:
        wrappers = set(rule.get("wrappers", []))
        for package in graph.packages.values():
            if not matches(package, rule["crate"]):
                continue
            if not wrappers:
                yield f"{package} is banned: {rule['reason']}"
            for parent in sorted(parents[package.id]):
                if wrappers and graph.packages[parent].name not in wrappers:
                    yield f"{graph.packages[parent]} names {package}: {rule['reason']}"


def licences(graph: Graph, rules: dict):
    """Every package is to be had under a licence on the list."""
    allowed = set(rules["licenses"]["allow"])
    exceptions = {e["crate"]: set(e["allow"]) for e in rules["licenses"].get("exceptions", [])}
    clarified = {c["crate"]: c["expression"] for c in rules["licenses"].get("clarify", [])}
    for package in graph.packages.values():
        expression = clarified.get(package.name) or package.licence
        if not expression:
            yield f"{package} does not say its licence"
        elif not satisfied(expression, allowed | exceptions.get(package.name, set())):
            yield f"{package}: {expression} is not on the list of licences"


def sources(graph: Graph, _rules: dict):
    """Everything that is not ours comes from the one registry."""
    for package in graph.packages.values():
        if package.folder is None and not (package.source or "").startswith("registry+"):
            yield f"{package} comes from {package.source or 'a path outside the workspace'}"


def layers(graph: Graph, _rules: dict):
    """Our folders lean on each other one way; only tests may look sideways."""
    for package in graph.packages.values():
        if package.folder is None:
            continue
        if package.folder not in LAYERS:
            yield f"{package.name} lives in {package.folder}/, which has no place in the layering"
            continue
        for child in graph.edges[package.id]:
            folder = graph.packages[child].folder
            if folder is not None and folder not in LAYERS[package.folder]:
                yield f"{package.name} ({package.folder}/) leans on {graph.packages[child].name} ({folder}/)"


def purity(graph: Graph, _rules: dict):
    """Core and the towers' preprocessing never reach what is not theirs, at any depth."""
    for package in graph.packages.values():
        if package.name == "onespace-core":
            never = NEVER_UNDER_CORE
        elif package.folder == "encoders" and package.name not in NOT_TOWERS:
            never = NEVER_UNDER_TOWERS
        else:
            continue
        for found, via in graph.under(package.id).items():
            if graph.packages[found].name in never:
                yield f"{package.name} reaches {graph.packages[found]} through {graph.packages[via].name}"


RULES = (bans, licences, sources, layers, purity)


def breaches(metadata: dict, rules: dict) -> list[str]:
    """Every breach of every rule, in words."""
    graph = Graph.of(metadata)
    return [f"{rule.__name__}: {breach}" for rule in RULES for breach in rule(graph, rules)]


def metadata_of(platform: str) -> dict:
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", platform]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def main() -> int:
    rules = tomllib.loads((ROOT / "deny.toml").read_text())
    found: dict[str, None] = {}
    packages = 0
    for platform in rules["graph"]["targets"]:
        metadata = metadata_of(platform)
        packages = max(packages, len(metadata["resolve"]["nodes"]))
        found.update(dict.fromkeys(breaches(metadata, rules)))
    for breach in found:
        print(breach)
    print(f"{packages} packages, {len(found)} breaches", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
