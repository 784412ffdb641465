"""Planted faults and what is said of them. That each is seen is measured by `make parity`."""

import numpy as np
import pytest
from conftest import build

from onespace_export import corpus, faults, media, report
from onespace_export.parity import by, cosine
from onespace_export.report import Caught, Row


def row(*caught: Caught) -> Row:
    return Row("clip", "image", 0.99999, {"a.png": 1.0, "b.png": 0.999995}, {}, 0.3, {"b.png": 0.9}, list(caught))


def test_every_modality_has_faults_for_its_families():
    assert {f.modality for f in faults.FAULTS} == set(corpus.MAKERS)
    for family in ("clap", "imagebind-original", "embeddinggemma2"):
        assert len(faults.of(family, "audio")) == 3, family


@pytest.mark.parametrize("fault", faults.FAULTS, ids=lambda f: f"{f.modality} {f.name}")
def test_a_fault_is_there_while_it_is_planted(fault):
    names = fault.functions.split()
    right = [getattr(fault.owner, name) for name in names]
    with faults.planted(fault):
        assert not any(getattr(fault.owner, name) is own for name, own in zip(names, right, strict=True))
    assert all(getattr(fault.owner, name) is own for name, own in zip(names, right, strict=True))


def test_the_mark_of_pictures_sees_another_filter_and_the_old_one_did_not(tmp_path):
    tower = build("clip")[0].towers["image"]
    files = {name: corpus.files(tmp_path, "image")[name] for name in ("landscape.jpg", "large.png")}
    (fault,) = [f for f in faults.of("clip", "image") if f.functions == "resize"]
    right = by(tower.reference, files)
    with faults.planted(fault):
        wrong = by(tower.reference, files)
    assert min(cosine(right[name], wrong[name]) for name in files) < tower.parity


def test_a_fault_that_is_not_seen_fails_and_stands_out():
    seen, unseen = Caught("one pixel", [0.9, 1.0]), Caught("nothing", [0.999999, 1.0])
    assert row(seen).sees() and not row(seen, unseen).sees()
    table = report.faults([row(seen, unseen)])
    assert "| one pixel | clip | image | 0.99999 | 1 of 2 |" in table
    assert "| nothing | clip | image | 0.99999 | **not seen** 0 of 2 |" in table


def test_files_that_differ_from_the_original_are_named():
    assert row().reached()
    assert "| clip | image | b.png 0.9000 |" in report.differing([row()])
    assert "0.900000 | 1 |" in report.table([row()])


def test_a_frame_late_is_the_next_one():
    film = media.Film([0.0, 1.0], [np.zeros((2, 2, 3)), np.ones((2, 2, 3))], media.Fraction(1), media.Fraction(1), 2.0)
    assert faults._next_frame(film).frames[0].all() and len(faults._next_frame(film).frames) == 2
