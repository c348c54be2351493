import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepfit.bootstrap import Blocks, cut_blocks, resample_means


def days(*offsets: int) -> pd.Series:
    return pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(offsets, unit="D"))


def single(n: int) -> Blocks:
    return Blocks(of_row=np.arange(n), count=n)


def test_blocks_of_rows_have_that_many_rows_and_the_last_the_rest():
    blocks = cut_blocks(days(0, 1, 2, 3, 4), 2)
    assert (blocks.of_row.tolist(), blocks.count) == ([0, 0, 1, 1, 2], 3)


def test_blocks_of_time_start_at_the_first_row_and_empty_ones_are_left_out():
    blocks = cut_blocks(days(10, 11, 12, 19, 20), "2D")
    assert (blocks.of_row.tolist(), blocks.count) == ([0, 0, 1, 2, 3], 4)


def test_rows_of_one_moment_share_a_block_of_time():
    assert cut_blocks(days(0, 0, 0, 1), "1D").of_row.tolist() == [0, 0, 0, 1]


def test_no_row_makes_no_block():
    assert cut_blocks(days(), 5).count == 0


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=50), st.one_of(st.integers(1, 9), st.sampled_from(["1D", "9D"]))
)
def test_blocks_are_numbered_in_order_without_a_gap(offsets, span):
    blocks = cut_blocks(days(*sorted(offsets)), span)
    assert (np.diff(blocks.of_row) >= 0).all()
    assert sorted(set(blocks.of_row)) == list(range(blocks.count))


def test_resampled_means_are_means_of_whole_blocks():
    values, blocks = np.array([1.0, 1.0, 5.0, 5.0, 5.0, 5.0]), Blocks(of_row=np.array([0, 0, 1, 1, 1, 1]), count=2)
    means = resample_means(values, blocks, resamples=200, seed=1)
    # The first block twice, the second twice, or one of each: 22 over 6 rows.
    assert set(np.round(means, 12)) == {1.0, 5.0, round(22 / 6, 12)}


def test_the_mean_of_resampled_means_is_near_the_mean():
    values = np.random.default_rng(3).normal(loc=2, size=500)
    means = resample_means(values, cut_blocks(days(*range(500)), 10), resamples=4000, seed=1)
    assert means.mean() == pytest.approx(values.mean(), abs=4 * means.std() / np.sqrt(4000) + 1e-3)
    assert means.std() == pytest.approx(1 / np.sqrt(500), rel=0.3)


def test_the_same_seed_gives_the_same_means_and_another_seed_others():
    values = np.arange(40.0)
    one, same, other = (resample_means(values, single(40), resamples=50, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_neighbours_that_are_alike_need_blocks_for_an_honest_interval():
    draw, values = np.random.default_rng(5), np.zeros(2000)
    for i in range(1, 2000):
        values[i] = 0.95 * values[i - 1] + draw.normal()
    by_row = resample_means(values, single(2000), resamples=1000, seed=1)
    by_block = resample_means(values, cut_blocks(days(*range(2000)), 100), resamples=1000, seed=1)
    # The mean of an AR(1) of 0.95 is (1 + 0.95) / (1 - 0.95) = 39 times as uncertain in variance.
    assert by_block.std() > 3 * by_row.std()


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=40), st.integers(1, 5))
def test_a_resampled_mean_lies_among_the_means_of_blocks(values, span):
    blocks = cut_blocks(days(*range(len(values))), span)
    block_means = pd.Series(values).groupby(blocks.of_row).mean()
    means = resample_means(np.array(values), blocks, resamples=30, seed=1)
    assert block_means.min() - 1e-9 <= means.min() <= means.max() <= block_means.max() + 1e-9
