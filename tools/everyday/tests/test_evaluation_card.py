"""Marks, tables, and the card that is filled with them."""

import pytest

from everyday.evaluation import card, chart, marks, tables
from everyday.evaluation.results import BASELINE, BOTH, EVERYDAY, Results


def retrieval(first, fifth=0.9, n=40):
    return {
        "n": n, "gallery": 80, "R@1": first, "R@1 interval": (first - 0.1, first + 0.1), "R@5": fifth,
        "R@5 interval": (fifth - 0.1, fifth), "median": 2.0, "median interval": (1.0, 3.0), "chance R@1": 0.01,
        "chance R@5": 0.06, "chance median": 40.0,
    }  # fmt: skip


def words(first):
    ways = {"text to media": retrieval(first), "media to text": retrieval(first)}
    return {"sets": {"gcompris": ways, "all together": ways}}


@pytest.fixture
def results(tmp_path):
    found = Results(tmp_path / "results.json")
    found.open(EVERYDAY, {"name": "everyday 1", "space": "aa", "dimension": 256, "version": "1"})
    found.put(EVERYDAY, "tune", "photographs", words(0.61))
    found.put(EVERYDAY, "held", "photographs", words(0.49))
    found.put(EVERYDAY, BOTH, "budgets", {
        "start s": 5.0, "memory MiB": 700.1,
        "calls": {"text": {
            "graphs": 1.0, "service": 2.0, "service 95 %": 3.0, "fixed": 10.0, "ratio": 0.1, "what": "11 words",
        }},
    })  # fmt: skip
    found.open(BASELINE, {"name": "diorama", "space": "bb", "dimension": 256, "version": "1"})
    found.put(BASELINE, "held", "photographs", words(0.033))
    return found


def judged(sections):
    return {mark.name: (value, reached) for mark, value, reached in marks.judged(sections)}


def test_marks_are_judged_by_their_side_of_the_bound(results):
    held, tune = (judged(results.sections(EVERYDAY, half)) for half in ("held", "tune"))
    name = "text → photograph, gcompris: R@1"
    assert held[name] == (0.49, False)
    assert tune[name] == (0.61, True)
    # A bound itself is reached, from either side.
    assert held["from start to ready"] == (5.0, True)
    assert held["memory, all towers"] == (700.1, False)
    assert held["14 categories, zero-shot"] == (None, None)
    assert marks.Mark("", 0.5, True, lambda _: 0).reached(0.5)


def test_what_was_not_measured_is_not_reached():
    assert all(value is None and reached is None for value, reached in judged({}).values())
    absent = {"speech": {"not measured": "no transcriber"}, "mixed": {"calibrated": {"not measured": "no table"}}}
    assert judged(absent)["spoken English behind typed, points of R@1"] == (None, None)
    assert "Not measured: no transcriber." in tables.SECTIONS["speech"](absent["speech"], None)


def test_marks_have_names_of_their_own():
    names = [mark.name for mark in marks.MARKS]
    assert len(set(names)) == len(names)
    assert set(marks.WHY) <= set(names)


def test_the_table_of_marks_shows_both_halves(results):
    said = tables.marks(results.sections(EVERYDAY, "held"), results.sections(EVERYDAY, "tune"))
    row = next(line for line in said.splitlines() if line.startswith("| text → photograph, gcompris: R@1"))
    assert row == "| text → photograph, gcompris: R@1 | ≥ 0.5 | 0.49 | **not reached** | 0.61 |  |"


def test_the_card_has_both_halves_and_says_what_is_missing(results):
    said = card.filled(results)
    assert "<!--" not in said
    assert said.index("What it cannot do") < said.index("The marks") < said.index("Measuring it again")
    assert said.index("**Held-out half**") < said.index("**Half tuned on**")
    assert "| photographs of GCompris: text → photograph | 40 | 80 | 49.0 (39–59)" in said
    assert "| 1.0 6.0 40 | 3.3 90.0 2 |" in said
    assert card.NOT_YET in said
    assert "freepats" in said and "wordnet" not in said


def test_the_chart_is_of_the_held_out_half(results, tmp_path):
    assert chart.draw(results, tmp_path / "chart.png")
    assert (tmp_path / "chart.png").read_bytes()[:4] == b"\x89PNG"
    assert not chart.draw(Results(tmp_path / "none.json"), tmp_path / "none.png")


def test_results_of_another_space_are_forgotten(results):
    again = Results(results.path)
    assert again.sections(EVERYDAY, "held")["photographs"]["sets"]
    again.open(EVERYDAY, {"name": "everyday 2", "space": "cc", "dimension": 256, "version": "1"})
    assert again.sections(EVERYDAY, "held") == {}
    assert again.sections(BASELINE, "held")["photographs"]["sets"]
