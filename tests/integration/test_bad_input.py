"""Bad input and bad luck, against the real processes of the graph."""

import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from keepfit.bundle import NONE, read_bundle
from keepfit.files import read_json, read_table
from tests.integration.project import STAGES, Project
from tests.toys import toy_rows

pytestmark = pytest.mark.slow
Spoil = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Project:
    """A project that has gone through well; tests work on copies of it."""
    project = Project.make(tmp_path_factory.mktemp("good") / "project", toy_rows())
    project.succeed(*STAGES)
    assert (project.path / "models/toy/champion/passport.json").exists()
    return project


@pytest.fixture
def project(good: Project, tmp_path: Path) -> Project:
    return good.copy(tmp_path / "project")


def some(frame: pd.DataFrame, **values) -> pd.DataFrame:
    """Every fifth row, the first one not among them, with other values."""
    spoilt = frame.astype("object")
    for name, value in values.items():
        spoilt.loc[3::5, name] = value
    return spoilt


BAD = {
    "no time column": (lambda rows: rows.drop(columns="time"), "ingest", "MissingColumn: missing column time; there "),
    "no feature column": (lambda rows: rows.drop(columns="x"), "validate", "MissingColumn: missing column x; there "),
    "times that are none": (
        lambda rows: some(rows, time="yesterday"),
        "validate",
        "QuotaExceeded: 60 of 300 rows set aside, validate.quota allows 10.00%; most often by "
        "'time: not a value of type datetime' (60 rows, such as [{'time': 'yesterday'}",
    ),
    "keys that come twice": (
        lambda rows: pd.concat([rows, rows[::4]]).sort_values("time", kind="stable"),
        "validate",
        "QuotaExceeded: 75 of 375 rows set aside, validate.quota allows 10.00%; most often by 'time: duplicate'",
    ),
    "infinities": (
        lambda rows: some(rows, x=np.inf),
        "validate",
        "QuotaExceeded: 60 of 300 rows set aside, validate.quota allows 10.00%; most often by 'x: infinite'",
    ),
    "no label at all": (
        lambda rows: rows.assign(y=None),
        "train",
        "UnusableLabel: dataset.label: 'y' is null in all 300 rows",
    ),
    "one class only": (
        lambda rows: rows.assign(y=1),
        "train",
        "UnusableLabel: dataset.label: 'y' has the values [1.0]; allowed for task binary: both 0 and 1",
    ),
    "one class only in the holdout": (
        lambda rows: rows.assign(y=rows.y.where(rows.index < 239, 0)),
        "evaluate",
        "UnusableLabel: dataset.label: 'y' has one class only in the 60 rows of the holdout",
    ),
    "no row": (lambda rows: rows[:0], "ingest", "EmptyTable: dataset.source: no row up to dataset.until = None"),
    "too few rows": (
        lambda rows: rows[-40:],
        "train",
        "TooFewRows: train.min_rows: 50 labelled rows needed, there are 39",
    ),
    "rows that went missing at the end": (
        lambda rows: rows[:250],
        "ingest",
        "SourceWentBackwards: dataset.source: ends at 2020-09-06 00:00:00, but it reached 2020-10-26 00:00:00",
    ),
}


@pytest.mark.parametrize(("spoil", "stage", "told"), BAD.values(), ids=BAD)
def test_bad_rows_stop_the_run_with_one_line_that_names_them(project: Project, spoil: Spoil, stage: str, told: str):
    project.write(spoil(toy_rows()))
    project.succeed(*STAGES[: STAGES.index(stage)])
    assert project.refuse(stage).startswith(told)


SET = {
    "stale data": (
        {"dataset.freshness": "7D"},
        "validate",
        "StaleData: dataset.freshness: newest row is of 2020-10-26",
    ),
    "a file that is not there": (
        {"dataset.source": {"kind": "file", "path": "gone.csv", "watch": "toy.csv"}},
        "ingest",
        "SourceError: dataset.source.path: 'gone.csv': ",
    ),
    "a slice of no feature": (
        {"objective.slices": [{"column": "region", "tolerance": 0.1}]},
        "evaluate",
        "MissingColumn: objective.slices: 'region' is not a feature: x, c",
    ),
    "a key that is none": ({"train.fold": 3}, "train", "SettingsError: params.yaml: train.fold: unknown key (value 3)"),
    "a module that is none": (
        {"dataset.features.module": "nowhere"},
        "features",
        "FeatureError: features/nowhere.py (dataset.features.module): ",
    ),
}


@pytest.mark.parametrize(("overrides", "stage", "told"), SET.values(), ids=SET)
def test_bad_settings_stop_the_run_with_one_line_that_names_them(
    project: Project, overrides: dict, stage: str, told: str
):
    project.set(**overrides)
    assert project.refuse(stage).startswith(told)


def test_a_source_that_fails_half_way_keeps_what_was_read_before(project: Project):
    (project.path / "flaky.py").write_text(
        "import pandas as pd\n\n\ndef pages():\n    yield pd.read_csv('toy.csv')[:100]\n"
        "    raise ConnectionError('reset by peer\\nafter 100 rows')\n\n\ndef load():\n    return pd.concat(pages())\n"
    )
    project.set(**{"dataset.source": {"kind": "python", "callable": "flaky:load", "watch": "flaky.py"}})
    told = project.refuse("ingest")
    assert told.startswith("SourceError: dataset.source.callable: 'flaky:load' failed: ")
    assert told.endswith("ConnectionError: reset by peer after 100 rows")


def test_a_file_that_was_cut_off_keeps_what_was_read_before(project: Project):
    file = project.path / "toy.parquet"
    toy_rows().to_parquet(file)
    file.write_bytes(file.read_bytes()[:2000])
    project.set(**{"dataset.source": {"kind": "file", "path": "toy.parquet", "watch": "toy.parquet"}})
    assert project.refuse("ingest").startswith("SourceError: dataset.source.path: 'toy.parquet': ")


def test_a_feature_that_is_infinite_is_named(project: Project):
    (project.path / "features/mine.py").write_text(
        "from keepfit.features import feature\n\n\n@feature()\ndef ratio(x):\n    return 1 / (x - x.iloc[0])\n"
    )
    project.set(**{"dataset.features.module": "mine"})
    assert project.refuse("features").startswith("FeatureError: ratio: infinite in 1 rows, the first at 0")


def test_a_few_rows_that_break_rules_are_set_aside_with_their_reasons(project: Project):
    rows = toy_rows().astype("object")
    rows.loc[10, "time"], rows.loc[20, "x"], rows.loc[30, "x"], rows.loc[40, "y"] = "yesterday", np.inf, "much", 7
    rows.loc[50, "time"] = rows.loc[49, "time"]
    project.write(rows)
    project.succeed(*STAGES)
    assert read_json(project.path / "reports/toy/validation.json")["reasons"] == {
        "time: duplicate": 1,
        "time: not a value of type datetime": 1,
        "x: infinite": 1,
        "x: not a value of type float": 1,
        "y: above 1": 1,
    }
    assert len(read_table(project.path / "data/toy/features.parquet")) == 295


def test_a_category_never_seen_in_training_goes_through(project: Project):
    rows = toy_rows().astype({"c": "object"})
    rows.loc[250:, "c"] = "new"
    project.write(rows)
    project.succeed(*STAGES)
    holdout = read_table(project.path / "data/toy/holdout.parquet")
    assert (holdout.c == "new").sum() == 49
    assert holdout.score.between(0, 1).all()


def full_disk() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))


@pytest.mark.parametrize("stage", STAGES)
def test_a_full_disk_leaves_every_output_as_it_was(project: Project, stage: str):
    if stage == "gate":
        project.set(**{"train.folds": 2})
        project.succeed("train", "evaluate")
    before = project.outputs
    assert "File too large" in project.refuse(stage, preexec_fn=full_disk)
    assert project.outputs == before


def test_a_full_disk_leaves_nothing_under_the_final_name(tmp_path):
    project = Project.make(tmp_path / "project", toy_rows())
    assert "File too large" in project.refuse("ingest", preexec_fn=full_disk)
    assert project.outputs == {}


@pytest.mark.parametrize("fresh", [True, False])
def test_a_kill_while_ingest_writes_leaves_the_old_table_or_none(project: Project, tmp_path, fresh: bool):
    if fresh:
        project = Project.make(tmp_path / "fresh", toy_rows())
    before = project.outputs
    (project.path / "large.py").write_text(
        "import numpy as np\nimport pandas as pd\n\n\ndef load():\n    n = 2_000_000\n"
        "    times = pd.Series(pd.date_range('2020-01-01', periods=n, freq='s'))\n"
        "    x = np.random.default_rng(0).normal(size=n)\n"
        "    return pd.DataFrame({'time': times, 'x': x, 'c': 'a', 'y': 1})\n"
    )
    project.set(**{"dataset.source": {"kind": "python", "callable": "large:load", "watch": "large.py"}})
    project.kill("ingest", when=(project.path / "data/toy/.raw.parquet.partial").exists)
    assert [Path(name).name for name in project.leftovers] == [".raw.parquet.partial"]
    assert {name: file for name, file in project.outputs.items() if ".partial" not in name} == before
    project.set()
    project.succeed("ingest")
    assert len(read_table(project.path / "data/toy/raw.parquet")) == 300
    assert project.leftovers == []


def test_a_kill_while_train_writes_leaves_the_old_challenger(project: Project):
    before, folder = project.outputs, project.path / "models/toy/challenger"
    project.set(seed=8)
    project.kill("train", when=folder.with_name(".challenger.partial").exists)
    assert folder.with_name(".challenger.partial").exists()
    assert {name: file for name, file in project.outputs.items() if ".partial" not in name} == before
    version = read_bundle(folder).passport.version
    project.succeed("train")
    assert read_bundle(folder).passport.version != version
    assert project.leftovers == []


def test_a_kill_while_the_package_is_built_leaves_the_old_one_or_none(project: Project):
    bento, built = project.path / "models/toy/bento", lambda: any(project.scratch.glob("*/context/bentofile.yaml"))
    before = project.outputs
    project.kill("package", when=built)
    assert project.outputs == before
    project.succeed("package")
    assert (bento / "bento.yaml").exists()
    first = project.outputs
    # What a kill between the two renames of the folder leaves.
    bento.rename(bento.with_name(".bento.previous"))
    bento.with_name(".bento.partial").mkdir()
    project.succeed("package")
    assert project.outputs == first
    assert project.leftovers == []


def test_where_the_first_challenger_was_refused_the_package_says_that_there_is_none(project: Project):
    (project.path / "models/toy/champion").rename(project.path / "away")
    (project.path / "reports/toy/gate.json").unlink()
    project.set(**{"gate.min_rows": 1000})
    project.succeed("gate")
    assert (project.path / "models/toy/champion" / NONE).exists()
    project.succeed("package")
    assert (project.path / "models/toy/bento" / NONE).exists()
