import json

import numpy as np
import pandas as pd
import pytest
import yaml
from pandas.testing import assert_frame_equal

from features import sp500
from keepfit.columns import parse
from keepfit.dataset import Column, FeatureSet
from keepfit.errors import FeatureError
from keepfit.features import assemble, columns_read, compute, compute_label, feature, label, load_module, look_back
from tests.modelling import ROOT, module_of
from tests.toys import toy_dataset, toy_rows

CHOSEN = FeatureSet(module="as_is", columns=("x",))


@feature()
def doubled(x):
    return 2 * x


@feature(look_back=3)
def three_before(x):
    return x.shift(3)


@label
def rises(x):
    return (x.shift(-1) > x).astype(float).where(x.shift(-1).notna())


def small(**columns) -> pd.DataFrame:
    return pd.DataFrame({"x": [1.0, 2.0, 4.0], **columns})


def columns_of(dataset: str) -> dict[str, Column]:
    declared = yaml.safe_load((ROOT / "conf" / "dataset" / f"{dataset}.yaml").read_text())["columns"]
    return {name: Column.model_validate(rules) for name, rules in declared.items()}


def request(raw: pd.DataFrame, columns: dict[str, Column]) -> pd.DataFrame:
    # As the service gets it: through JSON, without a category or a time left as such.
    return parse(
        pd.DataFrame(json.loads(raw.to_json(orient="records", date_format="iso", double_precision=15))), columns
    )


def test_a_feature_declares_its_name_what_it_reads_and_its_look_back():
    declared = module_of(doubled, three_before).features["three_before"]
    assert (declared.name, declared.reads, declared.look_back) == ("three_before", ("x",), 3)


def test_a_module_needs_the_look_back_of_its_neediest_feature():
    assert look_back(module_of(doubled, three_before)) == 3
    assert look_back(module_of(doubled)) == look_back(module_of()) == 0


def test_features_come_in_the_order_of_the_file_and_labels_are_none_of_them():
    module = load_module("sp500")
    assert list(module.features)[:4] == ["log_rv_5", "log_rv_21", "log_rv_63", "log_range"]
    assert list(module.labels) == ["large_move"]
    assert "large_move" not in module.features


def test_a_module_that_is_not_there_is_refused_by_name():
    with pytest.raises(FeatureError, match=r"features/nowhere.py"):
        load_module("nowhere")


def test_columns_read_are_those_used_as_they_are_and_those_of_functions_once_each():
    @feature()
    def ratio(x, w):
        return x / w

    assert columns_read(FeatureSet(module="as_is", columns=("w",)), module_of(ratio, doubled)) == ["w", "x"]


def test_numbers_and_truths_become_floats_and_the_rest_categories():
    @feature()
    def above_one(x):
        return x > 1

    @feature()
    def size(x):
        return np.where(x > 1, "large", "small")

    made = compute(small(), CHOSEN, module_of(doubled, above_one, size))
    assert made.drop(columns="size").to_dict("list") == {
        "x": [1.0, 2.0, 4.0],
        "doubled": [2.0, 4.0, 8.0],
        "above_one": [0.0, 1.0, 1.0],
    }
    assert set(map(str, made.drop(columns="size").dtypes)) == {"float64"}
    assert isinstance(made["size"].dtype, pd.CategoricalDtype)
    assert made["size"].tolist() == ["small", "large", "large"]


def test_an_infinite_feature_is_refused_by_name_with_its_first_row():
    @feature()
    def inverse(x):
        return 1 / x

    with pytest.raises(FeatureError, match=r"inverse: infinite in 2 rows, the first at 1"):
        compute(pd.DataFrame({"x": [1.0, 0.0, 0.0]}), CHOSEN, module_of(inverse))


def test_a_missing_value_is_no_infinite_one():
    assert np.isnan(compute(pd.DataFrame({"x": [np.nan]}), CHOSEN, module_of(doubled)).doubled[0])


@pytest.mark.parametrize("name", ["x", "label", "score", "loss", "fold", "naive_score"])
def test_a_feature_whose_name_is_taken_is_refused_by_name(name):
    def values(x):
        return x

    values.__name__ = name
    with pytest.raises(FeatureError, match=f"^{name}: the name is taken"):
        compute(small(), CHOSEN, module_of(feature()(values)))


def test_a_column_that_is_not_declared_is_refused_with_the_feature_that_reads_it():
    @feature()
    def ratio(x, w):
        return x / w

    with pytest.raises(FeatureError, match=r"ratio: reads w, which dataset.columns does not declare"):
        compute(small(), CHOSEN, module_of(ratio))


def test_a_feature_of_the_wrong_length_is_refused_by_name():
    @feature()
    def dropped(x):
        return x[x > 1]

    with pytest.raises(FeatureError, match=r"dropped: gave 2 values for 3 rows"):
        compute(small(), CHOSEN, module_of(dropped))


def test_a_label_function_gives_exact_values_and_nan_where_unknown():
    rows = pd.DataFrame({"x": [1.0, 3.0, 2.0]})
    labels = compute_label(rows, toy_dataset(label="rises"), module_of(rises))
    np.testing.assert_array_equal(labels, [1.0, 0.0, np.nan])


def test_a_column_serves_as_a_label():
    assert compute_label(toy_rows(20), toy_dataset(), module_of()).iloc[:-1].isin([0.0, 1.0]).all()


def test_a_label_that_is_neither_a_column_nor_a_function_is_refused_by_name():
    with pytest.raises(FeatureError, match=r"dataset.label: 'nothing' is neither .* rises"):
        compute_label(toy_rows(20), toy_dataset(label="nothing"), module_of(rises))


def test_a_label_of_categories_without_classes_is_refused():
    with pytest.raises(FeatureError, match=r"dataset.label: 'c' is not a number; name its classes"):
        compute_label(toy_rows(20), toy_dataset(label="c"), module_of(rises))


def test_a_label_is_the_number_of_its_class():
    dataset = toy_dataset().model_copy(update={"label": "c", "classes": ("d", "a", "b")})
    rows = toy_rows(20).assign(c=pd.Series(["d", "b", None, "a"] * 5, dtype="category"))
    np.testing.assert_array_equal(compute_label(rows, dataset, module_of())[:4], [0, 2, np.nan, 1])


def test_of_two_classes_the_second_is_the_yes_and_numbers_are_read_as_text():
    dataset = toy_dataset(classes=["1", "0"])
    np.testing.assert_array_equal(
        compute_label(toy_rows(20), dataset, module_of()), 1 - toy_rows(20).y.astype(float).to_numpy()
    )


def test_a_class_without_a_name_is_refused():
    dataset = toy_dataset().model_copy(update={"label": "c", "classes": ("a", "b", "other")})
    with pytest.raises(FeatureError, match=r"has the values d; allowed: dataset\.classes: a, b, other"):
        compute_label(toy_rows(40), dataset, module_of())


def test_the_table_holds_time_features_and_label():
    table = assemble(toy_rows(20), toy_dataset(), module_of(doubled))
    assert list(table) == ["time", "x", "c", "doubled", "label"]


def test_late_is_more_than_thirty_minutes_and_unknown_for_a_flight_that_never_arrives():
    late = load_module("flights").labels["late"].compute(pd.DataFrame({"arr_delay": [30.0, 31.0, -5.0, np.nan]}))
    np.testing.assert_array_equal(late, [0.0, 1.0, 0.0, np.nan])


def test_a_large_move_is_one_of_the_next_day_by_more_than_one_per_cent():
    rows = pd.DataFrame({"Close": [100.0, 100.9, 102.0, 100.0]})
    moves = load_module("sp500").labels["large_move"].compute(rows)
    np.testing.assert_array_equal(moves, [0.0, 1.0, 1.0, np.nan])


def test_the_market_as_a_table_and_as_single_requests_has_the_same_features_to_the_last_bit():
    module, chosen, columns = load_module("sp500"), FeatureSet(module="sp500"), columns_of("sp500")
    raw = sp500.load().reset_index()
    table = compute(parse(raw, columns), chosen, module)
    reach = look_back(module)
    for row in [reach, 100, 1001, 2500, len(raw) - 1]:
        alone = compute(request(raw.iloc[row - reach : row + 1], columns), chosen, module)
        pd.testing.assert_series_equal(alone.iloc[-1], table.iloc[row], check_exact=True, check_names=False)


def flights() -> pd.DataFrame:
    n = 40
    draw = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "scheduled": pd.date_range("2013-01-01 05:15", periods=n, freq="7min", tz="UTC"),
            "carrier": draw.choice(["UA", "AA"], n),
            "flight": draw.integers(1, 900, n),
            "origin": draw.choice(["EWR", "JFK"], n),
            "dest": draw.choice(["IAH", "MIA"], n),
            "distance": draw.integers(100, 2500, n),
            "hour": draw.integers(5, 24, n),
            "minute": draw.integers(0, 60, n),
            "weekday": draw.integers(0, 7, n),
            "sched_arr_time": 100 * draw.integers(0, 24, n) + draw.integers(0, 60, n),
            **{
                name: draw.uniform(0, 9, n).round(2)
                for name in ("temp", "dewp", "humid", "precip", "pressure", "visib")
            },
            "wind_dir": 10.0 * draw.integers(0, 37, n),
            "wind_speed": np.where(np.arange(n) % 9, draw.uniform(0, 30, n).round(5), np.nan),
            "wind_gust": np.where(np.arange(n) % 3, np.nan, 25.3),
            "arr_delay": 0.0,
        }
    )


def test_a_flight_has_the_same_features_in_a_table_and_alone_to_the_last_bit():
    declared = yaml.safe_load((ROOT / "conf" / "dataset" / "flights.yaml").read_text())["features"]
    module, chosen, columns = load_module("flights"), FeatureSet.model_validate(declared), columns_of("flights")
    assert look_back(module) == 0
    table = compute(parse(flights(), columns), chosen, module)
    for row in range(len(table)):
        alone = compute(request(flights().iloc[[row]], columns), chosen, module)
        assert list(alone) == list(table)
        np.testing.assert_array_equal(alone.iloc[0].to_list(), table.iloc[row].to_list())


def test_flight_features_have_exact_values():
    columns = columns_of("flights")
    raw = flights().iloc[[0]].assign(hour=22, minute=30, sched_arr_time=115, wind_dir=90.0, wind_speed=20.0)
    made = compute(parse(raw, columns), FeatureSet(module="flights"), load_module("flights")).iloc[0]
    assert (made.departure_minute, made.scheduled_minutes) == (1350.0, 165.0)
    assert made.wind_east == pytest.approx(20.0)
    assert made.wind_north == pytest.approx(0.0, abs=1e-12)


def test_no_gust_is_zero_only_where_wind_was_measured():
    rows = pd.DataFrame({"wind_gust": [30.0, np.nan, np.nan], "wind_speed": [20.0, 5.0, np.nan]})
    np.testing.assert_array_equal(load_module("flights").features["gust"].compute(rows), [30.0, 0.0, np.nan])


@pytest.mark.parametrize("look_back", ["24h", -1, 2.5, True, None])
def test_a_look_back_that_is_no_number_of_rows_is_refused(look_back):
    with pytest.raises(FeatureError, match="look_back="):
        feature(look_back=look_back)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
        ("from keepfit.features import feature\n@feature\ndef x(a): return a", r"TypeError: feature\(\) takes 0"),
        ("from keepfit.features import feature\n@feature(back=1)\ndef x(a): return a", "TypeError: .*'back'"),
        ("x = y", "NameError: name 'y' is not defined"),
        ("x = = 1", "SyntaxError: invalid syntax"),
        ("raise ValueError('one\\ntwo')", "ValueError: one two$"),
    ],
)
def test_a_module_that_cannot_be_imported_is_named_with_the_cause_in_one_line(tmp_path, monkeypatch, text, cause):
    (tmp_path / "broken.py").write_text(text)
    monkeypatch.setattr("features.__path__", [str(tmp_path)])
    with pytest.raises(FeatureError, match=rf"^features/broken\.py \(dataset\.features\.module\): {cause}") as refused:
        load_module("broken")
    assert "\n" not in str(refused.value)
    assert refused.value.__cause__ is not None


def test_the_days_of_sp500_are_those_that_arch_itself_loads():
    from arch.data import sp500 as source

    assert_frame_equal(sp500.load(), source.load())
