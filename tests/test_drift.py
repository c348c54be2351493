import json

import numpy as np
import pandas as pd
import pytest

from keepfit.bundle import Bundle
from keepfit.checkup import last_attempt
from keepfit.evidence import FOLD
from keepfit.history import LABELLED, ROWS
from tests.bundles import train_bundle
from tests.monitored import calm_rows, champion, examined, flip, monitored_settings, moved_rows, newer_rows
from tests.toys import toy_table


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return champion(tmp_path_factory.mktemp("champion"))


def verdict(said: dict) -> tuple[str, str, int]:
    return said["verdict"], said["action"], said["status"]


def alarms(said: dict) -> set[str]:
    return {each["check"] for each in said["checks"] if each["alarm"]}


def test_rows_like_those_of_training_are_ok(bundle):
    said = examined(newer_rows(), bundle).report
    assert verdict(said) == ("ok", "none", 0)
    assert alarms(said) == set()


def test_outcomes_that_turned_round_retrain(bundle):
    said = examined(flip(newer_rows(), 0.5), bundle).report
    assert verdict(said) == ("performance", "retrain", 3)
    assert {"loss", "surprise"} <= alarms(said)
    assert not any(name.startswith("feature") for name in alarms(said))


def test_inputs_that_moved_and_outcomes_that_follow_as_ever_alert_and_do_not_retrain(bundle):
    said = examined(moved_rows(), bundle).report
    assert (said["action"], said["status"]) == ("alert", 0)
    assert "feature x" in alarms(said)
    assert not {"calibration", "surprise", "loss"} & alarms(said)


def test_a_shift_of_the_inputs_names_the_feature_and_shows_both_distributions(bundle):
    said = examined(newer_rows().assign(x=lambda rows: rows.x + 1.5), bundle).report
    first = said["features"][0]
    assert (first["feature"], first["alarm"]) == ("x", True)
    assert first["window"]["q50"] - first["reference"]["q50"] == pytest.approx(1.5, abs=0.5)


@pytest.mark.parametrize("rows", [0, 1, 19])
def test_fewer_rows_than_a_window_are_too_little_data(bundle, rows):
    assert verdict(examined(newer_rows()[:rows], bundle).report) == ("insufficient-data", "none", 5)


def test_without_a_label_the_verdict_is_not_ok_and_the_loss_is_estimated(bundle):
    said = examined(newer_rows().assign(y=np.nan), bundle).report
    assert verdict(said) == ("insufficient-data", "none", 5)
    assert "measured" not in said["performance"]
    estimate = said["performance"]["estimate"]
    assert estimate["low"] < estimate["loss"] < estimate["high"]


def test_without_a_label_a_large_shift_of_the_inputs_still_alerts(bundle):
    said = examined(newer_rows().assign(y=np.nan, x=lambda rows: rows.x + 3), bundle).report
    assert verdict(said) == ("drift", "alert", 0)


def test_the_estimate_without_labels_covers_the_loss_that_is_measured_with_them(bundle):
    said = examined(newer_rows(), bundle).report["performance"]
    assert said["estimate"]["low"] <= said["measured"]["loss"] <= said["estimate"]["high"]


def test_a_column_that_came_empty_is_broken_data_however_the_checks_would_read_it(bundle):
    said = examined(newer_rows().assign(x=np.nan), bundle).report
    assert verdict(said) == ("data-quality", "fix-data", 4)
    assert "missing in x 1, allowed 0.1" in said["why"]
    assert said["checks"] == []


def test_nothing_retrains_while_the_last_attempt_is_fresh(bundle):
    settings = monitored_settings(**{"drift.cool_down": 3})
    rows = flip(newer_rows(), 0.5)
    tried = last_attempt({"challenger": {"trained_until": str(rows.time.iloc[-41])}})
    assert verdict(examined(rows, bundle, settings, tried=tried).report) == ("performance", "alert", 0)
    assert verdict(examined(rows, bundle, settings).report) == ("performance", "retrain", 3)


def test_a_model_past_its_age_retrains_though_nothing_drifted(bundle):
    said = examined(newer_rows(), bundle, monitored_settings(**{"drift.max_age": 10})).report
    assert verdict(said) == ("ok", "retrain", 3)
    assert "10 windows old" in said["why"]


def test_two_windows_in_a_row_are_not_one_of_them(bundle):
    settings = monitored_settings(**{"drift.k": 2, "drift.of": 2, "drift.false_alarms_per_year": 0.3})
    rows = newer_rows()[:180]
    once, twice = (pd.concat([rows[:-turned], flip(rows[-turned:], 1.0)], ignore_index=True) for turned in (20, 40))
    assert examined(once, bundle, settings).report["action"] != "retrain"
    assert examined(twice, bundle, settings).report["action"] == "retrain"


def test_a_short_history_says_so_and_falls_back_to_p_values(tmp_path):
    settings = monitored_settings(**{"drift.window": 120, "drift.false_alarms_per_year": 0.25})
    bundle = champion(tmp_path, settings)
    assert len(bundle.history) < 4
    said = examined(flip(newer_rows(), 0.4), bundle, settings).report
    assert {each["support"] for each in said["checks"]} == {"none"}
    assert verdict(said) == ("performance", "retrain", 3)
    assert verdict(examined(newer_rows(), bundle, settings).report)[1] == "none"


def test_uncalibrated_p_values_are_a_policy_too(bundle):
    settings = monitored_settings(
        **{"drift.thresholds": "p_values", "drift.retrain_on": ["features"], "drift.alert_on": []}
    )
    assert verdict(examined(newer_rows().assign(x=lambda rows: rows.x + 2), bundle, settings).report)[1] == "retrain"


def test_the_report_is_json_without_a_nan_and_names_what_was_compared(bundle):
    said = examined(newer_rows(), bundle).report
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert said["champion"]["digest"] == bundle.digest
    assert said["reference"]["sha256"] == bundle.passport.files["reference.parquet"]
    assert said["batch"] == {
        "rows": 200,
        "first": "2021-05-15 00:00:00",
        "last": "2021-11-30 00:00:00",
        "labelled": 199,
        "set_aside": 0,
    }
    assert {"scipy", "scikit-learn", "python"} <= set(said["versions"])


def test_each_check_tells_its_level_threshold_p_value_and_test(bundle):
    for each in examined(newer_rows(), bundle).report["checks"]:
        assert each["alarm"] == (each["far_out"] > each["bar"]), each["check"]
        assert 0 < each["p_value"] <= 1
        assert 0 <= each["test"]["p_value"] <= 1


def test_the_history_leaves_the_first_fold_out_and_counts_its_rows(bundle):
    later = bundle.reference[bundle.reference[FOLD] != "fold 1"]
    assert len(bundle.history) == len(later) // 20
    assert set(bundle.history[ROWS]) == {20}
    assert set(bundle.history[LABELLED]) == {20}


def test_the_curves_have_a_point_for_each_window_and_check(bundle):
    timeline = examined(newer_rows(), bundle).curves["timeline"]
    counts = timeline.groupby(["check", "part"]).size().unstack()
    assert set(counts["history"]) == {len(bundle.history)}
    assert set(counts["batch"]) == {10}
    features = examined(newer_rows(), bundle).curves["features"]
    assert features.groupby(["feature", "rows"])["share"].sum().to_numpy() == pytest.approx(1)


def test_the_order_of_the_columns_does_not_matter(bundle):
    rows = newer_rows()
    assert examined(rows[rows.columns[::-1]], bundle).report == examined(rows, bundle).report


def test_later_rows_do_not_change_what_was_said_of_earlier_windows(bundle):
    whole, part = (examined(newer_rows()[:count], bundle).curves["timeline"] for count in (200, 160))
    # The domain classifier is asked of the newest windows alone.
    seen = [
        each[(each.part == "batch") & (each["check"] != "multivariate")].set_index(["check", "time"]).far_out
        for each in (whole, part)
    ]
    shared = seen[0].index.intersection(seen[1].index)
    assert len(shared) == len(seen[1])
    pd.testing.assert_series_equal(seen[0][shared], seen[1][shared])


def test_calm_windows_of_other_worlds_alarm_no_more_often_than_the_budget_allows(tmp_path):
    # One false alarm in ten windows of 20 days: of 24 windows, each against a champion's own bar, two or three.
    settings = monitored_settings(**{"drift.false_alarms_per_year": 1.8})
    heard = 0
    for seed in range(6):
        rows = calm_rows(seed)
        bundle = train_bundle(tmp_path / str(seed), toy_table(rows[:500], settings), settings)
        for start in (500, 540, 580, 620):
            window = rows[start : start + 20].reset_index(drop=True)
            heard += examined(window, bundle, settings).report["action"] == "retrain"
    assert heard <= 6
