import itertools
import shutil
from pathlib import Path

import pytest
import yaml

from keepfit.compose import check_params, compose, write_params
from keepfit.errors import SettingsError
from keepfit.settings import check_settings

ROOT = Path(__file__).parents[1]
CONF = ROOT / "conf"


def choices(group: str) -> list[str]:
    return sorted(file.stem for file in (CONF / group).glob("*.yaml"))


@pytest.fixture
def project(tmp_path) -> Path:
    for folder in ("conf", "features"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for file in (ROOT / "params.yaml", ROOT / "requirements/dev.txt"):
        copy = tmp_path / file.relative_to(ROOT)
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(file, copy)
    return tmp_path


def edit(file: Path, old: str, new: str) -> int:
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))
    return text[: text.index(old)].count("\n") + 1


def contents(folder: Path) -> dict[str, str]:
    return {str(file): file.read_text() for file in folder.rglob("*") if file.suffix in (".yaml", ".py", ".txt")}


def test_the_committed_parameter_file_is_what_conf_composes():
    check_params(CONF, ROOT / "params.yaml")


@pytest.mark.parametrize("dataset", choices("dataset"))
def test_every_dataset_composes_with_every_model_and_search(dataset):
    models, searches = choices("model"), choices("search")
    pairs = list(itertools.product(models, searches))
    if dataset != "sp500":
        # Which model goes with which search is no matter of the dataset: each of them once.
        rounds = range(max(len(models), len(searches)))
        pairs = [(models[each % len(models)], searches[each % len(searches)]) for each in rounds]
    for model, search in pairs:
        text = compose(CONF, overrides=[f"dataset={dataset}", f"model={model}", f"search={search}"])
        settings = check_settings(yaml.load(text, Loader=yaml.CSafeLoader), file="params.yaml")
        assert (settings.dataset.name, settings.model.name, settings.search.kind) == (dataset, model, search)


def test_a_dataset_brings_its_objective_and_its_splits():
    values = yaml.safe_load(compose(CONF, overrides=["dataset=flights_minutes"]))
    assert values["objective"]["metric"] == "absolute_error"
    assert values["train"]["holdout"] == values["dataset"]["splits"]["holdout"] == "56D"


@pytest.mark.parametrize(
    "value", ["???", "${now:%Y}", "${ now:%Y}", "${oc.env:HOME}", "${oc.decode:${oc.env:HOME}}", "${hydra:job.name}"]
)
def test_a_value_that_is_missing_or_changes_between_machines_is_refused_with_file_and_line(project, value):
    line = edit(project / "conf/config.yaml", "seed: 20190101", f"seed: {value}")
    with pytest.raises(SettingsError) as refused:
        compose(project / "conf", overrides=[])
    assert str(refused.value).startswith(f"{project}/conf/config.yaml:{line}: ")
    assert "\n" not in str(refused.value)


def test_a_text_that_was_left_open_is_refused_though_it_would_pass_for_a_text(project):
    line = edit(project / "conf/objective/sp500.yaml", "question: Will", "question: ???  # Will")
    with pytest.raises(SettingsError, match=rf"objective/sp500\.yaml:{line}: no value for question"):
        compose(project / "conf", overrides=[])


def test_a_value_left_open_is_fine_where_the_composition_fills_it(project):
    edit(project / "conf/dataset/flights.yaml", "label: late", "label: ???")
    compose(project / "conf", overrides=["dataset=flights_minutes"])
    with pytest.raises(SettingsError, match=r"dataset/flights\.yaml:\d+: no value for label"):
        compose(project / "conf", overrides=["dataset=flights"])


def test_an_unknown_choice_is_refused_with_the_choices_there_are(project):
    with pytest.raises(SettingsError, match=r"dataset: no moon\.yaml; there are: flights, flights_minutes, sp500"):
        write_params(project / "conf", project / "params.yaml", dataset="moon")
    with pytest.raises(SettingsError, match=r"Could not find 'model/moon'.* random_forest"):
        compose(project / "conf", overrides=["model=moon"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("watch: requirements/dev.txt", "watch: gone.txt", "dataset.source.watch: no file gone.txt"),
        ("module: sp500", "module: gone", "dataset.features.module: no file features/gone.py"),
    ],
)
def test_a_file_that_a_dataset_names_must_be_there(project, old, new, said):
    edit(project / "conf/dataset/sp500.yaml", old, new)
    with pytest.raises(SettingsError, match=rf"dataset/sp500\.yaml: {said}"):
        compose(project / "conf", overrides=[])


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("dataset/sp500", "kind: python", "kind: ftp", "dataset.source.kind: 'ftp': allowed: 'python', 'file', 'sql'"),
        ("dataset/sp500", "freshness: 7D\n", "", "dataset.freshness: missing"),
        ("objective/sp500", "unit: ", "unti: ", "objective.unit: missing"),
        (
            "objective/sp500",
            "metric: log_loss",
            "metric: squared_error",
            "objective.metric 'squared_error' does not fit",
        ),
        ("model/hist_gradient_boosting", "high: 250", "hihg: 250", "model.space.max_iter.high: missing"),
        ("search/random", "trials: 12", "trials: -1", "search.trials: -1: "),
        ("config", "quota: 0.01", "quotta: 0.01", "validate.quota: missing"),
        ("config", "folds: 4", "folds: 1", "train.folds: 1: "),
    ],
)
def test_a_problem_is_refused_with_the_file_of_the_configuration_that_has_it(project, file, old, new, said):
    edit(project / f"conf/{file}.yaml", old, new)
    with pytest.raises(SettingsError) as refused:
        compose(project / "conf", overrides=[])
    assert str(refused.value).startswith(f"{project}/conf/{file}.yaml: {said}")


def test_a_problem_is_refused_with_the_file_that_an_override_chose(project):
    shutil.copy(project / "conf/model/linear.yaml", project / "conf/model/mine.yaml")
    edit(project / "conf/model/mine.yaml", "scale: true", "scale: maybe")
    edit(project / "conf/objective/flights.yaml", "unit: ", "unti: ")
    with pytest.raises(SettingsError) as refused:
        compose(project / "conf", overrides=["dataset=flights", "model=mine", "seed=x"])
    assert [line.split(": ")[:2] for line in str(refused.value).splitlines()] == [
        [f"{project}/conf/config.yaml", "seed"],
        [f"{project}/conf/objective/flights.yaml", "objective.unit"],
        [f"{project}/conf/objective/flights.yaml", "objective.unti"],
        [f"{project}/conf/model/mine.yaml", "model.prepare.scale"],
    ]


def test_a_copied_dataset_that_keeps_the_name_of_the_other_is_refused(project):
    shutil.copy(project / "conf/dataset/sp500.yaml", project / "conf/dataset/mine.yaml")
    with pytest.raises(SettingsError, match=r"dataset/mine\.yaml: name: sp500; allowed: mine"):
        compose(project / "conf", overrides=[])


def test_choosing_a_dataset_rewrites_its_line_of_the_configuration_and_nothing_else(project):
    before = contents(project)
    write_params(project / "conf", project / "params.yaml", dataset="flights")
    after = contents(project)
    changed = {str(Path(name).relative_to(project)) for name in before if before[name] != after[name]}
    assert changed == {"conf/config.yaml", "params.yaml"}
    assert before.keys() == after.keys()
    config = before[f"{project}/conf/config.yaml"]
    assert after[f"{project}/conf/config.yaml"] == config.replace("- dataset: sp500\n", "- dataset: flights\n")
    check_params(project / "conf", project / "params.yaml")


def test_choosing_there_and_back_restores_every_byte(project):
    before = contents(project)
    for dataset in ("flights_minutes", "sp500"):
        write_params(project / "conf", project / "params.yaml", dataset=dataset)
    assert contents(project) == before


def test_a_comment_and_blank_lines_beside_the_dataset_are_kept(project):
    edit(project / "conf/config.yaml", "  - dataset: sp500\n", "  - dataset: sp500  # ours\n\n")
    write_params(project / "conf", project / "params.yaml", dataset="flights")
    assert "  - dataset: flights  # ours\n\n" in (project / "conf/config.yaml").read_text()
    check_params(project / "conf", project / "params.yaml")


def test_a_configuration_without_a_default_dataset_is_refused(project):
    edit(project / "conf/config.yaml", "  - dataset: sp500\n", "")
    with pytest.raises(SettingsError, match="0 lines `- dataset: NAME`"):
        write_params(project / "conf", project / "params.yaml", dataset="flights")


@pytest.mark.parametrize("bad", ["seed: [", "seed: soon", "seed: ${nope}", "seed: ???", "sede: 1"])
@pytest.mark.parametrize("dataset", [None, "flights"])
def test_a_bad_configuration_leaves_every_file_as_it_was(project, bad, dataset):
    edit(project / "conf/config.yaml", "seed: 20190101", bad)
    before = contents(project)
    with pytest.raises(SettingsError):
        write_params(project / "conf", project / "params.yaml", dataset=dataset)
    assert contents(project) == before


def test_a_parameter_file_edited_by_hand_is_noticed_and_made_anew(project):
    params = project / "params.yaml"
    edit(params, "seed: 20190101", "seed: 3")
    with pytest.raises(SettingsError, match="is not what"):
        check_params(project / "conf", params)
    write_params(project / "conf", params, dataset=None)
    assert params.read_text() == (ROOT / "params.yaml").read_text()
