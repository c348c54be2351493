import pickle

import numpy as np
import pandas as pd
import pytest

from keepfit.batch import newer_in_file, newer_than_training, require_newer, require_same_question, score_batch
from keepfit.bundle import Bundle
from keepfit.errors import BatchError, BundleError, MissingColumn
from keepfit.score import predict_scores
from keepfit.tables import Table, write_parts
from tests.bundles import train_bundle
from tests.toys import BOOSTED, LOGISTIC, toy_rows, toy_settings, toy_table

SETTINGS = toy_settings()
# Of 300 rows the last has no label, so that 299 are learned from.
LAST = pd.Timestamp("2020-10-25")
NOBODY = pd.Series([], dtype="datetime64[ns]")
ALL = slice(None)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Bundle:
    return train_bundle(tmp_path_factory.mktemp("batch") / "champion", toy_table(toy_rows(300), SETTINGS), SETTINGS)


@pytest.fixture(scope="module")
def newer() -> pd.DataFrame:
    """Typed rows after the training; the last one has no label yet."""
    rows = toy_rows(40, seed=3)
    return rows.assign(time=LAST + pd.to_timedelta(np.arange(1, 41), unit="D"))


def score(rows: pd.DataFrame, bundle: Bundle, **overrides):
    return score_batch(toy_table(rows, SETTINGS), rows, bundle, toy_settings(**overrides), set_aside=NOBODY)


def test_only_rows_after_the_last_learned_one_are_newer(bundle):
    rows = newer_than_training(toy_rows(320), bundle, "time")
    assert (rows.time > LAST).all()
    assert (len(rows), rows.index[0], rows.time.iloc[0]) == (21, 0, LAST + pd.Timedelta(days=1))


def test_rows_that_are_newer_are_let_through_and_no_row_too(bundle, newer):
    require_newer(newer, bundle, "time")
    require_newer(newer[:0], bundle, "time")


def test_rows_that_the_champion_learned_from_are_refused_with_their_number(bundle):
    with pytest.raises(BatchError, match=rf"^2 of 3 rows are not newer than {LAST}, .*; leave them out$"):
        require_newer(toy_rows(300)[297:], bundle, "time")


@pytest.mark.parametrize(
    ("key", "value"),
    [("dataset.name", "other"), ("dataset.label", "x")],
)
def test_a_bundle_of_another_question_is_refused_with_both(bundle, key, value):
    asked = toy_settings(**{key: value})
    told = r"answers \('toy', 'binary', 'y'\), params\.yaml asks .*" + value
    with pytest.raises(BatchError, match=told):
        require_same_question(bundle, asked)


def test_a_batch_of_another_question_is_not_scored(bundle, newer):
    with pytest.raises(BatchError, match="answers"):
        score(newer, bundle, **{"dataset.name": "other"})


def test_a_batch_has_the_champions_scores_and_the_loss_of_each_row_that_has_a_label(bundle, newer):
    batch = score(newer, bundle)
    table = toy_table(newer, SETTINGS)
    expected = predict_scores(bundle.model, table[["x", "c"]], "binary")
    np.testing.assert_array_equal(batch.evidence(ALL).score, expected)
    np.testing.assert_array_equal(batch.evidence(ALL).loss.isna(), [False] * 39 + [True])
    right = np.where(newer.y == 1, expected, 1 - expected)
    np.testing.assert_allclose(batch.evidence(ALL).loss[:39], -np.log(right[:39]))
    assert [*batch.evidence(ALL)] == ["x", "c", "time", "label", "score", "loss"]


def test_the_raw_rows_and_the_times_set_aside_go_along(bundle, newer):
    table, times = toy_table(newer, SETTINGS), newer.time[:2]
    batch = score_batch(table, newer, bundle, SETTINGS, set_aside=times)
    pd.testing.assert_frame_equal(batch.rows(ALL), newer[["time", "x", "c"]])
    pd.testing.assert_series_equal(batch.set_aside, times)


def test_no_row_at_all_is_an_empty_batch(bundle, newer):
    batch = score(newer[:0], bundle)
    assert (len(batch.evidence(ALL)), [*batch.evidence(ALL)][-2:]) == (0, ["score", "loss"])


def test_rows_without_any_label_are_scored_without_a_loss(bundle, newer):
    evidence = score(newer.assign(y=np.nan), bundle).evidence(ALL)
    assert evidence.score.notna().all()
    assert evidence.loss.isna().all()


@pytest.mark.parametrize("column", ["x", "c", "time", "label"])
def test_a_table_without_a_column_that_is_needed_is_refused_by_name(bundle, newer, column):
    table = toy_table(newer, SETTINGS).drop(columns=column)
    with pytest.raises(MissingColumn, match=column):
        score_batch(table, newer, bundle, SETTINGS, set_aside=NOBODY)


@pytest.mark.parametrize("model", [LOGISTIC, BOOSTED], ids=["linear", "boosted"])
def test_a_window_has_the_scores_that_it_has_among_all_rows_to_the_last_bit(model, tmp_path):
    settings = toy_settings(model=model)
    bundle = train_bundle(tmp_path / "champion", toy_table(toy_rows(300), settings), settings)
    rows = toy_rows(1003, seed=3).assign(time=LAST + pd.to_timedelta(np.arange(1, 1004), unit="D"))
    batch = score_batch(toy_table(rows, settings), rows, bundle, settings, set_aside=NOBODY)
    whole = batch.evidence(ALL)
    for start, stop in ((0, 1), (1, 78), (129, 1003), (1001, 1003), (500, 500)):
        part = batch.evidence(slice(start, stop))
        pd.testing.assert_frame_equal(part, whole[start:stop].reset_index(drop=True), check_exact=True)


def test_rows_of_a_file_are_the_batch_that_they_are_in_memory(bundle, newer, tmp_path):
    rows = pd.concat([toy_rows(300), newer], ignore_index=True)
    stored, held = [], []
    for name, frame in {"table": toy_table(rows, SETTINGS), "valid": rows}.items():
        write_parts(tmp_path / name, [frame], group=32)
        stored.append(newer_in_file(Table(tmp_path / name), bundle, "time"))
        held.append(newer_than_training(frame, bundle, "time"))
    one, other = (score_batch(*each, bundle, SETTINGS, set_aside=NOBODY) for each in (stored, held))
    pd.testing.assert_frame_equal(one.known, other.known)
    pd.testing.assert_series_equal(one.times, other.times)
    for window in (ALL, slice(7, 40), slice(3, 3)):
        pd.testing.assert_frame_equal(one.evidence(window), other.evidence(window), check_exact=True)
        pd.testing.assert_frame_equal(one.rows(window), other.rows(window))


def test_no_row_that_is_newer_is_an_empty_batch_from_a_file_too(bundle, tmp_path):
    write_parts(tmp_path / "table", [toy_rows(200)], group=32)
    assert len(newer_in_file(Table(tmp_path / "table"), bundle, "time")) == 0


def test_what_scores_a_window_can_be_sent_to_another_process(bundle, newer):
    batch = score(newer, bundle)
    sent = pickle.loads(pickle.dumps(batch.evidence))
    pd.testing.assert_frame_equal(sent(ALL), batch.evidence(ALL), check_exact=True)


def test_a_bundle_that_is_sent_is_opened_where_it_arrives_and_must_be_the_same(bundle, tmp_path):
    assert pickle.loads(pickle.dumps(bundle)) == bundle
    assert len(pickle.dumps(bundle)) < 1000
    folder = tmp_path / "champion"
    other = train_bundle(folder, toy_table(toy_rows(280), SETTINGS), SETTINGS)
    sent = pickle.dumps(other)
    train_bundle(folder, toy_table(toy_rows(290), SETTINGS), SETTINGS)
    with pytest.raises(BundleError, match="digest is"):
        pickle.loads(sent)
