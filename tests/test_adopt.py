import shutil
from pathlib import Path

import pytest
import yaml

from keepfit.adopt import GONE, adopt, find_changes, flatten
from keepfit.compose import compose
from keepfit.errors import SettingsError
from tests.modelling import ROOT


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    for name in ("conf", "features"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "requirements").mkdir()
    shutil.copy(ROOT / "requirements/dev.txt", tmp_path / "requirements")
    return tmp_path / "conf"


def composed(conf: Path, *overrides: str) -> dict:
    return yaml.load(compose(conf, overrides=list(overrides)), Loader=yaml.CSafeLoader)


@pytest.fixture(scope="module")
def before() -> dict:
    """What the committed files compose."""
    return composed(ROOT / "conf")


def test_leaves_are_named_by_their_path():
    assert flatten({"a": {"b": 1, "c": {}}, "d": [1]}) == {("a", "b"): 1, ("a", "c"): {}, ("d",): [1]}
    assert find_changes({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}) == {("a", "b"): 3, ("a", "c"): GONE}


@pytest.mark.parametrize(
    ("overrides", "files"),
    [
        (["model=random_forest"], ["config.yaml"]),
        (["model=random_forest", "model.params.max_depth=5"], ["config.yaml", "model/random_forest.yaml"]),
        (["model.params.learning_rate=0.1"], ["model/hist_gradient_boosting.yaml"]),
        (["search=none", "seed=7"], ["config.yaml"]),
        (["train.holdout=500"], ["config.yaml"]),
        (["dataset.splits.holdout=500"], ["dataset/sp500.yaml"]),
        (["model.features=[log_rv_*,abs_return]"], ["model/hist_gradient_boosting.yaml"]),
        (["+model.params.max_bins=63"], ["model/hist_gradient_boosting.yaml"]),
        (["~model.params.l2_regularization"], ["model/hist_gradient_boosting.yaml"]),
        (["objective.metric=brier", "gate.margin=0.05"], ["config.yaml", "objective/sp500.yaml"]),
        (["model=linear", "search=none", "+model.params.C=0.5"], ["config.yaml", "model/linear.yaml"]),
    ],
)
def test_conf_composes_what_the_experiment_was_run_with(
    conf: Path, before: dict, overrides: list[str], files: list[str]
):
    after = composed(conf, *overrides)
    assert [str(file.relative_to(conf)) for file in adopt(conf, before, after)] == files
    assert composed(conf) == after


def test_only_the_lines_that_change_are_written(conf: Path, before: dict):
    after = composed(conf, "model=random_forest", "gate.margin=0.05")
    old = (conf / "config.yaml").read_text().splitlines()
    adopt(conf, before, after)
    new = (conf / "config.yaml").read_text().splitlines()
    assert len(old) == len(new)
    assert [line for line, was in zip(new, old, strict=True) if line != was] == [
        "  - model: random_forest",
        "  margin: 0.05",
    ]


def test_what_changed_in_conf_since_the_experiment_stays(conf: Path, before: dict):
    after = composed(conf, "model=linear")
    text = (conf / "config.yaml").read_text()
    (conf / "config.yaml").write_text(text.replace("folds: 4", "folds: 3"))
    adopt(conf, before, after)
    now = composed(conf)
    assert (now["train"]["folds"], now["model"]["name"]) == (3, "linear")


def test_swapping_a_model_leaves_nothing_of_the_old_one(conf: Path):
    assert composed(conf, "model=linear")["model"]["params"] == {}


def test_what_the_files_cannot_compose_leaves_them_as_they_were(conf: Path, before: dict):
    after = {**before, "gate": {**before["gate"], "confidence": 7}}
    files = {file: file.read_text() for file in conf.rglob("*.yaml")}
    with pytest.raises(SettingsError, match=r"gate\.confidence"):
        adopt(conf, before, after)
    assert {file: file.read_text() for file in conf.rglob("*.yaml")} == files
