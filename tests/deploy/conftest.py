"""What the checks of the deployment files share: where they are, and how they are rendered."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
KUSTOMIZATIONS = ("base", "overlays/laptop", "overlays/production")

# The first kubectl whose kustomize knows `labels` and `patches`.
KUBECTL_MINOR = 22


@cache
def renderer() -> list[str] | None:
    """The command that renders a kustomization, where there is one new enough."""
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    if shutil.which("kubectl"):
        said = subprocess.run(["kubectl", "version", "--client", "-o", "json"], capture_output=True, text=True)
        version = json.loads(said.stdout)["clientVersion"]
        if (int(version["major"]), int(version["minor"].rstrip("+"))) >= (1, KUBECTL_MINOR):
            return ["kubectl", "kustomize"]
    return None


@cache
def render(kustomization: str) -> tuple[dict, ...]:
    """Every object that a kustomization makes."""
    if renderer() is None:
        pytest.skip(f"needs kustomize, or a kubectl of 1.{KUBECTL_MINOR} or newer")
    made = subprocess.run(
        [*renderer(), str(DEPLOY / "kubernetes" / kustomization)], check=True, capture_output=True, text=True
    )
    assert "deprecated" not in made.stderr, made.stderr
    return tuple(yaml.safe_load_all(made.stdout))


class Objects:
    """The objects of one rendered kustomization, to be asked for by kind."""

    def __init__(self, objects: tuple[dict, ...]):
        self.all = objects

    def of(self, kind: str) -> dict[str, dict]:
        return {o["metadata"]["name"]: o for o in self.all if o["kind"] == kind}

    def workloads(self) -> dict[str, dict]:
        return self.of("Deployment") | self.of("StatefulSet")


@pytest.fixture(params=KUSTOMIZATIONS)
def objects(request) -> Objects:
    return Objects(render(request.param))


@pytest.fixture
def production() -> Objects:
    return Objects(render("overlays/production"))


@pytest.fixture
def secured() -> Objects:
    return Objects(render("overlays/secured"))


@pytest.fixture
def laptop() -> Objects:
    return Objects(render("overlays/laptop"))


@pytest.fixture
def compose() -> dict:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
