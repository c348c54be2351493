import pytest

from keepfit.bundle import Bundle
from keepfit.checkup import broken
from keepfit.drift_summary import tell
from tests.monitored import champion, examined, flip, monitored_settings, newer_rows


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return champion(tmp_path_factory.mktemp("champion"))


def test_a_check_that_was_cut_short_tells_its_verdict_and_no_more():
    said = broken("MissingColumn: missing column x", monitored_settings()).report
    assert tell(said) == [
        ("verdict", "data-quality: the new rows are broken: MissingColumn: missing column x"),
        ("action", "fix-data"),
    ]


def test_alarms_are_told_with_their_thresholds_and_calm_has_none(bundle):
    told = tell(examined(flip(newer_rows(), 0.5), bundle).report)
    assert any(name.strip() == "alarm" and "surprise" in text and "threshold" in text for name, text in told)
    assert not any(name.strip() == "alarm" for name, _ in tell(examined(newer_rows(), bundle).report))


def test_the_loss_is_told_with_its_interval_and_its_estimate(bundle):
    told = dict(tell(examined(newer_rows(), bundle).report))
    assert "in training's own test rows" in told["log_loss"]
    assert "from the scores alone" in told["  estimate"]
