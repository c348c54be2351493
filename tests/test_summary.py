from pathlib import Path

import pytest

from keepfit.files import write_json
from keepfit.summary import summarise
from tests.toys import toy_regression, toy_settings

CHALLENGER = {
    "log_loss": 0.46543,
    "log_loss_low": 0.4412,
    "log_loss_high": 0.49,
    "brier": 0.151,
    "cost": 4.5,
    "cost_low": 4.1,
    "cost_high": 5.0,
    "roc_auc": 0.7712,
}
REPORTS = {
    "ingest": {"rows": 4780, "first": "1999-01-04 00:00:00", "last": "2017-12-29 00:00:00"},
    "validation": {
        "quarantined": 12,
        "share_quarantined": 0.0025104,
        "reasons": {"x: infinite": 9, "time: missing": 3},
    },
    "metrics": {
        "rows": 1756,
        "first": "2014-12-29 00:00:00",
        "last": "2017-12-28 00:00:00",
        "model": "linear",
        "challenger": CHALLENGER,
        "naive": {"log_loss": 0.5, "brier": 0.2, "cost": 6.0, "roc_auc": 0.5},
    },
    "gate": {
        "decision": "promote",
        "replaced": True,
        "why": "against the champion: log_loss better by +0.0200",
        "challenger": {"version": "c0ffee", "digest": "1"},
        "champion": {"version": "c0ffee", "digest": "1"},
        "champion_metrics": {"log_loss": 0.4855, "brier": 0.16, "cost": 5.25, "roc_auc": 0.75},
    },
}


@pytest.fixture
def told(tmp_path: Path):
    """The lines by name, for reports with some of their values changed."""

    def tell(settings=None, **changes) -> dict[str, str]:
        for name, report in REPORTS.items():
            write_json(tmp_path / f"{name}.json", report | changes.get(name, {}))
        return dict(summarise(settings or toy_settings(), tmp_path))

    return tell


def test_a_holdout_of_which_a_sample_is_judged_is_told_with_both_numbers(told):
    assert told(metrics={"sampled_from": 20_000})["holdout"] == "1,756 of 20,000 rows from 2014-12-29 to 2017-12-28"


def test_a_run_is_told_from_the_question_to_what_comes_next(told):
    assert told() == {
        "question": "Is y one?",
        "rows in": "4,780 from 1999-01-04 to 2017-12-29",
        "quarantined": "12 (0.25%): x: infinite (9), time: missing (3)",
        "model": "linear",
        "holdout": "1,756 rows from 2014-12-29 to 2017-12-28",
        "  challenger": "log_loss 0.4654   roc_auc 0.7712   cost 4.5   (log_loss 0.4412 to 0.49)",
        "  naive baseline": "log_loss 0.5   roc_auc 0.5   cost 6",
        "  old champion": "log_loss 0.4855   roc_auc 0.75   cost 5.25",
        "  cost in": "toys",
        "gate": "promoted c0ffee",
        "  why": "against the champion: log_loss better by +0.0200",
        "package": "models/toy/bento",
        "next": "dvc plots show --open   dvc exp run -S model=random_forest   dvc exp show --only-changed",
        "": "make serve",
    }


def test_the_paths_are_those_of_the_dataset(told):
    lines = told(toy_settings(**{"dataset.name": "mine"}))
    assert (lines["package"], lines[""]) == ("models/mine/bento", "make serve")


def test_nothing_quarantined_is_told_without_reasons(told):
    assert told(validation={"quarantined": 0, "share_quarantined": 0.0, "reasons": {}})["quarantined"] == "0 (0.00%)"


def test_where_there_was_no_champion_there_is_no_line_of_it(told):
    assert "  old champion" not in told(gate={"champion_metrics": None})


def test_a_refused_challenger_is_told_beside_the_champion_that_stays(told):
    refused = {"decision": "keep", "replaced": False, "champion": {"version": "0ld", "digest": "2"}}
    assert told(gate=refused)["gate"] == "refused c0ffee; champion: 0ld"
    assert told(gate=refused | {"champion": None})["gate"] == "refused c0ffee; champion: none yet"


def test_an_experiment_says_that_it_never_promotes(told):
    explored = {"replaced": False, "champion": None}
    expected = "would promote c0ffee, but an experiment never does; champion: none yet"
    assert told(gate=explored)["gate"] == expected


def test_the_deciding_loss_comes_first_and_once(told):
    lines = told(toy_settings(**{"objective.metric": "cost"}))
    assert lines["  challenger"] == "cost 4.5   roc_auc 0.7712   (cost 4.1 to 5)"
    assert lines["  naive baseline"] == "cost 6   roc_auc 0.5"


def test_a_ranking_that_could_not_be_measured_is_left_out(told):
    metrics = {"challenger": {name: value for name, value in CHALLENGER.items() if name != "roc_auc"}}
    assert told(metrics=metrics)["  challenger"] == "log_loss 0.4654   cost 4.5   (log_loss 0.4412 to 0.49)"


def test_amounts_are_told_in_their_own_metrics(told):
    values = {"absolute_error": 1.5, "squared_error": 4.0, "cost": 2.0, "r2": 0.25}
    bounds = {"absolute_error_low": 1.0, "absolute_error_high": 2.0}
    lines = told(toy_regression(), metrics={"challenger": values | bounds, "naive": values})
    assert lines["  challenger"] == "absolute_error 1.5   r2 0.25   cost 2   (absolute_error 1 to 2)"
    assert lines["  naive baseline"] == "absolute_error 1.5   r2 0.25   cost 2"
