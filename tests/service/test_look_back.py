"""Rows that look back: the history comes with the request, and each score is the pipeline's to the last bit."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from features import sp500
from keepfit.bundle import Bundle
from keepfit.score import score_rows
from keepfit.serving.app import App
from keepfit.validate import validate
from tests.bundles import train_bundle
from tests.modelling import ROOT
from tests.service.asking import as_records, ask, open_app, prepare_quickly
from tests.toys import BOOSTED, toy_settings, toy_table

HISTORY = 63


@pytest.fixture(scope="module")
def market() -> pd.DataFrame:
    return sp500.load().reset_index()[:700]


@pytest.fixture(scope="module")
def bundle(market: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    dataset = yaml.safe_load((ROOT / "conf/dataset/sp500.yaml").read_text())
    settings = toy_settings(dataset=dataset, model=BOOSTED, **{"train.holdout": 150})
    valid = validate(market, settings.dataset).valid
    folder: Path = tmp_path_factory.mktemp("sp500") / "champion"
    found = train_bundle(folder, toy_table(valid, settings), settings, valid=valid)
    prepare_quickly(found, valid)
    return found


@pytest.fixture(scope="module")
def app(bundle: Bundle) -> App:
    return open_app(bundle)


@pytest.fixture
def rows(market: pd.DataFrame, bundle: Bundle) -> list[dict[str, Any]]:
    """The newest seventy days, as JSON has them."""
    needed = market[list(bundle.passport.request.columns)].tail(HISTORY + 7)
    return as_records(needed, time="Date")


def test_each_row_after_the_history_has_the_pipelines_score(app: App, bundle: Bundle, rows):
    told = ask(app, "/predict", rows).json["predictions"]
    expected = score_rows(bundle, pd.DataFrame(rows))
    assert [each["row"] for each in told] == list(range(HISTORY, HISTORY + 7))
    assert [each["score"] for each in told] == list(expected.score)
    assert [each["decision"] for each in told] == list(expected.decision)


def test_some_rows_may_be_chosen_in_any_order(app: App, rows):
    every = {each["row"]: each["score"] for each in ask(app, "/predict", rows).json["predictions"]}
    told = ask(app, "/predict", {"rows": rows, "score": [HISTORY + 6, HISTORY + 1]}).json["predictions"]
    assert [(each["row"], each["score"]) for each in told] == [(row, every[row]) for row in (HISTORY + 6, HISTORY + 1)]


def test_too_little_history_says_how_much_is_needed(app: App, rows):
    told = ask(app, "/predict", rows[:HISTORY])
    assert told.status == 422
    assert told.json["error"] == "63 rows; at least 64 needed: 63 of history and one to score"
    assert ask(app, "/predict", rows[0]).status == 422


def test_rows_out_of_order_are_named(app: App, rows):
    told = ask(app, "/predict", [*rows[:-2], rows[-1], rows[-2]])
    assert told.problems == [(HISTORY + 6, "Date", "earlier than the row before")]


def test_the_example_of_the_document_is_a_whole_history(app: App):
    operation = ask(app, "/openapi.json").json["paths"]["/predict"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["example"]
    assert len(example["rows"]) == HISTORY + 1
    assert "look back on 63 rows" in operation["description"]
    assert len(ask(app, "/predict?explain=3", example).json["predictions"][0]["reasons"]) == 3
