"""The application: each answer is what the pipeline says, or a refusal that says why; never an error of its own."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from keepfit.bundle import Bundle
from keepfit.compiled.scorer import FrameScorer
from keepfit.score import score_rows
from keepfit.servable import read_servable
from keepfit.serving.app import App
from keepfit.serving.keys import create_key
from tests.service.asking import Told, as_records, ask, asking, open_app
from tests.toys import TOYS

ROW = {"time": "2020-05-05T00:00:00", "x": 1.5, "c": "b"}
IDS = "0123456789abcdef"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["rows", "score", "time", "x", "c", "id", "outcome"]), inner, max_size=5)
    ),
    max_leaves=12,
)
ROWS = st.fixed_dictionaries(
    {
        "time": st.sampled_from(["2020-05-05", "2021-01-01T10:00:00Z", "never"]),
        "x": st.floats(-1e308, 1e308) | st.integers(-(10**6), 10**6) | st.none(),
        "c": st.sampled_from(["a", "b", "d", "new", 5]),
    }
)
DOCUMENTED = {200, 400, 401, 403, 404, 405, 408, 413, 415, 422, 429}


def records(task: str, count: int = 40) -> list[dict[str, Any]]:
    return as_records(TOYS[task](count)[["time", "x", "c"]])


def scores(told: Told) -> list[float]:
    return [each["score"] for each in told.json["predictions"]]


def same_as_the_pipeline(told: Told, bundle: Bundle, rows: list[dict[str, Any]]) -> None:
    expected = score_rows(bundle, pd.DataFrame(rows))
    if read_servable(bundle.folder).parity.difference == 0:
        assert scores(told) == list(expected.score)
    else:
        assert scores(told) == pytest.approx(list(expected.score), rel=1e-12, abs=1e-12)
    if "decision" in expected:
        assert [each["decision"] for each in told.json["predictions"]] == list(expected.decision)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_rows_get_the_pipelines_scores_one_by_one_and_together(task: str, request):
    bundle, rows = request.getfixturevalue(task), records(task)
    app = open_app(bundle)
    together = ask(app, "/predict", rows)
    assert together.status == 200
    same_as_the_pipeline(together, bundle, rows)
    assert [scores(ask(app, "/predict", row))[0] for row in rows] == pytest.approx(scores(together), rel=1e-12)
    assert together.json["version"] == bundle.passport.version
    assert [each["row"] for each in together.json["predictions"]] == list(range(40))


def test_trees_give_the_pipelines_scores_to_the_last_bit(binary: Bundle):
    assert read_servable(binary.folder).parity.difference == 0
    rows = records("binary")
    told = [scores(ask(open_app(binary), "/predict", row))[0] for row in rows]
    assert told == list(score_rows(binary, pd.DataFrame(rows)).score)


def test_a_few_rows_need_no_frame(app: App, binary: Bundle, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr("keepfit.serving.predict.make_frame")
    rows = records("binary")
    same_as_the_pipeline(ask(app, "/predict", rows), binary, rows)
    told = ask(app, "/predict", {"rows": rows, "score": [7, 3]}).json["predictions"]
    assert [each["row"] for each in told] == [7, 3]
    assert [each["score"] for each in told] == list(score_rows(binary, pd.DataFrame(rows)).score[[7, 3]])


def test_a_model_that_is_not_compiled_gives_reasons_for_a_few_rows_alone(binary: Bundle):
    app = open_app(binary)
    scorer = FrameScorer(binary, "as it were")
    app.served = replace(app.served, scorer=scorer)
    assert ask(app, "/predict?explain=1", [ROW] * 2).status == 200
    told = ask(app, "/predict?explain=1", [ROW] * 51)
    assert (told.status, told.json["error"]) == (422, "explain: 51 rows; allowed: 50, of a model that is not compiled")


def test_several_classes_have_a_probability_each_and_the_cheapest_is_decided(multiclass: Bundle):
    (told,) = ask(open_app(multiclass), "/predict", ROW).json["predictions"]
    assert list(told["scores"]) == ["low", "middle", "high"]
    assert sum(told["scores"].values()) == pytest.approx(1)
    assert told["score"] == max(told["scores"].values())
    assert told["decision"] in told["scores"]


def test_a_regression_decides_nothing(regression: Bundle):
    (told,) = ask(open_app(regression), "/predict", ROW).json["predictions"]
    assert set(told) == {"id", "row", "score", "logged"}


@hypothesis_settings(max_examples=150)
@given(body=JSON | st.lists(ROWS, max_size=3) | ROWS, path=st.sampled_from(["/predict", "/predict", "/feedback"]))
def test_whatever_comes_the_answer_is_200_or_a_documented_4xx(binary: Bundle, body: Any, path: str):
    app = open_app(binary)
    told = ask(app, path, json.dumps(body).encode())
    assert told.status in DOCUMENTED, told.body
    if told.status != 200:
        assert told.json["error"]
        assert all(problem["problem"] for problem in told.json["problems"])
    elif path == "/predict":
        rows = body if isinstance(body, list) else body.get("rows", [body])
        same_as_the_pipeline(told, binary, rows)


@given(st.binary(max_size=40))
def test_bytes_that_are_no_json_are_refused(binary: Bundle, body: bytes):
    assert ask(open_app(binary), "/predict", body).status in (400, 422)


def test_ids_are_new_for_each_prediction_and_sort_by_time(app: App):
    ids = [each["id"] for _ in range(3) for each in ask(app, "/predict", [ROW] * 200).json["predictions"]]
    assert len(set(ids)) == 600
    assert all(len(name) == 32 and set(name) <= set(IDS) for name in ids)
    assert ids[0][:12] <= ids[-1][:12]


def test_a_category_never_seen_is_scored_told_and_counted(app: App, binary: Bundle):
    row = {**ROW, "c": "new"}
    told = ask(app, "/predict", row)
    same_as_the_pipeline(told, binary, [row])
    assert told.json["predictions"][0]["unknown"] == ["c"]
    assert b'keepfit_unknown_categories_total{column="c"} 1.0' in ask(app, "/metrics").body


@pytest.mark.parametrize(
    ("given", "status", "named"),
    [
        ({"path": "/nowhere"}, 404, "/nowhere"),
        ({"path": "/predict", "method": "GET"}, 405, "POST"),
        ({"path": "/model", "body": {}}, 405, "GET"),
        ({"path": "/predict", "body": ROW, "kind": "text/plain"}, 415, "application/json"),
        ({"path": "/predict", "body": ROW, "kind": ""}, 415, "application/json"),
        ({"path": "/predict?explain=0", "body": ROW}, 422, "1 to 2 features"),
        ({"path": "/predict?explain=1&explain=2", "body": ROW}, 422, "each once"),
        ({"path": "/predict?why=1", "body": ROW}, 422, "'why'"),
        ({"path": "/predict?interval=0.9", "body": ROW}, 422, "binary"),
        ({"path": "/predict?%ff", "body": ROW}, 422, "query string"),
        ({"path": "/predict?explain=1&=0", "body": ROW}, 422, "query string"),
        ({"path": "/predictions/x"}, 422, "32 hexadecimal"),
        ({"path": f"/predictions/{'0' * 32}"}, 404, "no prediction"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_what_is_allowed(app: App, given: dict, status: int, named: str):
    told = ask(app, given.pop("path"), given.pop("body", None), **given)
    assert told.status == status
    assert named in told.json["error"]


def test_a_charset_beside_the_content_type_is_allowed(app: App):
    assert ask(app, "/predict", ROW, kind="Application/JSON; charset=utf-8").status == 200


def test_a_body_in_parts_is_one_body(app: App):
    whole = json.dumps(ROW).encode()
    assert ask(app, "/predict", whole, parts=[whole[:10], whole[10:20], whole[20:]]).status == 200


def test_a_body_that_does_not_come_is_not_waited_for(binary: Bundle):
    app = open_app(binary, timeout=0.05)
    assert ask(app, "/predict", ROW, parts=[]).status == 408
    assert ask(app, "/predict", ROW, parts=[b'{"x": 1', None]).status == 408


def test_large_bodies_that_come_at_once_are_held_to_a_limit(binary: Bundle):
    app = open_app(binary, max_held=50_000, timeout=0.2)
    large, small = json.dumps([ROW] * 600).encode(), json.dumps(ROW).encode()
    assert 25_000 < len(large) < 50_000

    async def ask_at_once() -> list[Told]:
        bodies = (large, [large[:10], None]), (large, [large]), (small, [small])
        return await asyncio.gather(*(asking(app, "/predict", body, parts=parts) for body, parts in bodies))

    told = asyncio.run(ask_at_once())
    assert [each.status for each in told] == [408, 429, 200]
    assert told[1].headers["retry-after"] == "1"
    assert ask(app, "/predict", large).status == 200
    # One that is larger than that by itself has to wait for nobody.
    assert ask(open_app(binary, max_held=1000), "/predict", large).status == 200


def test_before_a_champion_is_loaded_nothing_is_answered(app: App):
    app.served = None
    assert ask(app, "/predict", ROW).status == 503


def test_an_error_of_the_program_is_a_500_that_tells_nothing_of_it(app: App):
    class Broken:
        compiled = True

        def score_row(self, values):
            raise RuntimeError("secret")

    app.served = replace(app.served, scorer=Broken())
    told = ask(app, "/predict", ROW)
    assert told.status == 500
    assert b"secret" not in told.body


def test_the_interval_is_as_wide_as_was_found_at_packaging(regression: Bundle):
    app = open_app(regression)
    (told,) = ask(app, "/predict?interval=0.9", ROW).json["predictions"]
    low, high = told["interval"]
    width = app.served.servable.residuals["0.9"]
    assert (low, high) == (told["score"] - width, told["score"] + width)
    assert "0.5, 0.8" in ask(app, "/predict?interval=0.123", ROW).json["error"]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_reason_is_what_the_score_loses_with_the_typical_value(task: str, request):
    bundle = request.getfixturevalue(task)
    app = open_app(bundle)
    (told,) = ask(app, "/predict?explain=2", ROW).json["predictions"]
    by_name = {each["feature"]: each for each in told["reasons"]}
    assert set(by_name) == {"x", "c"}
    typical = app.served.servable.typical
    for name, reason in by_name.items():
        (other,) = ask(app, "/predict", {**ROW, name: typical[name]}).json["predictions"]
        here, there = told["score"], other["score"]
        if task == "multiclass":
            here, there = (each["scores"][told["decision"]] for each in (told, other))
        assert reason["contribution"] == pytest.approx(here - there, abs=1e-12)
        assert reason["value"] == ROW[name]
    sizes = [abs(each["contribution"]) for each in told["reasons"]]
    assert sizes == sorted(sizes, reverse=True)
    assert ask(app, "/predict?explain=1", ROW).json["predictions"][0]["reasons"] == told["reasons"][:1]


def test_the_model_is_its_passport_with_what_packaging_found(app: App, binary: Bundle):
    told = ask(app, "/model").json
    assert told.pop("serving")["parity"]["compiled"] is True
    assert told == json.loads((binary.folder / "passport.json").read_text())


def test_each_path_wants_its_scope(binary: Bundle, tmp_path):
    file = tmp_path / "keys.json"
    tokens = {scope: create_key(file, (scope,))[1] for scope in ("predict", "feedback", "read")}
    app = open_app(binary, keys=file)
    asked = {
        "/predict": ROW,
        "/feedback": {"id": "0" * 32, "outcome": True},
        "/model": None,
        "/metrics": None,
        "/openapi.json": None,
    }
    allowed = {
        path: {scope for scope, token in tokens.items() if ask(app, path, body, key=token).status == 200}
        for path, body in asked.items()
    }
    assert allowed == {
        "/predict": {"predict"},
        "/feedback": {"feedback"},
        "/model": {"predict", "read"},
        "/metrics": {"read"},
        "/openapi.json": {"predict", "feedback", "read"},
    }
    assert [ask(app, path, body).status for path, body in asked.items()] == [401] * 5
    assert ask(app, "/docs").status == 200


def test_metrics_may_be_open_to_loopback_alone(binary: Bundle, tmp_path):
    app = open_app(binary, keys=tmp_path / "none.json", metrics="loopback")
    assert ask(app, "/metrics").status == 200
    assert ask(app, "/metrics", client=("10.0.0.7", 5)).status == 403
