import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import sp500
from keepfit.audit import alter, audit
from keepfit.cuts import cut_points
from keepfit.errors import LookAhead, LookBack
from keepfit.features import Feature, assemble, feature, label, load_module
from tests.modelling import module_of
from tests.toys import toy_dataset, toy_rows


def holed_rows(n: int = 400) -> pd.DataFrame:
    """Toy rows whose x is missing in every second row, and so just before a cut too."""
    rows = toy_rows(n)
    rows.loc[1::2, "x"] = np.nan
    return rows


def run(*functions, rows: pd.DataFrame | None = None, cuts: int = 8, **dataset) -> None:
    rows = toy_rows(400) if rows is None else rows
    module, declared = module_of(*functions), toy_dataset(**dataset)
    audit(rows, assemble(rows, declared, module), declared, module, cuts=cuts)


@feature(look_back=400)
def tomorrow(x):
    return x.shift(-1)


@feature(look_back=400)
def centred(x):
    return x.rolling(5, center=True).mean()


@feature(look_back=400)
def standardised(x):
    return (x - x.mean()) / x.std()


@feature(look_back=400)
def centred_on_the_mean(x):
    return x - x.mean()


@feature(look_back=400)
def ranked(x):
    return x.rank(pct=True)


@feature(look_back=400)
def mean_label_of_category(c, y):
    return y.groupby(c, observed=True).transform("mean")


@feature(look_back=400)
def backwards_sum(x):
    return x[::-1].cumsum()[::-1]


@pytest.mark.parametrize(
    "planted",
    [tomorrow, centred, standardised, centred_on_the_mean, ranked, mean_label_of_category, backwards_sum],
    ids=lambda function: function.__name__,
)
def test_a_feature_that_looks_ahead_is_refused_by_name(planted):
    @feature()
    def honest(x):
        return 2 * x

    with pytest.raises(LookAhead, match=f"^{planted.__name__}: changes before row 50 when the rows from 50 on change"):
        run(honest, planted)


def test_a_backfilled_feature_is_refused_by_name():
    @feature(look_back=400)
    def backfilled(x):
        return x.bfill()

    with pytest.raises(LookAhead, match=r"^backfilled: "):
        run(backfilled, rows=holed_rows())


def test_a_category_that_looks_ahead_is_refused_by_name():
    @feature()
    def next_category(c):
        return c.shift(-1)

    with pytest.raises(LookAhead, match=r"^next_category: "):
        run(next_category)


def test_a_feature_that_looks_ahead_only_near_the_end_is_refused():
    @feature()
    def last_but_one(x):
        return x.where(x.index != 98, x.shift(-1))

    # The cut at the end of the table has no later rows to alter; those before it have.
    with pytest.raises(LookAhead, match=r"^last_but_one: changes before row 99 "):
        run(last_but_one, rows=toy_rows(100), cuts=100)


@given(size=st.integers(2, 60))
def test_a_look_ahead_of_any_length_is_refused(size):
    def ahead(x):
        return x[::-1].rolling(size, min_periods=1).mean()[::-1]

    with pytest.raises(LookAhead, match=r"^ahead: "):
        run(feature()(ahead))


@given(size=st.integers(2, 150), cuts=st.integers(1, 6), given_back=st.integers(1, 149))
def test_a_window_passes_with_its_look_back_and_is_refused_with_less(size, cuts, given_back):
    def window(x):
        return x.rolling(size).mean()

    run(feature(look_back=size - 1)(window), cuts=cuts)
    if given_back < size:
        with pytest.raises(LookBack, match=rf"^window: reads more than the {size - 1 - given_back} rows back"):
            run(feature(look_back=size - 1 - given_back)(window), cuts=cuts)


@feature(look_back=20)
def expanding(x):
    return x.expanding().mean()


@feature(look_back=20)
def exponential(x):
    return x.ewm(span=20).mean()


@feature(look_back=20)
def running_total(x):
    return x.cumsum()


@feature(look_back=20)
def row_number(x):
    return np.arange(len(x))


@pytest.mark.parametrize(
    "planted", [expanding, exponential, running_total, row_number], ids=lambda function: function.__name__
)
def test_a_feature_that_reads_the_whole_past_is_refused_by_name(planted):
    with pytest.raises(LookBack, match=f"^{planted.__name__}: reads more than the 20 rows back"):
        run(planted)


def test_a_value_filled_forward_from_further_back_than_declared_is_refused():
    @feature(look_back=1)
    def filled(x):
        return x.ffill()

    rows = toy_rows(400)
    rows.loc[rows.index % 3 > 0, "x"] = np.nan
    with pytest.raises(LookBack, match=r"^filled: "):
        run(filled, rows=rows, cuts=7)


def test_the_look_back_of_the_neediest_feature_counts_for_all():
    @feature(look_back=9)
    def ten(x):
        return x.rolling(10).sum()

    @feature(look_back=4)
    def five(x):
        return x.shift(4)

    run(ten, five)


def test_honest_features_pass_with_missing_values_and_categories():
    @feature(look_back=1)
    def previous(c):
        return c.shift(1)

    @feature()
    def known(x):
        return x.notna()

    run(previous, known, rows=holed_rows())


def test_the_shipped_market_features_pass():
    rows = sp500.load().reset_index().astype({"Volume": float})
    module = load_module("sp500")
    columns = {name: {"type": "float"} for name in rows}
    dataset = toy_dataset(
        columns={**columns, "Date": {"type": "datetime"}},
        time="Date",
        keys=["Date"],
        label="large_move",
        features={"module": "sp500", "columns": []},
    )
    audit(rows, assemble(rows, dataset, module), dataset, module, cuts=4)


def ahead(rows: int):
    def outcome(x):
        return x.shift(-rows)

    return label(outcome)


@pytest.mark.parametrize("horizon", [2, "2D"], ids=["rows", "time"])
def test_a_label_may_look_as_far_ahead_as_its_horizon_and_no_further(horizon):
    run(ahead(2), label="outcome", horizon=horizon)
    with pytest.raises(LookAhead, match=f"^outcome: the label looks further ahead than dataset.horizon = {horizon}"):
        run(ahead(3), label="outcome", horizon=horizon)


def test_a_label_that_is_a_column_needs_no_audit():
    run(label="y", horizon=0)


@given(rows=st.integers(1, 500), cuts=st.integers(1, 20))
def test_cuts_are_in_order_and_the_last_is_at_the_end(rows, cuts):
    points = cut_points(rows, cuts)
    assert points == sorted(set(points))
    assert 1 <= points[0] <= points[-1] == rows
    assert len(points) == min(rows, cuts) or rows < cuts


def test_altered_rows_keep_their_index_and_types_and_nothing_else():
    rows = toy_rows(10).iloc[4:8]
    altered = alter(rows)
    pd.testing.assert_index_equal(altered.index, rows.index)
    pd.testing.assert_series_equal(altered.dtypes, rows.dtypes)
    np.testing.assert_array_equal(altered.x, 3 * rows.x[::-1])


def test_marking_a_function_leaves_it_callable():
    assert isinstance(vars(tomorrow)["feature"], Feature)
    assert tomorrow(pd.Series([1.0, 2.0]))[0] == 2.0


@feature()
def label_itself(y):
    return y


@feature(look_back=1)
def label_of_the_row_before(y):
    return y.shift(1)


@feature(look_back=2)
def label_of_two_rows_before(y):
    return y.shift(2)


@pytest.mark.parametrize(("planted", "horizon"), [(label_itself, 0), (label_itself, 1), (label_of_the_row_before, 2)])
def test_a_label_that_is_not_known_yet_is_no_feature(planted, horizon):
    with pytest.raises(LookAhead, match=f"^{planted.__name__}: reads y of rows whose label is not known yet"):
        run(planted, horizon=horizon)


def test_a_label_column_used_as_it_is_is_no_feature():
    with pytest.raises(LookAhead, match=r"^y: reads y"):
        run(features={"module": "as_is", "columns": ["x", "y"]})


@pytest.mark.parametrize(("planted", "horizon"), [(label_of_the_row_before, 1), (label_of_two_rows_before, 2)])
def test_a_label_that_is_known_by_then_may_be_a_feature(planted, horizon):
    run(planted, horizon=horizon)


def test_what_a_label_function_reads_of_its_own_row_is_no_feature():
    @label
    def late(x):
        return (x > 0).astype(float)

    @feature()
    def doubled(x):
        return 2 * x

    with pytest.raises(LookAhead, match=r"^doubled: reads x of rows whose label is not known yet"):
        run(late, doubled, label="late", features={"module": "as_is", "columns": ["c"]})


def test_what_a_label_function_reads_of_later_rows_may_be_a_feature():
    @label
    def rises(x):
        return (x.shift(-1) > x).astype(float).where(x.shift(-1).notna())

    @feature()
    def doubled(x):
        return 2 * x

    run(rises, doubled, label="rises")
