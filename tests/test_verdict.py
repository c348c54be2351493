"""What follows from the alarms: each row of the table of decisions, and what may never follow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepfit.quality import Rule
from keepfit.verdict import Ruling, describe, rule
from tests.toys import toy_settings

RETRAINING = ["calibration", "surprise"]
ALERTING = ["loss", "loss_distribution", "errors", "prediction", "features", "multivariate"]
ALARMS = st.lists(st.sampled_from(RETRAINING + ALERTING), unique=True)
STRENGTH = ["none", "alert", "retrain", "fix-data"]
BROKEN = [Rule(rule="missing", column="x", seen=0.25, allowed=0.1, broken=True)]


def ruled(
    *alarms: str, labelled=True, windows=5, since: float | None = None, broken: list[Rule] | None = None, **policy
) -> Ruling:
    drift = toy_settings(**{"drift.window": 20, **{f"drift.{key}": value for key, value in policy.items()}}).drift
    since = windows if since is None else since
    return rule(
        drift,
        broken=broken or [],
        alarms=list(alarms),
        labelled=labelled,
        windows=windows,
        age=windows,
        since=since,
    )


def told(ruling: Ruling) -> tuple[str, str, int]:
    return ruling.verdict, ruling.action, ruling.status


@pytest.mark.parametrize(
    ("alarms", "labelled", "expected"),
    [
        ([], True, ("ok", "none", 0)),
        ([], False, ("insufficient-data", "none", 5)),
        (["features"], True, ("drift", "alert", 0)),
        (["features"], False, ("drift", "alert", 0)),
        (["prediction", "multivariate"], True, ("drift", "alert", 0)),
        (["errors"], True, ("performance", "alert", 0)),
        (["loss_distribution", "features"], True, ("performance", "alert", 0)),
        (["surprise"], True, ("performance", "retrain", 3)),
        (["calibration"], True, ("performance", "retrain", 3)),
        (["features", "surprise"], True, ("performance", "retrain", 3)),
    ],
)
def test_data_drift_warns_and_performance_drift_retrains(alarms, labelled, expected):
    assert told(ruled(*alarms, labelled=labelled)) == expected


@pytest.mark.parametrize("alarms", [[], ["loss"], ["features"]])
def test_broken_data_comes_before_everything(alarms):
    for windows in (0, 5):
        ruling = ruled(*alarms, broken=BROKEN, windows=windows, max_age=1)
        assert told(ruling) == ("data-quality", "fix-data", 4)
        assert ruling.why == "the new rows are broken: missing in x 0.25, allowed 0.1"


def test_every_broken_rule_is_told():
    more = [*BROKEN, Rule(rule="new_categories", column="c", seen=0.5, allowed=0.05, broken=True)]
    assert ruled(broken=more).why.endswith("missing in x 0.25, allowed 0.1; new categories in c 0.5, allowed 0.05")


def test_a_rule_of_all_rows_names_no_column():
    rate = Rule(rule="too many rows a day", seen=240, allowed=72.0, broken=True)
    assert describe(rate) == "too many rows a day 240, allowed 72"


def test_without_a_whole_window_nothing_is_known_and_nothing_is_done():
    ruling = ruled(windows=0, max_age=1, labelled=False)
    assert told(ruling) == ("insufficient-data", "none", 5)
    assert ruling.why == "no whole window of 20 since the training"


@pytest.mark.parametrize(("since", "expected"), [(0, "alert"), (2, "alert"), (3, "retrain"), (9, "retrain")])
def test_after_a_training_there_is_a_pause(since, expected):
    ruling = ruled("surprise", since=since, cool_down=3)
    assert (ruling.verdict, ruling.action) == ("performance", expected)
    assert ("drift.cool_down is 3" in ruling.why) == (expected == "alert")


@pytest.mark.parametrize(("since", "expected"), [(3, ("ok", "none", 0)), (4, ("ok", "retrain", 3))])
def test_a_model_that_is_too_old_is_trained_again_although_nothing_is_wrong(since, expected):
    assert told(ruled(since=since, max_age=4)) == expected


def test_age_counts_from_the_last_attempt_and_without_a_limit_is_nothing():
    assert ruled(windows=9, since=3, max_age=4).action == "none"
    assert ruled(windows=9, since=4, max_age=4).why.startswith("the model is 9 windows old; ")
    assert ruled(windows=10_000).action == "none"


def test_a_model_that_is_too_old_is_trained_again_without_labels_too():
    assert told(ruled(labelled=False, max_age=1)) == ("insufficient-data", "retrain", 3)


def test_what_retrains_is_configuration():
    policy = {"retrain_on": ["features"], "alert_on": ["loss"]}
    assert told(ruled("features", **policy)) == ("drift", "retrain", 3)
    assert told(ruled("loss", **policy)) == ("performance", "alert", 0)


def test_the_alarms_are_named_and_so_is_a_lack_of_labels():
    assert ruled("loss", "features").why == "further out than its history allows: loss, features"
    assert ruled().why == "nothing is further out than its history allows"
    assert ruled(labelled=False).why.endswith(", and too few labels to tell how well the model does")
    assert "too few labels" in ruled("features", labelled=False).why


@given(ALARMS, st.integers(0, 9), st.integers(0, 9), st.sampled_from([None, 1, 4]))
def test_without_labels_it_is_never_ok(alarms, windows, cool_down, max_age):
    ruling = ruled(*alarms, labelled=False, windows=windows, cool_down=cool_down, max_age=max_age)
    assert ruling.verdict != "ok"
    assert ruling.status != 0 or ruling.action == "alert"


@given(ALARMS, st.booleans(), st.integers(0, 9), st.integers(0, 9), st.sampled_from([None, 1, 4]), st.booleans())
def test_a_status_says_the_action_and_no_action_is_status_nought_only_where_all_is_well(
    alarms, labelled, windows, cool_down, max_age, faulty
):
    broken = BROKEN if faulty else []
    ruling = ruled(*alarms, labelled=labelled, windows=windows, cool_down=cool_down, max_age=max_age, broken=broken)
    match ruling.status:
        case 3 | 4 as status:
            assert ruling.action == {3: "retrain", 4: "fix-data"}[status]
        case 5:
            assert (ruling.verdict, ruling.action) == ("insufficient-data", "none")
        case 0:
            assert (ruling.verdict, ruling.action) == ("ok", "none") or ruling.action == "alert"
    assert ruling.status in (0, 3, 4, 5)


@given(ALARMS, st.sampled_from(RETRAINING + ALERTING), st.booleans(), st.integers(0, 9), st.integers(0, 4))
def test_one_more_alarm_never_weakens_what_follows(alarms, more, labelled, since, cool_down):
    for max_age in (None, 5):
        one = ruled(*alarms, labelled=labelled, since=since, cool_down=cool_down, max_age=max_age)
        other = ruled(*{*alarms, more}, labelled=labelled, since=since, cool_down=cool_down, max_age=max_age)
        assert STRENGTH.index(other.action) >= STRENGTH.index(one.action)
