"""Feature functions that are followed once over symbols compute for one row what they compute for a table."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepfit.compiled.operations import Untraceable
from keepfit.compiled.parity import as_values
from keepfit.compiled.plan import Estimate, Number, Plan
from keepfit.compiled.source import make_compute
from keepfit.compiled.trace import trace
from keepfit.dataset import Column, FeatureSet
from keepfit.errors import FeatureError
from keepfit.features import Feature, FeatureModule, compute

COLUMNS = {
    "a": Column(type="float"),
    "b": Column(type="float"),
    "c": Column(type="category"),
    "t": Column(type="datetime"),
}
READS = ("a", "b", "c", "t")


def helper(value):
    return (value - 1).abs() + 1


FUNCTIONS: dict[str, Callable] = {
    "arithmetic": lambda a, b, c, t: 2 * a - b / 4 + (-a) * 3 - 1,
    "powers": lambda a, b, c, t: a**2 + abs(b) ** 0.5 + abs(a) ** 1.5,
    "division": lambda a, b, c, t: (a / b).where(b > 0, 0.0),
    "division by nothing": lambda a, b, c, t: (a / (b - b)).where(a.isna(), 1.0),
    "whole parts": lambda a, b, c, t: (a // 7) + (a % 7) + (7 % (abs(b) + 1)) + (-a) // 3,
    "comparisons": lambda a, b, c, t: (a > b) | (a <= 0) & ~(b == 2) | (a != a),
    "where": lambda a, b, c, t: a.where(a.notna() | b.isna(), 0.0),
    "mask": lambda a, b, c, t: a.mask(b < 0, b * 2),
    "fill": lambda a, b, c, t: a.fillna(0.5) + b.fillna(-1),
    "clip": lambda a, b, c, t: a.clip(lower=0) + b.clip(-1, 1) + a.clip(upper=3),
    "between": lambda a, b, c, t: a.between(0, 5) & b.isin([0.0, 1.0, 2.0]),
    "numpy": lambda a, b, c, t: (
        np.sin(a) + np.cos(np.deg2rad(b)) + np.log1p(np.abs(a)) + np.sqrt(np.fabs(b)) + np.exp(-abs(a))
    ),
    "largest": lambda a, b, c, t: np.maximum(a, b) - np.minimum(a, 0) + np.fmax(a, b),
    "np.where": lambda a, b, c, t: np.where(np.isnan(a), b, a * 2),
    "truth": lambda a, b, c, t: (a > 0).astype(float) + (b > 0).astype(int),
    "category": lambda a, b, c, t: (
        (c == "x").astype(float) + c.isin(["x", "y"]).astype(float) * 2 + c.isna().astype(float) * 4
    ),
    "other category": lambda a, b, c, t: c != "x",
    "time": lambda a, b, c, t: t.dt.hour * 60 + t.dt.minute + t.dt.second / 60,
    "calendar": lambda a, b, c, t: t.dt.dayofweek * 10000 + t.dt.month * 100 + t.dt.day + t.dt.year,
    "helper": lambda a, b, c, t: helper(a) * helper(b),
    "a constant beside": lambda a, b, c, t: a * np.pi - np.float64(2),
}
NUMBERS = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([0.0, -0.0, 1.0, 2.0, 7.0, -7.0, 0.5]), st.just(float("nan")))
TIMES = st.one_of(st.none(), st.datetimes(pd.Timestamp("1900-01-01"), pd.Timestamp("2100-01-01")))
ROWS = st.lists(st.tuples(NUMBERS, NUMBERS, st.sampled_from(["x", "y", "z", None]), TIMES), min_size=1, max_size=8)


def frame_of(rows: list[tuple]) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=list(READS))
    return found.assign(
        a=found.a.astype(float),
        b=found.b.astype(float),
        c=found.c.astype(object).astype("category"),
        t=pd.to_datetime(found.t).astype("datetime64[ns]"),
    )


def feature_of(function: Callable) -> Feature:
    return Feature(function, READS)


def plan_of(expressions: dict[str, list], untraced: dict[str, str] | None = None) -> Plan:
    names = (*expressions, *(untraced or {}))
    return Plan(
        columns=READS,
        features=names,
        look_back=0,
        expressions=expressions,
        untraced=untraced or {},
        numbers=tuple(Number(feature=place) for place, _ in enumerate(names)),
        categories=(),
        estimate=Estimate(kind="constant", start=(0.0,)),
    )


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=15, deadline=None)
@given(rows=ROWS)
def test_one_row_has_the_very_value_of_the_table(name: str, rows):
    frame, feature = frame_of(rows), feature_of(FUNCTIONS[name])
    with np.errstate(all="ignore"):
        expected = np.asarray(feature.function(*(frame[each] for each in READS)), dtype=float)
        one_row = make_compute(plan_of({"f": trace(feature, COLUMNS)}), lambda _: None)
        for values, value in zip(as_values(frame), expected, strict=True):
            if np.isinf(value):
                with pytest.raises(FeatureError, match="f: infinite"):
                    one_row(values)
            else:
                np.testing.assert_array_equal(one_row(values)[0], value)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda a, b, c, t: a.shift(1), "uses .shift"),
        (lambda a, b, c, t: a.rolling(3).mean(), "uses .rolling"),
        (lambda a, b, c, t: a if a > 0 else b, "asks whether a column is true"),
        (lambda a, b, c, t: np.cumsum(a), "uses np.cumsum"),
        (lambda a, b, c, t: np.asarray(a), "makes an array of a column"),
        (lambda a, b, c, t: c + "x", "computes with a category"),
        (lambda a, b, c, t: (a > 0) + (b > 0), "computes with a truth"),
        (lambda a, b, c, t: t, "gives a time"),
        (lambda a, b, c, t: t.dt.quarter, "uses .dt.quarter"),
        (lambda a, b, c, t: 1.0, "gives float"),
        (lambda a, b, c, t: a.astype(int), "uses .astype"),
        (lambda a, b, c, t: a[0], "picks rows"),
        (lambda a, b, c, t: a & b, "combines the bits of numbers"),
        (lambda a, b, c, t: list(a), "goes over a column's rows"),
        (lambda a, b, c, t: a + {}, "computes with dict"),
        (lambda a, b, c, t: {}["x"], "KeyError"),
    ],
)
def test_what_cannot_be_followed_is_said(function, told):
    with pytest.raises(Untraceable, match=told.replace(".", r"\.")):
        trace(feature_of(function), COLUMNS)


def test_a_feature_that_cannot_be_followed_is_computed_beside_the_others():
    one_row = make_compute(
        plan_of({"f": trace(feature_of(FUNCTIONS["where"]), COLUMNS)}, {"g": "uses .map"}),
        lambda name: lambda values: {"g": 3.0}[name] + values[0],
    )
    assert one_row([1.0, 2.0, "x", None]) == (1.0, 4.0)


def test_a_tree_of_lists_and_no_code_is_what_a_plan_holds():
    found = trace(feature_of(lambda a, b, c, t: (a * 60 + b) % 1440), COLUMNS)
    expected = ["remainder", ["add", ["multiply", ["column", "a"], 60.0], ["column", "b"]], 1440.0]
    assert found == expected


def test_the_features_of_the_shipped_flights_are_all_followed():
    from keepfit.features import load_module
    from tests.champions import draw_rows, settings_of

    shipped = settings_of("flights", "naive")
    module, rows = load_module("flights"), draw_rows(shipped)
    columns = shipped.dataset.columns
    expressions = {name: trace(each, columns) for name, each in module.features.items()}
    names = list(columns)
    plan = plan_of(expressions).model_copy(update={"columns": tuple(names)})
    one_row = make_compute(plan, lambda _: None)
    expected = compute(rows, FeatureSet(module="flights"), FeatureModule(module.features, {}))
    found = [one_row(values) for values in as_values(rows[names])]
    np.testing.assert_array_equal(np.array(found), expected.to_numpy())
