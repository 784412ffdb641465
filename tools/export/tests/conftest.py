"""Tiny bundles of every family, exported once a session."""

import importlib
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from onespace_export import bundle, families
from onespace_export.model import Options


def build(family: str, variant: str | None = None, path: Path | None = None, **more):
    """A model as the command line would build it."""
    torch.manual_seed(0)
    options = Options(
        random_init=path is None, tiny=path is None, variant=variant, checkpoint=path and str(path), **more
    )
    return importlib.import_module(f"onespace_export.families.{family}").build(options, path), options


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """exported(family, variant) → (model, folder)."""
    made = {}

    def get(family: str, variant: str | None = None):
        if (family, variant) not in made:
            out = tmp_path_factory.mktemp(f"{family}-{variant}")
            model, options = build(family, variant)
            bundle.write(family, model, options, out)
            made[family, variant] = model, out
        return made[family, variant]

    return get


def pytest_generate_tests(metafunc):
    """`family, variant`: once for each that parity is checked of."""
    if {"family", "variant"} <= set(metafunc.fixturenames):
        metafunc.parametrize("family, variant", families.PARITY, ids=lambda v: v or "-")
