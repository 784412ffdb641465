"""What can be told of the images and of compose.yaml without building them."""

import re
import tomllib
from dataclasses import dataclass, field

import pytest

from conftest import DEPLOY

ROOT = DEPLOY.parent
TARGETS = {"gateway", "encoder", "encoder-video", "transcriber", "all-in-one"}
VIDEO = {"encoder-video", "transcriber", "all-in-one"}
FFMPEG = re.compile(r"\blib(av|sw)[a-z]+(-dev|\d)")
SERVICES = {"gateway"} | {f"encoder-{m}" for m in ("text", "image", "audio", "video", "point-cloud", "speech")}


@dataclass
class Stage:
    parent: str
    lines: list[tuple[str, str]] = field(default_factory=list)


def stages() -> dict[str, Stage]:
    """The Dockerfile: each stage with its parent and its instructions, continued lines joined."""
    text = (DEPLOY / "Dockerfile").read_text()
    text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    arguments, found, current = {}, {}, None
    for line in re.sub(r"\\\n", " ", text).splitlines():
        instruction, _, rest = line.strip().partition(" ")
        if instruction == "ARG" and current is None:
            name, _, value = rest.partition("=")
            arguments[name] = value
        elif instruction == "FROM":
            parent, _, name = rest.partition(" AS ")
            current = found[name] = Stage(re.sub(r"\$\{(\w+)\}", lambda m: arguments[m[1]], parent))
        elif instruction:
            current.lines.append((instruction, rest))
    return found


def line_of(name: str) -> list[tuple[str, str]]:
    """Every instruction an image is made by, its parents' first."""
    found = stages()
    if name not in found:
        return []
    return line_of(found[name].parent) + found[name].lines


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_each_image_runs_as_nobody_in_particular(target):
    users = [rest for instruction, rest in line_of(target) if instruction == "USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1]), users


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_ffmpeg_is_in_the_images_that_decode_films_and_in_no_other(target):
    carries = any(FFMPEG.search(rest) for instruction, rest in line_of(target) if instruction == "RUN")
    assert carries is (target in VIDEO)


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_no_image_carries_a_compiler(target):
    packages = " ".join(rest for instruction, rest in line_of(target) if instruction == "RUN")
    assert not re.search(r"\b(clang|g\+\+|cmake|[a-z0-9]+-dev)\b", packages)


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_the_binary_matches_the_libraries_beside_it(target):
    binaries = [r for i, r in line_of(target) if i == "COPY" and r.endswith("/usr/local/bin/onespace")]
    video = target in VIDEO
    assert binaries[-1].split()[0] == ("--from=build-video" if video else "--from=build")


@pytest.mark.parametrize("target", sorted(TARGETS - {"gateway"}))
def test_what_runs_a_model_has_the_pinned_runtime(target):
    variables = " ".join(rest for instruction, rest in line_of(target) if instruction == "ENV")
    assert "ONESPACE_ONNXRUNTIME=/opt/onnxruntime/libonnxruntime.so" in variables
    assert any("--from=onnxruntime" in rest for instruction, rest in line_of(target) if instruction == "COPY")
    # Whatever else runs in the image, ONNX Runtime reports to nobody there.
    assert "ORT_DISABLE_TELEMETRY=1" in variables


def test_the_build_without_ffmpeg_turns_the_feature_off():
    built = " ".join(rest for instruction, rest in stages()["build"].lines if instruction == "RUN")
    assert "-p onespace --no-default-features" in built and "--locked" in built
    assert not any(FFMPEG.search(rest) for _, rest in line_of("build"))


def test_every_outside_image_is_pinned_to_a_release():
    found = stages()
    for name, stage in found.items():
        if stage.parent not in found:
            assert re.search(r":.*\d+\.\d+\.\d+|:.*\d{8}|@sha256:", stage.parent), f"{name}: {stage.parent}"


def test_everything_that_is_copied_is_there_and_sent_to_the_builder():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for stage in stages().values():
        for instruction, rest in stage.lines:
            if instruction == "COPY" and not rest.startswith("--from") and rest != ". .":
                source = rest.split()[0]
                assert (ROOT / source).exists(), source
                assert any(source == k or source.startswith(f"{k}/") for k in kept), source


def test_every_crate_of_the_workspace_is_sent_to_the_builder():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    members = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["members"]
    assert {member.split("/")[0] for member in members} <= kept


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_files_of_the_checkout_are_made_readable_before_they_are_in_an_image(target):
    copies = [rest for instruction, rest in line_of(target) if instruction == "COPY"]
    assert copies and all(rest.startswith("--from=") for rest in copies), copies
    assert ("RUN", "chmod -R a+rX /out") in stages()["data"].lines


def test_the_compiler_of_the_image_is_the_pinned_one():
    channel = re.search(r'channel = "([\d.]+)"', (ROOT / "rust-toolchain.toml").read_text())[1]
    assert stages()["source"].parent.startswith(f"rust:{channel}-")
    assert any(f"RUSTUP_TOOLCHAIN={channel}" in rest for _, rest in stages()["source"].lines)


# ---------------------------------------------------------------- compose


def test_compose_runs_every_service_and_qdrant(compose):
    assert set(compose) == SERVICES | {"qdrant"}


def test_compose_hardens_every_service(compose):
    for name, service in compose.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["healthcheck"]["test"], name
        assert service["mem_limit"] and service["cpus"], name


def test_compose_opens_the_gateway_on_this_machine_alone(compose):
    assert compose["gateway"]["ports"] == ["127.0.0.1:50051:50051", "127.0.0.1:8080:8080"]
    assert not any(service.get("ports") for name, service in compose.items() if name != "gateway")


def test_compose_builds_the_stage_that_each_image_is_named_after(compose):
    for name in SERVICES:
        image = compose[name]["image"].removeprefix("onespace/").partition(":")[0]
        assert compose[name]["build"]["target"] == image
        named = {"gateway": "gateway", "encoder-video": "encoder-video", "encoder-speech": "transcriber"}
        assert image == named.get(name, "encoder")


def test_compose_tells_the_gateway_of_every_encoder(compose):
    pairs = dict(pair.split("=", 1) for pair in compose["gateway"]["environment"]["ONESPACE_ENCODER"].split(","))
    towers = SERVICES - {"gateway", "encoder-speech"}
    assert {f"encoder-{modality.replace('_', '-')}" for modality in pairs} == towers
    assert compose["gateway"]["environment"]["ONESPACE_TRANSCRIBER"] == "http://encoder-speech:50051"
    for modality, url in pairs.items():
        name = url.removeprefix("http://").removesuffix(":50051")
        assert compose[name]["environment"]["ONESPACE_MODALITY"] == modality


def test_compose_says_that_its_networks_guard_every_server(compose):
    for name in SERVICES:
        environment = compose[name]["environment"]
        assert environment["ONESPACE_ALLOW_PLAINTEXT"] == environment["ONESPACE_ALLOW_ANONYMOUS"] == "true", name


def test_no_image_lets_everybody_in():
    """An image that somebody runs by itself says what is missing, and listens to nobody."""
    assert "ONESPACE_ALLOW" not in (DEPLOY / "Dockerfile").read_text()


def test_compose_ships_no_key(compose):
    for service in ("gateway", "qdrant"):
        (value,) = [v for k, v in compose[service]["environment"].items() if k.endswith("API_KEY")]
        assert value.startswith("${ONESPACE_QDRANT_API_KEY")


def test_the_manifests_and_compose_name_one_release(compose):
    manifest = (DEPLOY / "kubernetes/base/qdrant/statefulset.yaml").read_text()
    assert f"image: {compose['qdrant']['image']}" in manifest
