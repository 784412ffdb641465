"""Makes the messages' code from the .proto files when the package is built. None is committed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "src/onespace"


class ProtoBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        generate(protos(root), root / "src")
        made_for = gencode_version(root / PACKAGE / "v1/types_pb2.py")
        build_data["dependencies"] = [f"protobuf>={made_for},<{int(made_for.split('.')[0]) + 2}"]


def protos(root: Path) -> Path:
    """The folder of the .proto files: in a source distribution, or in the repository."""
    for folder in (root / "proto", root / "../../proto"):
        if (folder / "onespace/v1/types.proto").is_file():
            return folder.resolve()
    raise FileNotFoundError(f"no proto/onespace/v1/*.proto in {root} or two folders above it")


def generate(protos: Path, out: Path) -> None:
    """Messages, their types and stubs, in the package that their imports name: onespace.v1."""
    import grpc_tools
    from grpc_tools import protoc

    wellknown = Path(grpc_tools.__file__).parent / "_proto"
    sources = sorted(str(path) for path in (protos / "onespace/v1").glob("*.proto"))
    kinds = [f"--{kind}_out={out}" for kind in ("python", "pyi", "grpc_python")]
    arguments = [f"-I{protos}", f"-I{wellknown}", *kinds, *sources]
    if protoc.main(["protoc", *arguments]) != 0:
        raise RuntimeError(f"protoc failed on {protos}")
    (out / "onespace/v1/__init__.py").write_text('"""The messages of the wire."""\n')


def gencode_version(module: Path) -> str:
    """The version of protobuf that a module was made for."""
    found = re.search(r"# Protobuf Python Version: ([\d.]+)", module.read_text())
    if found is None:
        raise RuntimeError(f"{module} does not say which protobuf it was made for")
    return found[1]
