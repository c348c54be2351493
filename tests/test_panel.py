"""A table of entities: the pipeline, a frame, files and the checks give each row its own entity's history."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from keepfit.acceptance import record_scores
from keepfit.bundle import Bundle
from keepfit.columns import parse
from keepfit.compiled.parity import holdout_rows
from keepfit.errors import MissingColumn, TooFewRows
from keepfit.incoming import take_in
from keepfit.rows import Tail, read_history, read_with_history
from keepfit.score import compute_features, score_rows
from keepfit.scoring import run as scoring
from keepfit.scoring.champion import load_champion
from keepfit.scoring.job import Job
from keepfit.scoring.run import make_order, run
from keepfit.servable import Parity, describe
from keepfit.served_rows import Served, compute_served
from keepfit.tables import Table
from tests.logged import earlier, predicted
from tests.panel import LOOK_BACK, package_panel, panel_rows, panel_settings, pipeline_scores, toy_table, train_panel
from tests.service.asking import prepare_quickly
from tests.test_served_rows import logged


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return panel_rows()


@pytest.fixture(scope="module")
def bundle(rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return package_panel(tmp_path_factory.mktemp("panel"), rows)


@pytest.fixture(scope="module")
def scores(bundle: Bundle, rows: pd.DataFrame) -> pd.Series:
    return pipeline_scores(bundle, rows)


def test_a_passport_says_whose_rows_are_looked_back_on_and_else_nothing_new(bundle, rows, tmp_path):
    request = bundle.passport.request
    assert (request.entity, list(request.columns)) == ("station", ["time", "station", "x", "c"])
    assert "entity" in bundle.passport.model_dump(mode="json")["request"]
    alone = train_panel(tmp_path, rows, **{"dataset.entity": None}).passport
    assert list(alone.model_dump(mode="json")["request"]) == [
        "time",
        "columns",
        "module",
        "used_as_they_are",
        "look_back",
    ]
    assert list(alone.request.columns) == ["time", "x", "c"]


def test_the_entity_is_no_input_whose_values_are_watched(bundle):
    assert list(bundle.profile.columns) == ["x", "c"]


def test_features_that_do_not_look_back_need_no_entity(rows, tmp_path):
    features = {"module": "as_is", "columns": ["x", "c"]}
    request = train_panel(tmp_path, rows, **{"dataset.features": features}).passport.request
    assert (request.entity, list(request.columns)) == (None, ["time", "x", "c"])


def test_a_frame_has_the_pipelines_scores_where_its_entities_have_rows_enough(bundle, rows, scores):
    found = score_rows(bundle, rows.drop(columns="y"))
    assert list(found.index) == list(scores.index)
    assert 0 < len(rows) - len(scores) < 10
    np.testing.assert_array_equal(found.score, scores)
    some = rows[rows.station.isin(["north", "west"])].tail(50)
    found = score_rows(bundle, some)
    assert len(found) == 50 - 2 * LOOK_BACK
    np.testing.assert_array_equal(found.score, scores[found.index])


def test_a_frame_in_which_no_entity_has_rows_enough_is_refused(bundle, rows):
    few = rows.groupby("station", observed=True).head(LOOK_BACK)
    with pytest.raises(TooFewRows, match=r"^9 rows; no station has 3: 2 of history and one to score$"):
        score_rows(bundle, few)
    with pytest.raises(MissingColumn, match="station"):
        score_rows(bundle, rows.drop(columns="station"))


def score_files(bundle: Bundle, files: list[Path], out: Path, *, size: int) -> tuple[pd.DataFrame, list]:
    champion, job = load_champion(bundle.folder), Job(out)
    order = make_order(champion, files, (), size)
    marks = run(champion, job, order, job.begin(order), threads=2)
    return pd.read_parquet(out), marks


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_a_file_has_the_pipelines_scores_for_every_size_of_its_chunks(bundle, rows, scores, tmp_path, size):
    rows = rows.tail(150)
    wanted = score_rows(bundle, rows).score
    rows[:70].to_csv(tmp_path / "a.csv", index=False)
    rows[70:].to_parquet(tmp_path / "b.parquet", index=False)
    files = [tmp_path / "a.csv", tmp_path / "b.parquet"]
    found, marks = score_files(bundle, files, tmp_path / "out.parquet", size=size)
    np.testing.assert_array_equal(found.score, wanted)
    np.testing.assert_array_equal(wanted, scores[wanted.index])
    places = [rows.index.get_loc(row) for row in wanted.index]
    assert list(found.row) == [place if place < 70 else place - 70 for place in places]
    assert sum(mark.history for mark in marks) == len(rows) - len(wanted) == 9


def test_a_scoring_that_was_stopped_goes_on_with_the_history_of_every_entity(bundle, rows, tmp_path, monkeypatch):
    rows.to_parquet(tmp_path / "rows.parquet", index=False)
    champion, job = load_champion(bundle.folder), Job(tmp_path / "out.parquet")
    order = make_order(champion, [tmp_path / "rows.parquet"], (), 30)
    done = job.begin(order)
    whole, written = scoring._write, []

    def write_some(step, *told):
        if len(written) == 5:
            raise KeyboardInterrupt
        written.append(told)
        return whole(step, *told)

    with monkeypatch.context() as broken:
        broken.setattr(scoring, "_write", write_some)
        with pytest.raises(KeyboardInterrupt):
            run(champion, job, order, done, threads=1)
    done = job.begin(order)
    assert len(done) == 5
    run(champion, job, order, done, threads=1)
    np.testing.assert_array_equal(pd.read_parquet(tmp_path / "out.parquet").score, score_rows(bundle, rows).score)


def test_the_holdout_is_scored_with_the_history_of_its_entities(bundle, rows, tmp_path):
    made = toy_table(rows, panel_settings())
    rows.to_parquet(tmp_path / "valid", index=False, row_group_size=37)
    for valid in (rows, Table(tmp_path / "valid")):
        found = compute_features(holdout_rows(bundle, valid), bundle.passport)
        held = made.index[made.time.between(bundle.passport.judged_on.first, bundle.passport.judged_on.last)]
        # Of two rows of the first moment the second; and the new station's one row has no history.
        assert list(found.index) == [row for row in held[1:] if rows.station[row] != "new"]
        wanted = made.loc[found.index, list(found)]
        pd.testing.assert_frame_equal(found, wanted, check_exact=True, check_categorical=False)


def test_rows_of_a_file_its_tail_and_a_frame_have_the_same_history(rows, tmp_path):
    rows.to_parquet(tmp_path / "valid", index=False, row_group_size=37)
    columns, table = ["time", "station", "x"], Table(tmp_path / "valid")
    part, told = slice(390, 400), {"look_back": LOOK_BACK, "entity": "station"}
    wanted = read_with_history(rows, part, columns, **told)
    history = rows[:390].groupby("station", observed=True).tail(LOOK_BACK)
    assert list(wanted.index) == [*history.index, *range(390, 400)]
    for other in (table, Tail(table, 0)):
        pd.testing.assert_frame_equal(read_with_history(other, part, columns, **told), wanted)
    came = read_history(Tail(table, 100), 290, came=rows[390:], **told)
    assert list(came.x) == list(history.x)


def test_the_example_and_the_recorded_rows_can_be_scored(bundle, rows, scores):
    example = pd.DataFrame(describe(bundle, rows, Parity(compiled=True, why="", rows=1)).example)
    assert len(example) == LOOK_BACK + 1
    assert example.station.nunique() == 1
    assert len(score_rows(bundle, example)) == 1
    recorded = record_scores(
        bundle, rows, toy_table(rows, panel_settings()), parity=Parity(compiled=True, why="", rows=1)
    )
    assert len(recorded.rows) == 50 + 4 * LOOK_BACK
    assert score_rows(bundle, pd.DataFrame(recorded.rows)).score.tolist() == recorded.scores == scores.tail(50).tolist()


@pytest.mark.parametrize("stored", [False, True])
def test_new_rows_have_the_features_that_they_have_in_the_whole_table(rows, tmp_path, stored):
    old, settings = rows[:300], panel_settings()
    champion, past = train_panel(tmp_path, old), old
    if stored:
        old.to_parquet(tmp_path / "valid", index=False, row_group_size=37)
        past = Table(tmp_path / "valid")
    made = take_in(rows[300:].reset_index(drop=True), past, champion, settings).table
    whole = toy_table(rows, settings)[300:]
    pd.testing.assert_frame_equal(
        made.reset_index(drop=True), whole.reset_index(drop=True), check_exact=True, check_categorical=False
    )


def request_of(name: str, rows: pd.DataFrame) -> list:
    """Records of a request with these rows, of which those that have their history were scored."""
    told = rows[["time", "station", "x", "c"]].astype({"time": str}).to_dict("records")
    before = rows.groupby("station", observed=True).cumcount() >= LOOK_BACK
    return [
        predicted(f"{name}{number}", request=name, number=number, row=row) if scored else earlier(name, number, row=row)
        for number, (row, scored) in enumerate(zip(told, before, strict=True))
    ]


def serve(records: list, bundle: Bundle) -> tuple[pd.DataFrame, dict[str, int]]:
    served: Served = logged(*records)
    column = panel_settings().dataset.columns["time"]
    table, left_out = compute_served(served, bundle.passport, column, "time")
    return table, {name: count for name, count in left_out.items() if count}


def test_served_rows_look_back_on_those_of_their_own_entity_and_request(bundle, rows):
    first, second = rows[100:140], rows[200:240]
    table, left_out = serve([*request_of("b", second), *request_of("a", first)], bundle)
    wanted = pd.concat([compute_features(each, bundle.passport) for each in (first, second)])
    assert left_out == {}
    assert list(table["feature own_mean"]) == list(wanted.own_mean)
    assert list(table["feature trend"]) == list(wanted.trend)


def test_rows_of_one_moment_are_of_several_entities_and_one_that_was_asked_again_counts_once(bundle, rows):
    table, left_out = serve([*request_of("a", rows[100:140]), *request_of("b", rows[104:140])], bundle)
    assert len(table) == len(compute_features(rows[100:140], bundle.passport))
    assert left_out == {"asked again": len(compute_features(rows[104:140], bundle.passport))}


def test_a_served_row_is_left_out_where_any_row_since_the_first_of_its_history_was_erased(bundle, rows):
    rows = pd.DataFrame(
        {"time": pd.date_range("2020-01-01", periods=7, freq="h"), "station": list("aababab"), "x": range(7), "c": "a"}
    )
    records = request_of("a", rows)
    # Of a: 0 1 3 5, of b: 2 4 6.
    kept = [each for each in records if each.number != 2]
    table, left_out = serve(kept, bundle)
    assert (list(table.station), left_out) == ([], {"without their look-back": 3})
    kept = [each for each in records if each.number != 0]
    table, left_out = serve(kept, bundle)
    assert (list(table.station), left_out) == (["a", "b"], {"without their look-back": 1})


def test_entities_may_be_numbers_in_frames_files_and_checks_alike(rows, tmp_path):
    numbered = rows.assign(station=rows.station.cat.codes.astype(float))
    kinds = {"dataset.columns.station": {"type": "int"}}
    old, new = numbered[:300], numbered[300:].reset_index(drop=True)
    champion = train_panel(tmp_path, old, **kinds)
    prepare_quickly(champion, old)
    wanted = toy_table(numbered, panel_settings(**kinds))
    told = numbered.astype({"station": int})
    found = compute_features(parse(told, champion.passport.request.columns), champion.passport)
    assert list(found.own_mean) == list(wanted.own_mean[found.index])
    told.to_csv(tmp_path / "rows.csv", index=False)
    scored, _ = score_files(champion, [tmp_path / "rows.csv"], tmp_path / "out.parquet", size=7)
    np.testing.assert_array_equal(scored.score, score_rows(champion, told).score)
    made = take_in(new.astype({"station": int}), old, champion, panel_settings(**kinds)).table
    np.testing.assert_array_equal(made.own_mean, wanted.own_mean[300:])
