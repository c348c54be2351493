"""The splits of a table follow from its times and labels alone, and a sample leaves their borders where they were."""

import numpy as np
import pandas as pd
import pytest

from keepfit.errors import TooFewRows
from keepfit.examples import labelled_examples
from keepfit.folds import split_holdout, time_folds
from keepfit.splits import Splits, split_table
from keepfit.train import fit
from tests.toys import TASKS, TOYS, toy_rows, toy_settings, toy_table

SAMPLED = {"train.max_rows": 300, "train.holdout": 200}


def split(table: pd.DataFrame, **overrides) -> Splits:
    return split_table(table[["time", "label"]], toy_settings(**overrides))


def table_of(n: int = 1200, **overrides) -> pd.DataFrame:
    return toy_table(toy_rows(n), toy_settings(**overrides))


def test_without_a_number_of_rows_the_splits_are_those_of_every_labelled_row():
    table, settings = table_of(), toy_settings()
    found, examples = split(table), labelled_examples(table, settings)
    expected = split_holdout(examples.times, holdout=60, horizon=1)
    np.testing.assert_array_equal(found.rows, np.arange(1199))
    np.testing.assert_array_equal(found.holdout.train, expected.train)
    np.testing.assert_array_equal(found.holdout.test, expected.test)
    folds = time_folds(examples.take(expected.train).times, count=3, horizon=1)
    for one, other in zip(found.folds(settings), folds, strict=True):
        np.testing.assert_array_equal(one.train, other.train)
        np.testing.assert_array_equal(one.test, other.test)
    assert found.sampled_from is None


def test_no_more_rows_than_there_may_be_are_taken_and_only_labelled_ones():
    table = table_of()
    table.loc[::3, "label"] = np.nan
    found = split(table, **SAMPLED)
    assert len(found.rows) == 300
    assert table.label.iloc[found.rows].notna().all()
    np.testing.assert_array_equal(found.labels, table.label.iloc[found.rows])
    assert found.sampled_from == table.label.notna().sum()


def test_a_sample_leaves_the_borders_in_time_where_they_were():
    table, settings = table_of(), toy_settings(**SAMPLED)
    whole, sampled = split(table, **{"train.holdout": 200}), split(table, **SAMPLED)
    pairs = [(whole.holdout, sampled.holdout), *zip(whole.folds(settings), sampled.folds(settings), strict=True)]
    for full, part in pairs:
        for all_rows, some in ((full.train, part.train), (full.test, part.test)):
            inside = np.isin(sampled.rows, whole.rows[all_rows])
            np.testing.assert_array_equal(np.flatnonzero(inside), some)
    for side in (None, whole.whole.train, whole.whole.test):
        one, other = whole.window(side), sampled.window(side)
        assert (one.first, one.last) == (other.first, other.last)
    assert sampled.window().rows == 300


def test_each_side_of_a_sample_keeps_its_share():
    whole, sampled = split(table_of(), **{"train.holdout": 200}), split(table_of(), **SAMPLED)
    for full, part in ((whole.holdout.train, sampled.holdout.train), (whole.holdout.test, sampled.holdout.test)):
        assert abs(len(part) - len(full) * 300 / 1199) < 4


def test_the_splits_do_not_look_at_features():
    table = table_of()
    other = table.assign(x=-table.x, c="a")
    np.testing.assert_array_equal(split(table, **SAMPLED).rows, split(other, **SAMPLED).rows)


def test_a_sample_that_leaves_a_side_empty_is_refused_with_its_parameter():
    with pytest.raises(TooFewRows, match=r"^train\.max_rows: 100 of 4999 labelled rows leave a side empty$"):
        split(table_of(5000), **{"train.max_rows": 100, "train.holdout": 1}).holdout  # noqa: B018


@pytest.mark.parametrize("task", TASKS)
def test_a_model_learns_from_the_sample_and_says_so(task):
    settings = toy_settings(**TASKS[task], **SAMPLED)
    table = toy_table(TOYS[task](1200), settings)
    trained = fit(table, settings)
    assert (trained.trained_on.rows, trained.sampled_from) == (300, 1199)
    assert trained.learned_before_holdout.rows + trained.judged_on.rows == pytest.approx(300, abs=1)
    assert len(trained.reference) < 300


def test_the_rows_of_the_splits_are_all_that_training_needs():
    settings, table = toy_settings(**SAMPLED), table_of()
    splits = split_table(table[["time", "label"]], settings)
    one, other = fit(table, settings), fit(table.iloc[splits.rows], settings, splits=splits)
    pd.testing.assert_frame_equal(one.reference, other.reference, check_exact=True)


def test_as_many_rows_as_there_are_give_what_no_number_gives():
    table = table_of(300)
    one, other = (fit(table, toy_settings(**{"train.max_rows": number})) for number in (None, 299))
    pd.testing.assert_frame_equal(one.reference, other.reference, check_exact=True)
    assert (one.sampled_from, one.trained_on) == (other.sampled_from, other.trained_on)
