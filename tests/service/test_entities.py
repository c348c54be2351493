"""Requests whose rows are of several entities: each looks back on its own, and what it lacks is told by row."""

from typing import Any

import pandas as pd
import pytest

from keepfit.bundle import Bundle
from keepfit.errors import LogError
from keepfit.score import score_rows
from keepfit.serving.app import App
from keepfit.serving.archive import compute_features
from tests.panel import LOOK_BACK, package_panel, panel_rows, pipeline_scores
from tests.service.asking import as_records, ask, open_app


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return panel_rows()


@pytest.fixture(scope="module")
def bundle(panel: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return package_panel(tmp_path_factory.mktemp("panel"), panel)


@pytest.fixture(scope="module")
def app(bundle: Bundle) -> App:
    return open_app(bundle)


@pytest.fixture
def rows(panel: pd.DataFrame) -> list[dict[str, Any]]:
    return write(panel.tail(60))


def write(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return as_records(rows[["time", "station", "x", "c"]])


def test_each_row_with_its_own_history_has_the_pipelines_score(app, bundle, panel):
    panel = panel.assign(x=panel.x.round(6))
    rows = panel.tail(60)
    told = ask(app, "/predict", write(rows)).json["predictions"]
    wanted = score_rows(bundle, rows.reset_index(drop=True))
    assert [each["row"] for each in told] == list(wanted.index)
    assert [each["score"] for each in told] == list(wanted.score)
    assert list(wanted.score) == list(pipeline_scores(bundle, panel)[rows.index[wanted.index]])


def test_some_rows_may_be_chosen_in_any_order_and_reasons_are_of_these(app, rows):
    every = {each["row"]: each for each in ask(app, "/predict?explain=2", {"rows": rows}).json["predictions"]}
    first, *_, last = every
    told = ask(app, "/predict?explain=2", {"rows": rows, "score": [last, first]}).json["predictions"]
    for found, row in zip(told, (last, first), strict=True):
        assert (found["row"], found["score"], found["reasons"]) == (row, every[row]["score"], every[row]["reasons"])


def test_a_row_to_score_without_the_history_of_its_entity_is_named(app, rows):
    scored = [each["row"] for each in ask(app, "/predict", rows).json["predictions"]]
    told = ask(app, "/predict", {"rows": rows, "score": [0, scored[5], 59]})
    assert told.status == 422
    assert told.problems == [
        (0, "station", "too little history of its own"),
        (59, "station", "too little history of its own"),
    ]
    assert told.json["problems"][1]["allowed"] == "2 rows of the same station before it"
    assert told.json["problems"][1]["value"] == "new"
    assert ask(app, "/predict", {"rows": rows, "score": [60]}).json["error"] == "score: 60; allowed: 0 to 59"
    assert ask(app, "/predict", {"rows": rows, "score": [-1]}).json["error"] == "score: -1; allowed: 0 to 59"


def test_without_a_row_that_has_its_history_the_last_one_is_named(app, panel):
    few = panel.groupby("station", observed=True).head(LOOK_BACK)
    told = ask(app, "/predict", write(few))
    assert (told.status, told.problems) == (422, [(len(few) - 1, "station", "too little history of its own")])
    told = ask(app, "/predict", write(few.head(2)))
    assert told.json["error"] == "2 rows; at least 3 needed: 2 of history and one to score, of one station"


def test_a_row_that_does_not_say_whose_it_is_is_named_and_nothing_else(app, rows):
    del rows[30]["station"]
    assert ask(app, "/predict", {"rows": rows, "score": [0]}).problems == [(30, "station", "missing column")]
    rows[30] = rows[29] | {"station": None}
    assert [each[:2] for each in ask(app, "/predict", rows).problems] == [(30, "station")]


def test_the_document_says_what_history_a_row_needs_and_its_example_is_answered(app):
    operation = ask(app, "/openapi.json").json["paths"]["/predict"]["post"]
    assert "look back on 2 rows of the same `station`" in operation["description"]
    content = operation["requestBody"]["content"]["application/json"]
    *_, wrapped = content["schema"]["anyOf"]
    assert wrapped["properties"]["score"]["description"].endswith("all that have their history.")
    assert wrapped["properties"]["score"]["items"]["minimum"] == 0
    assert len(content["example"]["rows"]) == LOOK_BACK + 1
    assert len(ask(app, "/predict?explain=3", content["example"]).json["predictions"]) == 1


def test_a_stored_request_gives_the_features_of_a_row_again_if_none_between_is_gone(app, bundle, panel):
    from keepfit.score import compute_features as of_frame

    rows = panel.tail(60).assign(x=panel.x.round(6)).reset_index(drop=True)
    stored = dict(enumerate(write(rows)))
    wanted = of_frame(rows, bundle.passport)
    row = int(wanted.index[10])
    assert compute_features(app.served, stored, row) == pytest.approx(wanted.loc[row].to_dict())
    own = [each for each in range(row) if stored[each]["station"] == stored[row]["station"]][-LOOK_BACK]
    del stored[own - 1]
    assert compute_features(app.served, stored, row)["own_mean"] == wanted.own_mean[row]
    del stored[own + 1]
    with pytest.raises(LogError, match=rf"^row {own + 1} of the request, on which it looks back, is not in the log"):
        compute_features(app.served, stored, row)
