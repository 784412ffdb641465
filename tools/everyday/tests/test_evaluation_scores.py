"""Places, chance, intervals, and what follows from them."""

import numpy as np
import pytest

from everyday.evaluation import scores
from everyday.evaluation.mixed import shares
from everyday.evaluation.speech import in_place


def test_of_equal_scores_the_wrong_one_comes_first():
    equal = np.array([[0.5, 0.5, 0.5]])
    assert scores.ranks(equal, np.array([[True, False, False]])).tolist() == [3]
    assert scores.ranks(equal, np.array([[True, True, True]])).tolist() == [1]
    # A tower that gives one vector for everything finds nothing.
    assert scores.ranked(np.ones((4, 4)), np.eye(4, dtype=bool))["R@1"] == 0


def test_the_best_right_answer_counts():
    found = scores.ranks(np.array([[0.9, 0.8, 0.7, 0.1]]), np.array([[False, True, False, True]]))
    assert found.tolist() == [2]


def test_a_query_without_an_answer_is_left_out():
    right = np.array([[True, False], [False, False]])
    assert scores.ranked(np.array([[1.0, 0.0], [1.0, 0.0]]), right)["n"] == 1
    with pytest.raises(ValueError, match="nothing to be found"):
        scores.ranks(np.zeros((2, 2)), right)


def test_retrieval_of_what_is_known():
    out = scores.retrieval(np.eye(6), np.eye(6)[::-1], np.eye(6, dtype=bool)[::-1])
    assert (out["R@1"], out["R@5"], out["median"], out["n"], out["gallery"]) == (1, 1, 1, 6, 6)
    assert out["R@1 interval"] == (1, 1)


def test_chance_is_what_random_orders_give():
    r = np.random.default_rng(0)
    right = np.zeros((3, 20), bool)
    right[0, :1], right[1, :3], right[2, :6] = True, True, True
    found = np.concatenate([scores.ranks(r.random((3, 20)), right) for _ in range(4000)])
    expected = scores.chance(20, right.sum(axis=1))
    assert abs((found <= 1).mean() - expected["R@1"]) < 0.01
    assert abs((found <= 5).mean() - expected["R@5"]) < 0.01
    assert np.median(found) == expected["median"]


def test_chance_in_a_gallery_smaller_than_five():
    assert scores.chance(3, np.array([1, 1]))["R@5"] == pytest.approx(1)


def test_the_interval_holds_the_mean_and_narrows():
    r = np.random.default_rng(1)
    few, many = (r.random(50) < 0.4).astype(float), (r.random(5000) < 0.4).astype(float)
    for values in (few, many):
        low, high = scores.interval(values)
        assert low < values.mean() < high
        # What theory says of a share: 1.96 standard errors either way.
        error = 1.96 * np.sqrt(values.mean() * (1 - values.mean()) / len(values))
        assert abs((high - low) / 2 - error) < 0.15 * error
    assert scores.interval(few) == scores.interval(few)
    low, high = scores.interval(np.array([1.0, 2, 3, 4, 100]), np.median)
    assert low >= 1 and high <= 100


def test_crowding_out_is_seen():
    whose = {"i1": "image", "i2": "image", "a1": "audio", "a2": "audio"}
    out = shares([["a1", "a2"], ["a2", "a1"]], [{"i1", "a1"}, {"i2", "a2"}], whose)
    assert out["ratio"] == {"image": 0, "audio": 2}
    assert out["largest ratio"] == 2
    assert out["R-precision"] == 0.5
    # Only as many places count as there are relevant items.
    assert shares([["a1", "a2", "i1"]], [{"i1", "a1"}], whose)["R-precision"] == 0.5
    even = shares([["a1", "i1"]], [{"i1", "a1"}], whose)
    assert even["largest ratio"] == 1 and even["R-precision"] == 1


def test_what_was_not_understood_is_a_miss():
    spoken = in_place([np.array([1, 0], np.float32), None], 2)
    assert scores.ranks(spoken @ np.eye(2), np.eye(2, dtype=bool)).tolist() == [1, 2]
    assert scores.ranks(spoken[1:] @ np.eye(2), np.array([[True, False]])).tolist() == [2]
