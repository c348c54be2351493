import numpy as np
import pandas as pd
import pytest

from keepfit.errors import KeepfitError, SettingsError
from keepfit.ranking_chart import draw_ranking
from keepfit.sweep import Plan, rank, read_plan
from tests.modelling import ROOT
from tests.toys import toy_settings


def reference(losses: np.ndarray, **changes) -> pd.DataFrame:
    times = pd.date_range("2020-01-01", periods=len(losses), freq="D")
    fold = np.where(np.arange(len(losses)) < len(losses) * 3 // 4, "fold 1", "holdout")
    return pd.DataFrame({"time": times, "label": 1.0, "fold": fold, "loss": losses}).assign(**changes)


NOISE = np.random.default_rng(0).normal(size=400)


def test_each_combination_is_a_trial_with_a_name_that_tells_what_it_is():
    plan = Plan(
        always=("search=none",), vary={"model": ("linear", "naive"), "model.features": {"All!": None, "few": ["x*"]}}
    )
    trials = plan.trials("mine")
    assert [trial.name for trial in trials] == [
        "mine-linear-all",
        "mine-linear-few",
        "mine-naive-all",
        "mine-naive-few",
    ]
    assert trials[1].what == "linear, few"
    assert trials[1].overrides == ("search=none", "model=linear", 'model.features=["x*"]')
    assert trials[0].overrides[-1] == "model.features=null"


def test_two_trials_of_one_name_are_refused():
    with pytest.raises(SettingsError, match="two trials have one name"):
        Plan(vary={"x": {"a b": 1, "a-b": 2}}).trials("mine")


@pytest.mark.parametrize("text", ["vary: {}", "vary: {model: []}", "vari: {}", "vary: ["])
def test_a_broken_plan_is_refused_with_its_file(text, tmp_path):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(SettingsError, match=r"mine\.yaml"):
        read_plan(tmp_path / "mine.yaml")


def test_a_sweep_that_is_not_there_is_told_with_those_that_are(tmp_path):
    (tmp_path / "mine.yaml").write_text("vary: {model: [linear]}")
    with pytest.raises(SettingsError, match="there are: mine"):
        read_plan(tmp_path / "other.yaml")


@pytest.mark.parametrize("file", sorted((ROOT / "conf/sweep").glob("*.yaml")), ids=lambda file: file.stem)
def test_the_shipped_sweeps_have_trials(file):
    assert len(read_plan(file).trials(file.stem)) >= 3


def test_a_difference_on_the_same_rows_is_real_although_the_intervals_overlap():
    shared = 1 + NOISE
    found = rank({"worse": reference(shared + 0.05), "best": reference(shared)}, toy_settings())
    assert found.trial.tolist() == ["best", "worse"]
    assert found.difference.tolist() == ["first", "real"]
    assert found.behind[1] == pytest.approx(0.05)
    assert found.low[1] < found.high[0]


def test_a_difference_by_chance_is_noise():
    other = np.random.default_rng(1).normal(size=400)
    found = rank({"one": reference(1 + NOISE), "other": reference(1 + other)}, toy_settings())
    assert found.difference.tolist() == ["first", "noise"]
    assert found.behind_low[1] < 0 < found.behind_high[1]


def test_the_holdout_has_no_say_in_the_ranking():
    losses = np.ones(400)
    bad_later = np.where(np.arange(400) < 300, 0.9, 5.0)
    assert rank({"a": reference(losses), "b": reference(bad_later)}, toy_settings()).trial[0] == "b"


def test_trials_that_were_judged_on_other_rows_are_not_compared():
    with pytest.raises(KeepfitError, match="were not judged on the same rows"):
        rank({"a": reference(NOISE), "b": reference(NOISE, label=0.0)}, toy_settings())


def test_the_ranking_is_drawn(tmp_path):
    found = rank({"a": reference(NOISE), "b": reference(NOISE + 1)}, toy_settings()).assign(what=["a", "b"])
    draw_ranking(found, tmp_path / "chart.png", metric="log_loss", title="two trials")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
