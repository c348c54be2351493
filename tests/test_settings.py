from datetime import date, datetime
from pathlib import Path

import pytest
import yaml

from keepfit.dataset import Column
from keepfit.errors import SettingsError
from keepfit.settings import check_settings, load_settings
from tests.toys import BOOSTED, REGRESSION, toy_regression, toy_settings, toy_values


def refusal(**overrides) -> str:
    with pytest.raises(SettingsError) as refused:
        toy_settings(**overrides)
    return str(refused.value)


def test_an_unknown_key_is_refused_with_its_file_key_and_value():
    said = "params.yaml: train.fold: unknown key (value 4); allowed: holdout, folds, min_rows, max_rows, refit, jobs"
    assert refusal(**{"train.fold": 4}) == said


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        (
            "trian",
            "seed, dataset, objective, model, search, validate, features, train, evaluate, gate, drift, "
            "retrain, release, engine",
        ),
        ("validate.quotta", "quota"),
        ("dataset.source.pth", "watch, row_number, kind, path, format"),
        ("dataset.columns.x.mn", "type, nullable, min, max, allowed, unique, format, pii"),
        ("objective.cost.false_postive", "true_positive, false_positive, true_negative, false_negative"),
    ],
)
def test_an_unknown_key_is_refused_with_the_keys_there_are(key, allowed):
    assert refusal(**{key: 1}) == f"params.yaml: {key}: unknown key (value 1); allowed: {allowed}"


def test_an_unknown_key_in_a_list_or_a_mapping_is_refused_with_the_keys_there_are():
    said = refusal(**{"objective.slices": [{"column": "c", "tolerance": 0, "edge": 1}]})
    assert said == "params.yaml: objective.slices.0.edge: unknown key (value 1); allowed: column, edges, tolerance"
    said = refusal(**{"objective.limits": {"r2": {"mn": 1}}})
    assert said == "params.yaml: objective.limits.r2.mn: unknown key (value 1); allowed: min, max"


def test_an_unknown_section_is_refused():
    assert refusal(trian={"folds": 3}).startswith("params.yaml: trian: unknown key")


def test_a_missing_key_is_named():
    values = toy_values()
    del values["train"]["folds"]
    with pytest.raises(SettingsError, match=r"^here\.yaml: train\.folds: missing$"):
        check_settings(values, file="here.yaml")


@pytest.mark.parametrize("key", ["may_go_backwards", "freshness"])
def test_a_key_that_the_graph_tracks_must_be_there(key):
    values = toy_values()
    del values["dataset"][key]
    with pytest.raises(SettingsError, match=rf"^params\.yaml: dataset\.{key}: missing$"):
        check_settings(values, file="params.yaml")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("objective.cost", {"false_positive": 1}, ".false_negative: missing"),
        ("objective.cost", {"over": 1, "under": 0}, ".under: 0: Input should be greater than 0"),
        (
            "objective.cost",
            {},
            ": {}: allowed keys: true_positive, false_positive, true_negative, false_negative, or over",
        ),
        ("objective.cost", 5, ": 5: allowed keys: true_positive"),
        ("model.space", {"C": {"low": 1}}, ".C.high: missing"),
        ("model.space", {"C": {"choices": []}}, ".C.choices: []: Tuple should have at least 1 item"),
        ("model.space", {"C": [1, 2]}, ".C: [1, 2]: allowed keys: choices, or low, high, log, integer"),
        ("dataset.source", {"kind": "file", "path": "x"}, ".watch: missing"),
        ("dataset.source", {"path": "x", "watch": "x"}, ".kind: missing"),
    ],
)
def test_one_line_tells_what_is_wrong_with_a_value_of_several_forms(key, value, said):
    line = refusal(**{key: value})
    assert line.startswith(f"params.yaml: {key}{said}")
    assert "\n" not in line


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("train.folds", 1, "greater than or equal to 2"),
        ("train.folds", "many", "integer"),
        ("validate.quota", 1.5, "less than or equal to 1"),
        ("gate.confidence", 1, "less than 1"),
        ("gate.reason", "because", "'scheduled' or 'drift'"),
        ("search.kind", "grid", "'none', 'random', 'halving' or 'optuna'"),
        ("objective.metric", "accuracy", "'log_loss'"),
        ("dataset.name", "my table", r"'^\w+$'"),
        ("dataset.horizon", "soon", "soon"),
        ("dataset.horizon", -1, "zero or more"),
        ("dataset.freshness", 7, "a length of time"),
        ("dataset.until", "yesterday", "isoformat"),
    ],
)
def test_a_value_out_of_range_is_refused_with_file_key_value_and_what_is_allowed(key, value, allowed):
    said = refusal(**{key: value})
    assert said.startswith(f"params.yaml: {key}: {value!r}: ")
    assert allowed in said
    assert "\n" not in said


def test_every_problem_has_a_line_of_its_own():
    lines = refusal(**{"train.folds": 1, "validate.quota": 2, "seed": "x"}).splitlines()
    assert [line.split(": ")[1] for line in lines] == ["seed", "validate.quota", "train.folds"]


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"objective.metric": "squared_error"}, "objective.metric 'squared_error' does not fit task 'binary'"),
        ({"objective.cost": {"over": 1, "under": 1}}, "objective.cost does not fit task 'binary'"),
        ({"dataset.task": "regression"}, "allowed: absolute_error, cost, squared_error"),
        ({**REGRESSION, "objective.cost": {"false_positive": 1, "false_negative": 1}}, "objective.cost does not fit"),
    ],
)
def test_an_objective_that_does_not_fit_the_task_is_refused(overrides, said):
    assert said in refusal(**overrides)


@pytest.mark.parametrize(
    "cost",
    [
        {"false_positive": 0, "false_negative": 1},
        {"true_positive": 5, "false_positive": 1, "false_negative": 5},
    ],
)
def test_a_mistake_that_costs_no_more_than_being_right_is_refused(cost):
    assert "a mistake must cost more than the right decision" in refusal(**{"objective.cost": cost})


def test_the_threshold_is_where_both_decisions_cost_the_same():
    cost = toy_settings(
        **{"objective.cost": {"true_positive": 5, "false_positive": 5, "false_negative": 20}}
    ).objective.cost
    p = cost.threshold
    assert p == 0.25
    assert p * 5 + (1 - p) * 5 == p * 20 + (1 - p) * 0


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ({"type": "category", "min": 0}, "min and max are for columns of type int or float"),
        ({"type": "float", "allowed": ["a"]}, "allowed is for columns of type category"),
        ({"type": "int", "min": 2, "max": 1}, "min must not be above max"),
    ],
)
def test_a_rule_that_does_not_fit_the_type_of_its_column_is_refused(column, said):
    assert refusal(**{"dataset.columns.x": column}).startswith(f"params.yaml: dataset.columns.x: {said}")


@pytest.mark.parametrize(
    "overrides", [{"dataset.keys": ["z"]}, {"dataset.time": "z"}, {"dataset.features.columns": ["x", "z"]}]
)
def test_a_name_that_is_no_column_is_refused_with_the_columns_there_are(overrides):
    assert "'z' is not one of columns: time, x, c, y" in refusal(**overrides)


@pytest.mark.parametrize("column", [{"type": "category"}, {"type": "datetime", "nullable": True}])
def test_the_time_column_must_be_a_time_and_never_null(column):
    assert "must be of type datetime and not nullable" in refusal(**{"dataset.columns.time": column})


def test_an_interval_must_rise_and_a_logarithm_needs_numbers_above_0():
    assert "low must be below high" in refusal(**{"model.space": {"C": {"low": 2, "high": 1}}})
    assert "low must be above 0" in refusal(**{"model.space": {"C": {"low": 0, "high": 1, "log": True}}})


def test_a_source_of_unknown_kind_is_refused_with_the_kinds_there_are():
    said = refusal(**{"dataset.source": {"kind": "ftp", "watch": "x"}})
    assert said == "params.yaml: dataset.source.kind: 'ftp': allowed: 'python', 'file', 'sql'"


def test_midnight_written_as_a_moment_is_not_the_whole_day():
    assert toy_settings(**{"dataset.until": "2020-01-31"}).dataset.until == date(2020, 1, 31)
    for text in ("2020-01-31T00:00:00", "2020-01-31 00:00:00"):
        until = toy_settings(**{"dataset.until": text}).dataset.until
        assert until == datetime(2020, 1, 31)
        assert type(until) is datetime


def test_the_estimator_is_the_one_for_the_task():
    assert toy_settings(model=BOOSTED).estimator == "sklearn.ensemble.HistGradientBoostingClassifier"
    assert toy_regression(model=BOOSTED).estimator == "sklearn.ensemble.HistGradientBoostingRegressor"


def test_settings_cannot_be_changed(settings):
    with pytest.raises(ValueError, match="frozen"):
        settings.train.folds = 9


def test_settings_survive_a_parameter_file(tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump(toy_values()))
    assert load_settings(file) == toy_settings()


@pytest.mark.parametrize("text", ["", "- a list", "seed: [", "seed: 1\n\tfolds: 2"])
def test_a_file_that_is_no_mapping_is_refused_in_one_line_that_names_it(tmp_path, text):
    file = tmp_path / "params.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError) as refused:
        load_settings(file)
    assert str(refused.value).startswith(f"{file}: ")
    assert "\n" not in str(refused.value)


def test_a_parameter_file_that_is_not_there_is_refused_with_what_makes_it():
    with pytest.raises(SettingsError, match=r"nowhere\.yaml: not there; `make params` composes it"):
        load_settings(Path("nowhere.yaml"))


def test_a_personal_column_is_declared_and_one_that_is_not_changes_no_byte_of_what_is_written():
    told = toy_settings(**{"dataset.columns.x.pii": "hash"}).dataset.columns
    assert told["x"].model_dump(exclude_none=True)["pii"] == "hash"
    assert all("pii" not in column.model_dump(mode="json") for name, column in told.items() if name != "x")
    assert "pii" not in Column(type="int").model_dump_json()


def test_the_time_cannot_be_personal():
    assert "is marked pii" in refusal(**{"dataset.columns.time.pii": "drop"})


def test_another_treatment_of_personal_values_is_refused():
    assert "'drop' or 'hash'" in refusal(**{"dataset.columns.x.pii": "encrypt"})


STATION = {"dataset.columns.station": {"type": "category"}, "dataset.entity": "station"}


def test_an_entity_is_a_column_that_tells_rows_of_one_from_those_of_another():
    assert toy_settings(**STATION).dataset.entity == "station"
    assert toy_settings().dataset.entity is None


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({"dataset.entity": "shop"}, "c, station"),
        ({"dataset.entity": "x"}, "c, station"),
        ({"dataset.entity": "time"}, "c, station"),
        ({"dataset.columns.station.nullable": True}, "c"),
        ({"dataset.columns.c.nullable": True, "dataset.columns.station.type": "float"}, "there is none"),
    ],
)
def test_an_entity_that_is_no_such_column_is_refused_with_those_there_are(changes, allowed):
    name = changes.get("dataset.entity", "station")
    said = refusal(**{**STATION, **changes})
    assert said == (
        f"params.yaml: dataset: entity: {name!r}; allowed: a column of type int, bool, category that is not nullable: "
        f"{allowed}"
    )


@pytest.mark.parametrize("name", ["reasons", "row_hash"])
def test_a_column_called_like_one_of_the_quarantine_is_refused(name):
    said = refusal(**{f"dataset.columns.{name}": {"type": "category"}})
    assert said == (
        f"params.yaml: dataset.columns: {name!r}: the quarantine has a column of that name; allowed: another one, "
        "in the table too"
    )


def test_an_entity_needs_a_time():
    given = {**STATION, "dataset.source.row_number": "time"}
    assert refusal(**given) == "params.yaml: dataset: entity: 'station'; allowed: none, where no column is a time"


def test_settings_without_an_entity_have_the_bytes_that_they_had_before_there_were_such():
    assert "entity" not in toy_settings(**{"dataset.entity": None}).model_dump(mode="json")["dataset"]
    assert toy_settings(**STATION).model_dump(mode="json")["dataset"]["entity"] == "station"
