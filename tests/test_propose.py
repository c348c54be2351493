import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from keepfit.dataset import Dataset, FileSource
from keepfit.errors import MissingColumn, TooFewRows, UnusableTable
from keepfit.ingest import cut
from keepfit.objective import Objective
from keepfit.propose import Proposal, propose
from keepfit.propose_columns import widen
from keepfit.propose_splits import Bounds
from keepfit.scaffold import write_dataset, write_objective, write_value
from keepfit.validate import validate
from tests.tables import customers, frauds, sales, weather

BOUNDS = Bounds(min_rows=100, folds=4, judged_rows=200, quota=0.01)
SOURCE = FileSource(kind="file", path="mine.csv", watch="mine.csv")


def proposal(frame: pd.DataFrame, target: str, **options) -> Proposal:
    settings = {"time": None, "task": None, **options}
    return propose(frame, name="mine", source=SOURCE, target=target, bounds=BOUNDS, **settings)


def role(found: Proposal, column: str) -> tuple[str, str]:
    return next((each.role, each.why) for each in found.choices if each.column == column)


@pytest.mark.parametrize(
    ("frame", "target"),
    [(customers(), "churned"), (weather(), "weather"), (sales(), "revenue"), (frauds(), "is_fraud")],
    ids=["customers", "weather", "sales", "frauds"],
)
def test_what_is_proposed_is_written_as_it_is_and_lets_the_table_through(frame, target):
    found = proposal(frame, target)
    values = OmegaConf.to_container(OmegaConf.create(write_dataset(found, origin="mine.csv")), resolve=True)
    dataset = Dataset.model_validate(values)
    assert dataset == found.dataset
    written = Objective.model_validate(yaml.safe_load(write_objective(found)))
    assert written == found.objective
    raw = frame.assign(row=range(len(frame))) if not dataset.has_time else frame
    report = validate(cut(raw.reset_index(drop=True), dataset), dataset).report
    assert report["share_quarantined"] <= BOUNDS.quota, report["reasons"]


def test_a_table_of_customers_is_seen_through():
    found = proposal(customers(), "churned")
    assert found.dataset.features.columns == ("Größe (cm)", "Farbe", "town", "active", "income")
    assert found.dataset.keys == ("Kunden-Nr",)
    assert (found.dataset.time, found.dataset.source.row_number, found.dataset.has_time) == ("row", "row", False)
    assert found.dataset.columns["row"].format == "D"
    assert role(found, "household_id")[0] == "left out"
    assert role(found, "constant") == ("left out", "the same in all rows")
    assert "gives the answer away" in role(found, "status")[1]
    assert "text" in role(found, "note")[1]
    assert "Keepfit's own" in role(found, "score")[1]
    told = "\n".join(found.look_at)
    for said in ("status: gives the answer away", "30 rows have no label", "town: 285 levels"):
        assert said.partition(":")[0] in told
    assert found.dataset.columns["Farbe"].allowed == ("blau", "grün", "rot")
    assert found.dataset.columns["income"].nullable


def test_classes_and_a_day_that_comes_first_are_seen():
    found = proposal(weather(), "weather")
    assert (found.dataset.task, found.dataset.classes) == ("multiclass", ("cloud", "rain", "sun"))
    assert found.dataset.columns["when"].format == "%d/%m/%Y %H:%M"
    assert found.dataset.keys == ("when",)
    assert "4 rows repeat an earlier one and will be set aside" in found.look_at


def test_epoch_seconds_and_an_amount_are_seen():
    found = proposal(sales(), "revenue", time="ts")
    assert (found.dataset.task, found.dataset.columns["ts"].format) == ("regression", "s")
    assert found.objective.metric == "absolute_error"
    assert found.dataset.splits.holdout == 200


def test_a_rare_yes_is_told_and_costs_more():
    found = proposal(frauds(), "is_fraud")
    share = frauds().is_fraud.mean()
    assert any("of the rows are a yes" in said for said in found.look_at)
    assert found.objective.cost.false_negative == round((1 - share) / share)
    assert not found.dataset.ordered


def test_a_skewed_amount_is_told_with_what_to_try():
    assert any("model.params.loss=absolute_error" in said for said in proposal(sales(), "revenue").look_at)
    even = sales().assign(revenue=lambda rows: np.log(rows.revenue))
    assert not any("skewed" in said for said in proposal(even, "revenue").look_at)


@pytest.mark.parametrize("name", ["reasons", "row_hash"])
def test_a_column_called_like_one_of_the_quarantine_is_left_out_and_told(name):
    for values in (sales()["items"], range(len(sales())), pd.date_range("2020-01-01", periods=len(sales()))):
        found = proposal(sales().assign(**{name: values}), "revenue")
        assert name not in found.dataset.columns
        assert role(found, name)[0] == "left out"
        assert any(said.startswith(f"{name}: the name is one of Keepfit's own columns") for said in found.look_at)
    for asked in ({"target": name}, {"target": "revenue", "time": name}):
        with pytest.raises(UnusableTable, match=rf"^{name}: the name is one of Keepfit's own columns"):
            proposal(sales().rename(columns={"items": name}), **asked)


def test_lists_are_no_keys():
    found = proposal(weather().assign(tags=[[1, 2]] * 1004, more=[{"a": 1}] * 1004), "weather")
    assert role(found, "tags") == role(found, "more") == ("left out", "the same in all rows")


def test_names_that_look_like_yaml_or_hydra_are_columns_as_any():
    names = ["${x}", "\\${y}", "a: b", "#", "yes", "1", "- z", '"', "it's", "null", "two\nlines"]
    table = sales().assign(**{name: sales()["items"] for name in names}, **{"left\nout": 1})
    found = proposal(table, "revenue")
    values = OmegaConf.to_container(OmegaConf.create(write_dataset(found, origin="mine.csv")), resolve=True)
    assert Dataset.model_validate(values) == found.dataset
    assert set(names) <= set(found.dataset.features.columns)


def test_numbers_that_are_few_are_classes_unless_a_person_says_otherwise():
    table = sales().assign(grade=lambda rows: pd.qcut(rows.revenue, 5, labels=False) + 1)
    found = proposal(table.drop(columns="revenue"), "grade")
    assert found.dataset.classes == ("1", "2", "3", "4", "5")
    assert proposal(table.drop(columns="revenue"), "grade", task="regression").dataset.task == "regression"


def test_of_two_names_the_rarer_one_is_the_yes():
    table = customers().assign(kind=lambda rows: np.where(rows["Größe (cm)"] > 180, "tall", "short"))
    assert proposal(table, "kind").dataset.classes == ("short", "tall")


@pytest.mark.parametrize(
    ("frame", "options", "error", "said"),
    [
        (customers(20), {"target": "churned"}, TooFewRows, r"rows have a churned; train\.min_rows .* asks for 100"),
        (customers(), {"target": "nothing"}, MissingColumn, "missing column nothing"),
        (customers(), {"target": "constant"}, UnusableTable, "1 different values"),
        (customers(), {"target": "note"}, UnusableTable, "it looks like text"),
        (customers(), {"target": "town"}, UnusableTable, "at most 50 classes"),
        (customers(), {"target": "churned", "time": "Farbe"}, UnusableTable, "--time Farbe: it looks like category"),
        (sales(), {"target": "revenue", "time": "revenue"}, UnusableTable, "--target and --time are both revenue"),
        (customers(), {"target": "churned", "task": "multiclass"}, UnusableTable, "do not fit --task multiclass"),
        (customers().sort_values("churned"), {"target": "churned"}, UnusableTable, "seems sorted by its label"),
        (sales()[["revenue"]].set_axis(["a;y"], axis=1), {"target": "y"}, UnusableTable, "separated by ';'"),
        (customers()[["constant", "note", "churned"]], {"target": "churned"}, UnusableTable, "no column is left"),
    ],
)
def test_a_table_that_cannot_be_learned_from_is_refused_with_the_reason(frame, options, error, said):
    with pytest.raises(error, match=said):
        proposal(frame, options.pop("target"), **options)


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_a_range_gets_slack_and_does_not_cross_zero(one: float, other: float):
    low, high = sorted((one, other))
    lower, upper = widen(low, high)
    assert lower <= low <= high <= upper
    assert lower >= 0 or low < 0
    assert upper <= 0 or high > 0


AWKWARD = st.sampled_from(
    ["yes", "No", "null", "1e3", "12", "a: b", "${x}", "\\${x}", "#", "- x", "Größe (cm)", "it's", '"', ""]
)


@given(st.text(max_size=20) | AWKWARD)
def test_text_comes_back_from_yaml_as_it_was(text: str):
    written = OmegaConf.create(f"key: {write_value(text)}")
    assert OmegaConf.to_container(written, resolve=True)["key"] == text


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15) | st.booleans() | st.none())
def test_values_come_back_from_yaml_as_they_were(value):
    assert OmegaConf.create(f"key: {write_value(value)}").key == value
