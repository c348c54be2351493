from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from keepfit.errors import SettingsError, TooFewRows
from keepfit.rehearsal import prepare
from keepfit.repairs import hash_rows
from keepfit.replay import compare_stories, cut_segments, known_at, live, parse_step
from tests.toys import toy_dataset, toy_rows, toy_settings

TIMES = pd.Series(pd.date_range("2020-01-01", periods=10, freq="D"))


def test_segments_of_rows_follow_each_other_to_the_end():
    segments = cut_segments(TIMES, start=pd.Timestamp("2020-01-03"), step=3)
    assert [(each.first, each.stop) for each in segments] == [(2, 5), (5, 8), (8, 10)]
    assert str(segments[1].begins) == "2020-01-06 00:00:00"


def test_segments_of_time_begin_with_their_first_row():
    segments = cut_segments(TIMES, start=pd.Timestamp("2020-01-02"), step="4D")
    assert [(each.first, each.stop) for each in segments] == [(1, 5), (5, 9), (9, 10)]


@pytest.mark.parametrize("start", ["2019-01-01", "2020-01-10", "2021-01-01"])
def test_a_replay_needs_rows_before_it_and_two_steps(start):
    with pytest.raises(TooFewRows, match="needed: two, and rows before them"):
        cut_segments(TIMES, start=pd.Timestamp(start), step=5)


@pytest.mark.parametrize(("horizon", "unknown"), [(0, 0), (2, 2), ("2D", 1)])
def test_what_was_not_known_yet_is_not_used(horizon, unknown):
    table = pd.DataFrame({"time": TIMES, "label": 1.0})
    segment = cut_segments(TIMES, start=pd.Timestamp("2020-01-06"), step=2)[0]
    past = known_at(table, segment, time="time", horizon=horizon)
    assert len(past) == 5
    assert past.label.isna().sum() == unknown
    assert past.label.iloc[: 5 - unknown].notna().all()
    assert table.label.notna().all()


def losses(model: int) -> np.ndarray:
    # A model costs nothing in its own segment and one more a row in each later one.
    of_row = np.array([0, 0, 0, 0, 1, 1, 2, 2, 3, 3])
    return np.where(of_row < model, np.nan, of_row - model).astype(float)


SEGMENTS = cut_segments(TIMES, start=pd.Timestamp("2020-01-03"), step=2)


def told(policy: str, actions: dict[int, str]):
    return live(policy, SEGMENTS, losses, lambda serving, number: (actions.get(number, "none"), (), 0.5))


def test_the_model_that_serves_is_the_last_that_was_trained():
    story = told("some", {2: "retrain", 3: "alert"})
    assert [moment.model for moment in story.moments] == [0, 0, 2, 2]
    assert [moment.loss for moment in story.moments] == [0, 1, 0, 1]


def test_policies_are_compared_by_the_share_of_the_gain_that_they_keep():
    every = dict.fromkeys(range(1, 4), "retrain")
    stories = [told("never", {}), told("always", every), told("some", {2: "retrain"})]
    never, always, some = compare_stories(
        stories, SEGMENTS, losses, training_seconds=[10.0] * 4, changes=[pd.Timestamp("2020-01-05")]
    )
    assert (never["gain_kept"], always["gain_kept"]) == (0, 1)
    assert some["gain_kept"] == pytest.approx((1.5 - 0.5) / 1.5)
    assert (some["retrainings"], some["share_of_always"], some["in_vain"]) == (1, pytest.approx(1 / 3), 0)
    assert (never["seconds"], some["seconds"]) == (1.5, 11.5)
    assert some["days_to_alarm"] == {"2020-01-05": None}


def test_a_retraining_that_saves_nothing_is_in_vain():
    flat = lambda model: np.ones(10)  # noqa: E731
    story = live("some", SEGMENTS, flat, lambda serving, number: ("retrain" if number == 2 else "none", (), 0.0))
    rows = compare_stories([story.model_copy(update={"policy": name}) for name in ("never", "always", "some")],
                           SEGMENTS, flat, training_seconds=[0.0] * 4, changes=[])  # fmt: skip
    assert rows[2]["in_vain"] == 1
    assert rows[2]["gain_kept"] is None


def test_the_days_to_an_alarm_are_counted_from_the_change_to_the_first_step_that_hears_it():
    hears = lambda serving, number: ("none", ("loss",) if number >= 2 else (), 0.0)  # noqa: E731
    stories = [live(name, SEGMENTS, losses, hears) for name in ("never", "always")]
    row = compare_stories(stories, SEGMENTS, losses, training_seconds=[0.0] * 4, changes=[pd.Timestamp("2020-01-04")])[
        0
    ]
    assert row["days_to_alarm"] == {"2020-01-04": 3.0}


def test_without_never_or_always_no_share_of_a_gain_is_told():
    stories = [told("some", {2: "retrain"}), told("never", {})]
    rows = compare_stories(stories, SEGMENTS, losses, training_seconds=[0.0] * 4, changes=[])
    assert [(row["policy"], row["gain_kept"]) for row in rows] == [("some", None), ("never", None)]


@pytest.mark.parametrize(("text", "step"), [("90", 90), ("80D", "80D"), ("6h", "6h")])
def test_a_step_is_rows_or_a_length_of_time(text, step):
    assert parse_step(text) == step


@pytest.mark.parametrize("text", ["foo", "0", "0D", "-3", "1.5", "", "²"])
def test_what_is_no_step_is_named(text):
    with pytest.raises(SettingsError, match=f"^step '{text}': allowed: a number of rows, or a length of time"):
        parse_step(text)


def test_a_replay_of_changed_rows_repairs_or_settings_is_another(tmp_path, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[1])
    source, rows = tmp_path / "toy.csv", toy_rows(60)

    def folder(rows: pd.DataFrame, repairs: pd.DataFrame | None = None, step: int = 10) -> Path:
        rows.to_csv(source, index=False)
        settings = toy_settings(**{"dataset.source.path": str(source)})
        return prepare(tmp_path, settings, repairs, start=rows["time"].iloc[30], step=step).folder

    flipped = rows.assign(y=[1 - rows.y[0], *rows.y[1:]])
    one, again = folder(rows), folder(rows)
    repairs = flipped.head(1).assign(row_hash=hash_rows(pd.read_csv(source), toy_dataset())[:1])
    others = [folder(flipped), folder(rows, repairs), folder(rows, step=9)]
    assert one == again
    assert one not in others
    assert others[0] == others[1]
