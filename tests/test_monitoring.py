import pytest
from pydantic import ValidationError

from keepfit.errors import SettingsError
from keepfit.monitoring import Quality
from tests.toys import toy_settings

LIMITS = {"quarantined": 0.01, "missing": 0.1, "new_categories": 0.05, "out_of_range": 0.01, "volume": 3}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"k": 3, "of": 2}, r"drift: k: 3 of 2 windows; allowed: at most as many"),
        (
            {"retrain_on": ["loss", "features"], "alert_on": ["features", "loss", "errors"]},
            r"drift: features, loss: in retrain_on and in alert_on; allowed: one of them",
        ),
        ({"window": 9, "min_rows": 10}, r"drift: window: 9 rows; allowed: at least min_rows, 10"),
        ({"window": "soon"}, r"drift\.window: 'soon': allowed: a number of rows, or a length of time such as .*"),
        ({"retrain_on": ["accuracy"]}, r"drift\.retrain_on\.0: 'accuracy': .*'loss'.*'multivariate'.*"),
        ({"backend": "evidently"}, r"drift\.backend: 'evidently': .*'alibi-detect' or 'scipy'"),
        ({"thresholds": "guessed"}, r"drift\.thresholds: 'guessed': .*'calibrated' or 'p_values'"),
        ({"false_alarms_per_year": 0}, r"drift\.false_alarms_per_year: 0: .*greater than 0"),
        ({"significance": 1}, r"drift\.significance: 1: .*less than 1"),
        ({"k": 0}, r"drift\.k: 0: .*greater than or equal to 1"),
        ({"cool_down": -1}, r"drift\.cool_down: -1: .*greater than or equal to 0"),
        ({"max_age": 0}, r"drift\.max_age: 0: .*greater than or equal to 1"),
        ({"min_rows": 9}, r"drift\.min_rows: 9: .*greater than or equal to 10"),
        ({"max_rows": 99}, r"drift\.max_rows: 99: .*greater than or equal to 100"),
        ({"quality.volume": 1}, r"drift\.quality\.volume: 1: .*greater than 1"),
        ({"quality.missing": 1.5}, r"drift\.quality\.missing: 1\.5: .*less than or equal to 1"),
        ({"cooldown": 3}, r"drift\.cooldown: unknown key \(value 3\); allowed: .*cool_down.*"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_by_name(values, said):
    with pytest.raises(SettingsError, match=rf"^params\.yaml: {said}$"):
        toy_settings(**{f"drift.{key}": value for key, value in values.items()})


@pytest.mark.parametrize(
    "values",
    [
        {"k": 2, "of": 2},
        {"retrain_on": [], "alert_on": []},
        {"window": 10, "min_rows": 10},
        {"window": "7D", "min_rows": 5000},
        {"max_age": 1, "cool_down": 0},
    ],
)
def test_the_edge_of_what_is_allowed_is_allowed(values):
    drift = toy_settings(**{f"drift.{key}": value for key, value in values.items()}).drift
    assert drift.model_dump(mode="json", include=set(values)) == values


def test_a_policy_is_read_only():
    with pytest.raises(ValidationError, match="frozen"):
        toy_settings().drift.k = 2


@pytest.mark.parametrize("limit", ["quarantined", "missing", "new_categories", "out_of_range"])
def test_a_limit_of_quality_is_a_share(limit):
    for share in (0, 1):
        assert getattr(Quality(**{**LIMITS, limit: share}), limit) == share
    with pytest.raises(ValidationError):
        Quality(**{**LIMITS, limit: -0.1})
