import numpy as np
import pandas as pd
import pytest

from keepfit.rivals import Answers, compare
from keepfit.settings import Settings
from tests.toys import TASKS, toy_settings

N = 400
TIMES = pd.Series(pd.date_range("2020-01-01", periods=N, freq="min"))


def said(scores, decisions=None, version: str = "one", took: float = 1_000.0) -> Answers:
    scores = np.asarray(scores, dtype=float)
    decided = scores >= 0.5 if decisions is None else np.asarray(decisions, dtype=object)
    return Answers(version, scores, decided, np.full(len(scores), took))


def labels(known: int = N) -> np.ndarray:
    found = np.random.default_rng(0).integers(0, 2, N).astype(float)
    found[known:] = np.nan
    return found


def settings(task: str = "binary", **overrides) -> Settings:
    return toy_settings(**TASKS[task], **overrides)


def test_differences_and_flips_are_counted_row_by_row():
    one = np.full(N, 0.4)
    other = one.copy()
    other[:100] += 0.2
    other[100:110] -= 0.1
    found = compare(TIMES, said(one), said(other, version="two", took=3_000), labels(), settings())
    assert (found.rows, found.equal, found.flips) == (400, 290, 100)
    assert found.flipped == {"False to True": 100}
    assert found.largest_difference == pytest.approx(0.2)
    assert found.mean_difference == pytest.approx((100 * 0.2 + 10 * 0.1) / 400)
    assert (found.speed["champion"].median, found.speed["challenger"].p95) == (1.0, 3.0)
    assert (found.first, found.last) == ("2020-01-01 00:00:00", "2020-01-01 06:39:00")


def test_without_outcomes_there_is_no_loss():
    assert compare(TIMES, said(np.full(N, 0.4)), said(np.full(N, 0.6)), labels(0), settings()).loss is None


def test_a_challenger_that_knows_more_loses_less():
    truth = labels()
    one, other = np.linspace(0.4, 0.6, N), 0.5 + 0.3 * (truth - 0.5)
    found = compare(TIMES, said(one), said(other), truth, settings()).loss
    assert found.metric == "log_loss"
    assert found.champion == pytest.approx(np.log(2), abs=0.05)
    assert found.challenger == pytest.approx(-np.log(0.65))
    assert found.low <= found.gap <= found.high < 0
    assert found.verdict == "the challenger loses less"
    worse = compare(TIMES, said(other), said(one), truth, settings()).loss
    assert worse.verdict == "the challenger loses more"
    assert worse.gap == -found.gap


def test_equals_are_undecided():
    rng = np.random.default_rng(1)
    one, other = rng.uniform(0.3, 0.7, N), rng.uniform(0.3, 0.7, N)
    assert compare(TIMES, said(one), said(other), labels(), settings()).loss.verdict.startswith("undecided: the int")


def test_the_loss_is_over_the_rows_with_an_outcome_alone():
    found = compare(TIMES, said(np.full(N, 0.5)), said(np.full(N, 0.5)), labels(150), settings()).loss
    assert (found.rows, found.gap) == (150, 0.0)


def test_too_little_time_has_no_interval():
    found = compare(TIMES, said(np.full(N, 0.4)), said(np.full(N, 0.6)), labels(10), settings()).loss
    assert (found.low, found.high) == (None, None)
    assert found.verdict.startswith("undecided: too little time")


def test_a_cost_is_of_what_was_decided():
    truth = labels()
    scores = np.full(N, 0.4)
    found = compare(
        TIMES, said(scores), said(scores, decisions=[True] * N), truth, settings(**{"objective.metric": "cost"})
    ).loss
    assert found.champion == pytest.approx(2 * truth.mean())
    assert found.challenger == pytest.approx(1 - truth.mean())


def test_a_regression_flips_nothing():
    found = compare(TIMES, said(np.zeros(N)), said(np.ones(N)), labels(), settings("regression"))
    assert (found.flips, found.flipped) == (None, {})
    assert found.loss.metric == "absolute_error"


def test_of_several_classes_the_largest_difference_counts():
    one, other = np.tile([0.2, 0.3, 0.5], (N, 1)), np.tile([0.2, 0.5, 0.3], (N, 1))
    kinds = settings("multiclass")
    found = compare(TIMES, said(one, ["high"] * N), said(other, ["middle"] * N), labels(), kinds)
    assert found.mean_difference == pytest.approx(0.2)
    assert found.flipped == {"high to middle": N}
