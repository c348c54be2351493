"""A sample of the labelled rows: as many as may be, of every class and of every stretch of time its share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepfit.sample import draw_sample

CLASSES = st.lists(st.integers(1, 300), min_size=2, max_size=6)


@st.composite
def classed(draw):
    """Labels of some classes in any order, rare ones among them, and how many may be taken."""
    sizes = draw(CLASSES)
    labels = np.repeat(np.arange(len(sizes), dtype=float), sizes)
    np.random.default_rng(draw(st.integers(0, 99))).shuffle(labels)
    return labels, draw(st.integers(12, 400)), draw(st.integers(0, 99))


def sampled(labels, count, seed=0, task="multiclass"):
    return draw_sample(labels, count=count, task=task, seed=seed)


@given(classed())
def test_as_many_rows_as_may_be_are_taken_in_order_and_each_once(case):
    labels, count, seed = case
    rows = sampled(labels, count, seed)
    assert len(rows) == min(count, len(labels))
    assert (np.diff(rows) > 0).all()
    assert rows.min() >= 0
    assert rows.max() < len(labels)


@given(classed())
def test_every_class_that_was_there_is_there_still(case):
    labels, count, seed = case
    assert set(labels[sampled(labels, count, seed)]) == set(labels)


@given(classed())
def test_each_class_has_its_share_within_a_row_beyond_the_one_that_a_rare_one_is_given(case):
    labels, count, seed = case
    taken, there = (np.bincount(each.astype(int)) for each in (labels[sampled(labels, count, seed)], labels))
    shares = there * min(count / len(labels), 1)
    rare = (shares < 1).sum()
    assert (np.abs(taken - shares) <= 1 + rare).all()


@given(classed(), st.data())
def test_every_stretch_of_time_has_its_share_of_each_class_within_two_rows(case, data):
    labels, count, seed = case
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(labels))] * 2)))
    rows = sampled(labels, count, seed)
    inside = rows[(rows >= first) & (rows < last)]
    for each in set(labels):
        share = (labels[rows] == each).sum() / (labels == each).sum()
        expected = (labels[first:last] == each).sum() * share
        assert abs((labels[inside] == each).sum() - expected) < 2


@settings(max_examples=20)
@given(classed())
def test_the_same_seed_takes_the_same_rows(case):
    labels, count, seed = case
    np.testing.assert_array_equal(sampled(labels, count, seed), sampled(labels, count, seed))


def test_another_seed_takes_other_rows():
    labels = np.tile([0.0, 1.0], 500)
    assert sampled(labels, 100, 1).tolist() != sampled(labels, 100, 2).tolist()


def test_all_rows_are_taken_where_there_are_no_more():
    assert sampled(np.tile([0.0, 1.0], 5), 10).tolist() == list(range(10))


@pytest.mark.parametrize("seed", range(5))
def test_amounts_keep_their_distribution(seed):
    amounts = np.random.default_rng(seed).lognormal(size=5000)
    taken = amounts[sampled(amounts, 500, seed, task="regression")]
    for share in (0.1, 0.3, 0.5, 0.9):
        assert abs((taken <= np.quantile(amounts, share)).mean() - share) < 0.005


def test_amounts_that_are_all_alike_are_spread_over_time():
    rows = sampled(np.ones(1000), 10, task="regression")
    assert (rows // 100).tolist() == list(range(10))
