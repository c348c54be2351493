import numpy as np
import pandas as pd
import pytest

from keepfit.batch import newer_than_training, require_newer, require_same_question, score_batch
from keepfit.bundle import Bundle
from keepfit.errors import BatchError, MissingColumn
from keepfit.score import predict_scores
from tests.bundles import train_bundle
from tests.toys import toy_rows, toy_settings, toy_table

SETTINGS = toy_settings()
# Of 300 rows the last has no label, so that 299 are learned from.
LAST = pd.Timestamp("2020-10-25")
NOBODY = pd.Series([], dtype="datetime64[ns]")


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
    np.testing.assert_array_equal(batch.evidence.score, expected)
    np.testing.assert_array_equal(batch.evidence.loss.isna(), [False] * 39 + [True])
    right = np.where(newer.y == 1, expected, 1 - expected)
    np.testing.assert_allclose(batch.evidence.loss[:39], -np.log(right[:39]))
    assert [*batch.evidence] == ["x", "c", "time", "label", "score", "loss"]


def test_the_raw_rows_and_the_times_set_aside_go_along(bundle, newer):
    table, times = toy_table(newer, SETTINGS), newer.time[:2]
    batch = score_batch(table, newer, bundle, SETTINGS, set_aside=times)
    pd.testing.assert_frame_equal(batch.rows, newer)
    pd.testing.assert_series_equal(batch.set_aside, times)


def test_no_row_at_all_is_an_empty_batch(bundle, newer):
    batch = score(newer[:0], bundle)
    assert (len(batch.evidence), [*batch.evidence][-2:]) == (0, ["score", "loss"])


def test_rows_without_any_label_are_scored_without_a_loss(bundle, newer):
    evidence = score(newer.assign(y=np.nan), bundle).evidence
    assert evidence.score.notna().all()
    assert evidence.loss.isna().all()


@pytest.mark.parametrize("column", ["x", "c", "time", "label"])
def test_a_table_without_a_column_that_is_needed_is_refused_by_name(bundle, newer, column):
    table = toy_table(newer, SETTINGS).drop(columns=column)
    with pytest.raises(MissingColumn, match=column):
        score_batch(table, newer, bundle, SETTINGS, set_aside=NOBODY)
