"""Stubs in other languages come out of the .proto files without a flag, and compile; the published service
configuration names every method and has clients try again."""

import importlib
import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from support import PATIENCE, ROOT

PROTO = ROOT / "proto"
CLIENTS = ROOT / "target/clients"
CONFIG = PROTO / "onespace/v1/service_config.json"
SERVICES = ("embedding", "search", "collection", "space")


def protoc(out: Path, *arguments: str) -> list[str]:
    """The files that protoc makes of the public .proto files."""
    out.mkdir(parents=True, exist_ok=True)
    wellknown = Path(importlib.import_module("grpc_tools").__file__).parent / "_proto"
    sources = sorted(str(path) for path in (PROTO / "onespace/v1").glob("*.proto"))
    subprocess.run(["protoc", f"-I{PROTO}", f"-I{wellknown}", *arguments, *sources], check=True, capture_output=True, text=True)
    return sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())


def test_typescript_compiles_and_runs(tmp_path):
    plugin = CLIENTS / "node_modules/.bin/protoc-gen-es"
    made = protoc(tmp_path, f"--plugin=protoc-gen-es={plugin}", f"--es_out={tmp_path}", "--es_opt=target=ts,import_extension=js")
    assert [f"onespace/v1/{name}_pb.ts" for name in sorted((*SERVICES, "types"))] == made
    shutil.copy(ROOT / "tests/clients/client.ts", tmp_path)
    shutil.copy(CLIENTS / "package.json", tmp_path)
    (tmp_path / "node_modules").symlink_to(CLIENTS / "node_modules")
    options = ["--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck", "--outDir", str(tmp_path / "js")]
    compiled = subprocess.run([CLIENTS / "node_modules/.bin/tsc", *options, "client.ts"], cwd=tmp_path, capture_output=True, text=True)
    assert compiled.returncode == 0, compiled.stdout + compiled.stderr
    ran = subprocess.run(["node", "js/client.js"], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "onespace.v1.CollectionService createCollection" in ran.stdout


@pytest.mark.parametrize("language", ["java", "csharp", "php", "ruby", "objc", "kotlin", "cpp", "pyi"])
def test_protoc_needs_no_flag(language, tmp_path):
    made = protoc(tmp_path, f"--{language}_out={tmp_path}")
    folder = {"java": "onespace/v1/", "kotlin": "onespace/v1/", "php": "Onespace/V1/", "csharp": "", "objc": "onespace/v1/"}
    assert made and all(path.startswith(folder.get(language, "")) for path in made if not path.startswith("GPBMetadata")), made


def test_go_knows_where_its_package_is():
    for source in PROTO.rglob("*.proto"):
        assert "option go_package = " in source.read_text(), source


def methods(stubs) -> set[tuple[str, str, bool]]:
    """Every method, and whether clients stream into it."""
    from google.protobuf import descriptor_pool

    services = [descriptor_pool.Default().FindServiceByName(f"onespace.v1.{name.title()}Service") for name in SERVICES]
    return {(service.full_name, method.name, method.client_streaming) for service in services for method in service.methods}


def test_the_service_configuration_names_every_method(stubs):
    known = methods(stubs)
    named = []
    for config in json.loads(CONFIG.read_text())["methodConfig"]:
        for name in config["name"]:
            of_service = {(service, method, streams) for service, method, streams in known if service == name["service"]}
            chosen = {one for one in of_service if one[1] == name.get("method", one[1])}
            assert chosen, name
            # What streams cannot be sent again by a library that has let go of it.
            assert all(("retryPolicy" in config) != streams for _, _, streams in chosen), name
            named.extend(chosen)
    assert sorted(named) == sorted(known), "each once"


def test_clients_try_again_as_the_configuration_says(stubs):
    class Busy(stubs.SpaceServiceServicer):
        calls = 0

        def GetSpace(self, request, context):
            Busy.calls += 1
            if Busy.calls < 3:
                context.set_trailing_metadata((("grpc-retry-pushback-ms", "20"),))
                context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "full")
            return stubs.GetSpaceResponse(version="9")

    server = grpc.server(ThreadPoolExecutor(2))
    importlib.import_module("onespace.v1.space_pb2_grpc").add_SpaceServiceServicer_to_server(Busy(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.service_config", CONFIG.read_text())]) as channel:
            answer = stubs.SpaceServiceStub(channel).GetSpace(stubs.GetSpaceRequest(), timeout=PATIENCE)
        assert (answer.version, Busy.calls) == ("9", 3)
    finally:
        server.stop(None)
