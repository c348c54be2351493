import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import ks_2samp

from keepfit.distributions import encode, ks_distance, measure_separation, measure_shift, sample, score_domains

# Few values, so that ties are common; and any values.
TIED = st.integers(-3, 3).map(float)
NUMBERS = st.one_of(*(arrays(float, st.integers(1, 40), elements=each) for each in (TIED, st.floats(-1e6, 1e6))))
LETTERS = st.lists(st.sampled_from([*"abc", None]), min_size=1, max_size=40)


def category(values) -> pd.Series:
    return pd.Series(pd.Categorical(values))


def test_few_rows_are_taken_as_they_are():
    rows = pd.DataFrame({"x": range(5)})
    pd.testing.assert_frame_equal(sample(rows, 5, seed=1), rows)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 5))
def test_a_sample_has_rows_of_the_table_once_each_in_their_order_and_the_same_by_the_same_seed(rows, count, seed):
    table = pd.DataFrame({"x": np.arange(rows)}, index=np.arange(rows)[::-1])
    drawn = sample(table, count, seed)
    assert len(drawn) == min(rows, count)
    assert (np.diff(drawn.x) > 0).all()
    pd.testing.assert_frame_equal(drawn, table.loc[drawn.index])
    pd.testing.assert_frame_equal(drawn, sample(table, count, seed))


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 60), st.integers(0, 5))
def test_a_sample_of_some_rows_is_that_of_a_table_of_these_alone(chosen, count, seed):
    table, where = pd.DataFrame({"x": range(len(chosen))}), np.array(chosen, dtype=bool)
    pd.testing.assert_frame_equal(sample(table, count, seed, where=where), sample(table[where], count, seed))


def test_another_seed_draws_other_rows():
    table = pd.DataFrame({"x": range(1000)})
    assert not sample(table, 10, seed=1).equals(sample(table, 10, seed=2))


@pytest.mark.filterwarnings("ignore:divide by zero")
@given(NUMBERS, NUMBERS)
def test_the_distance_is_scipys(reference, window):
    theirs = ks_2samp(reference, window, method="asymp").statistic
    assert ks_distance(np.sort(reference), window) == pytest.approx(theirs, abs=1e-12)


@given(NUMBERS, NUMBERS)
def test_the_distance_is_symmetric_between_nought_and_one_and_nought_from_itself(reference, window):
    there, back = ks_distance(np.sort(reference), window), ks_distance(np.sort(window), reference)
    assert there == pytest.approx(back, abs=1e-12)
    assert 0 <= there <= 1
    assert ks_distance(np.sort(reference), reference) == 0


@given(*(arrays(float, st.integers(1, 40), elements=st.integers(-1000, 1000).map(float)) for _ in "ab"))
def test_the_distance_does_not_depend_on_unit_or_origin(reference, window):
    plain = ks_distance(np.sort(reference), window)
    assert ks_distance(np.sort(reference * 4 + 32), window * 4 + 32) == plain
    assert ks_distance(np.sort(reference**3), window**3) == plain


def test_no_value_on_a_side_is_no_distance():
    assert np.isnan(ks_distance(np.empty(0), np.ones(3)))
    assert np.isnan(ks_distance(np.ones(3), np.empty(0)))
    assert np.isnan(measure_shift(pd.Series([np.nan, np.nan]), pd.Series([1.0])))
    assert np.isnan(measure_shift(category(["a"]), category([None])))


def test_numbers_are_compared_by_their_largest_difference_of_shares():
    assert measure_shift(pd.Series([1.0, 2, 3, 4]), pd.Series([3.0, 4, 5, 6])) == 0.5
    assert measure_shift(pd.Series([1.0, 2]), pd.Series([3.0])) == 1


def test_categories_are_compared_by_the_share_that_changed():
    reference = category(["a"] * 5 + ["b"] * 5)
    assert measure_shift(reference, category(["a"] * 8 + ["b"] * 2)) == pytest.approx(0.3)
    assert measure_shift(reference, category(["z"])) == 1


def test_missing_values_are_left_out():
    assert measure_shift(pd.Series([1.0, np.nan, 2]), pd.Series([np.nan, 2.0, 1, np.nan])) == 0
    assert measure_shift(category(["a", None, "b"]), category([None, "b", "a"])) == 0


@given(LETTERS, LETTERS)
def test_a_shift_of_categories_is_symmetric_and_blind_to_unused_ones(reference, window):
    there, back = (measure_shift(category(a), category(b)) for a, b in ((reference, window), (window, reference)))
    np.testing.assert_allclose(there, back, atol=1e-12)
    padded = category(reference).cat.add_categories(["unused"])
    np.testing.assert_equal(measure_shift(padded, category(window)), there)
    assert np.isnan(there) or 0 <= there <= 1 + 1e-12


def test_categories_become_ranks_by_how_common_they_are_and_strangers_minus_one():
    known = pd.DataFrame({"x": [0.5, np.nan, 2, 3, 4, 5], "c": pd.Categorical([*"abbccc"])})
    new = pd.DataFrame({"x": [9.0, np.nan], "c": pd.Categorical(["z", None])})
    np.testing.assert_array_equal(encode(known, like=known)[:, 1], [2, 1, 1, 0, 0, 0])
    np.testing.assert_array_equal(encode(known, like=known)[:, 0], known.x)
    np.testing.assert_array_equal(encode(new, like=known), [[9, -1], [np.nan, -1]])


def test_a_category_has_the_same_number_whatever_categories_the_new_rows_have():
    known = pd.DataFrame({"c": pd.Categorical([*"aab"])})
    new = pd.DataFrame({"c": pd.Categorical(["b"], categories=["z", "b"])}, index=[9])
    assert encode(new, like=known).tolist() == [[1]]


def normal(rows: int, *, mean: float = 0.0, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, size=(rows, 3))


def test_rows_of_one_world_are_hard_to_tell_apart_and_of_two_are_easy():
    reference = normal(400, seed=1)
    alike, moved, far = (measure_separation(reference, normal(100, mean=m, seed=2), 7) for m in (0, 1, 9))
    assert alike < 0.2
    assert 0.4 < moved < far == 1


def test_rows_that_are_all_the_same_cannot_be_told_apart():
    assert measure_separation(np.ones((40, 2)), np.ones((20, 2)), 7) == 0


def test_what_sets_rows_apart_may_lie_in_two_features_at_once():
    draw = np.random.default_rng(4)
    one, noise = draw.normal(size=600), draw.normal(scale=0.1, size=600)
    together, opposed = np.column_stack([one, one + noise]), np.column_stack([one, -one + noise])
    assert ks_distance(np.sort(together[:, 1]), opposed[:, 1]) < 0.1
    assert measure_separation(together[:300], opposed[300:], 7) > 0.5


def test_a_missing_value_is_something_to_tell_rows_apart_by():
    window = normal(100, seed=2)
    window[:, 1] = np.nan
    assert measure_separation(normal(400, seed=1), window, 7) == 1


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0, 3.0]])
def test_a_column_without_a_value_in_a_half_tells_nothing_there(values, seed):
    reference, window = normal(200, seed=1), normal(40, seed=2)
    reference[:, 2], window[:, 2] = np.nan, np.nan
    reference[: len(values), 2] = values
    without, _ = score_domains(reference[:, :2], window[:, :2], seed)
    # Where a half has some of them, they are too few for a leaf.
    np.testing.assert_array_equal(score_domains(reference, window, seed)[0], without)


def test_rows_without_any_value_cannot_be_told_apart():
    assert measure_separation(np.full((40, 2), np.nan), np.full((20, 2), np.nan), 7) == 0


def test_each_row_is_scored_by_a_classifier_that_never_saw_it():
    rows = normal(60, seed=5)
    scores, is_new = score_domains(rows, rows, 7)
    assert (len(scores), is_new.sum()) == (120, 60)
    assert not is_new[:60].any()
    # Each row is there twice, once on either side: scored in its own fold it would give its side away.
    assert ((scores > 0.5) == is_new).mean() < 0.65


def test_the_same_seed_gives_the_same_scores():
    one, other = (score_domains(normal(50, seed=1), normal(30, seed=2), 3)[0] for _ in range(2))
    np.testing.assert_array_equal(one, other)
