"""What a champion's package says of it beside its passport."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from keepfit.bundle import Bundle
from keepfit.dataset import Column
from keepfit.errors import PackageError
from keepfit.files import hash_file, write_json
from keepfit.score import score_rows
from keepfit.servable import Parity, Servable, as_json, describe, read_servable
from tests.bundles import train_bundle
from tests.toys import REGRESSION, toy_amounts, toy_rows, toy_settings, toy_table

PARITY = Parity(compiled=False, why="a test", rows=0)


@pytest.fixture(scope="module")
def amounts(tmp_path_factory) -> Bundle:
    settings = toy_settings(**REGRESSION)
    return train_bundle(tmp_path_factory.mktemp("amounts") / "b", toy_table(toy_amounts(), settings), settings)


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> Bundle:
    return train_bundle(tmp_path_factory.mktemp("toy") / "b", toy_table(toy_rows(), toy_settings()), toy_settings())


def test_the_typical_row_is_the_references_median_and_most_frequent_value(toy):
    said = describe(toy, toy_rows(), PARITY)
    assert said.typical == {"x": float(toy.reference.x.median()), "c": toy.reference.c.mode()[0]}


def test_the_example_can_be_scored_and_is_of_the_newest_row_that_was_learned_from(toy):
    said = describe(toy, toy_rows(), PARITY)
    # The newest row of the toy has no label yet.
    assert toy.passport.trained_on.last == str(toy_rows().time[298])
    request = json.loads(json.dumps(said.model_dump(mode="json")["example"]))
    assert len(score_rows(toy, pd.DataFrame(request))) == 1
    assert request[-1]["x"] == toy_rows().x[298]


def test_rows_that_came_after_training_change_nothing(toy):
    assert describe(toy, toy_rows()[:299], PARITY) == describe(toy, toy_rows(), PARITY)


@pytest.mark.parametrize("level", ["0.5", "0.8", "0.9", "0.95"])
def test_an_interval_holds_the_share_of_the_reference_that_it_names(amounts, level):
    width = describe(amounts, toy_amounts(), PARITY).residuals[level]
    inside = ((amounts.reference.label - amounts.reference.score).abs() <= width).mean()
    assert float(level) <= inside <= float(level) + 0.02


def test_a_yes_or_no_has_no_interval(toy):
    assert describe(toy, toy_rows(), PARITY).residuals == {}


@pytest.mark.parametrize(
    ("value", "column", "expected"),
    [
        (3.0, {"type": "int"}, 3),
        (2.5, {"type": "float"}, 2.5),
        (1.0, {"type": "bool"}, True),
        ("a", {"type": "category"}, "a"),
        (np.nan, {"type": "float"}, None),
        (None, {"type": "category"}, None),
        (pd.NaT, {"type": "datetime"}, None),
        (pd.Timestamp("2020-01-02"), {"type": "datetime"}, "2020-01-02T00:00:00"),
        (pd.Timestamp("1970-01-03"), {"type": "datetime", "format": "D"}, 2),
        (pd.Timestamp("2020-01-02"), {"type": "datetime", "format": "%d.%m.%Y"}, "02.01.2020"),
    ],
)
def test_a_typed_value_is_written_as_a_request_writes_it(value, column, expected):
    found = as_json(value, Column(**column))
    assert found == expected
    assert type(found) is type(expected)


def test_what_is_read_is_what_was_written(toy, tmp_path: Path):
    said = describe(toy, toy_rows(), PARITY)
    write_json(tmp_path / "serving.json", said.model_dump(mode="json"))
    assert read_servable(tmp_path) == said


@pytest.mark.parametrize("change", ["missing", "changed"])
def test_a_file_that_is_not_the_one_that_was_packaged_is_named(toy, tmp_path: Path, change):
    plan = tmp_path / "plan.json"
    plan.write_text("{}")
    said = describe(toy, toy_rows(), PARITY).model_copy(update={"files": {"plan.json": hash_file(plan)}})
    write_json(tmp_path / "serving.json", said.model_dump(mode="json"))
    assert isinstance(read_servable(tmp_path), Servable)
    plan.unlink() if change == "missing" else plan.write_text("{ }")
    with pytest.raises(PackageError, match=r"plan.json: missing or changed"):
        read_servable(tmp_path)


def test_a_champion_that_was_never_packaged_is_a_named_error(tmp_path: Path):
    with pytest.raises(PackageError, match="package"):
        read_servable(tmp_path)
