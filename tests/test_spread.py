"""`keepfit score` on the workers of an engine writes what threads write."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from keepfit.bundle import Bundle
from keepfit.cli import app
from keepfit.engine import InProcess
from keepfit.errors import ScoringError
from keepfit.scoring import spread as spreading
from keepfit.scoring.champion import load_champion
from keepfit.scoring.job import Job, Order
from keepfit.scoring.run import make_order, run
from keepfit.scoring.spread import Stretch, plan_stretches, spread
from tests.champions import packed
from tests.toys import toy_values

FLIGHTS = ("flights", "hist_gradient_boosting", None)
SIZE = 70


@pytest.fixture(autouse=True)
def _short_stretches(monkeypatch):
    monkeypatch.setattr(plan_stretches, "__defaults__", (2,))
    spreading._load_once.cache_clear()


@pytest.fixture(scope="module")
def asked(tmp_path_factory) -> tuple[Bundle, list[Path]]:
    """A champion, and rows of which some cannot be scored, in a CSV and in Parquet."""
    bundle, _, rows = packed(*FLIGHTS)
    rows = rows.astype({"origin": object})
    rows.loc[rows.index[::50], "hour"] = 99
    folder = tmp_path_factory.mktemp("asked")
    rows.to_csv(folder / "a.csv", index=False)
    rows.to_parquet(folder / "b.parquet", index=False, row_group_size=100)
    return bundle, [folder / "a.csv", folder / "b.parquet"]


def begin(out: Path, bundle: Bundle, files: list[Path]) -> tuple[Job, Order]:
    return Job(out), make_order(load_champion(bundle.folder), files, (), SIZE)


def outcome(job: Job) -> list[bytes]:
    assert not job.folder.exists()
    return [job.out.read_bytes(), job.quarantine.read_bytes()]


def test_parquet_is_cut_into_stretches_of_chunks_and_a_csv_is_one(asked, tmp_path):
    bundle, files = asked
    _, order = begin(tmp_path / "out.parquet", bundle, files)
    stretches = list(plan_stretches(order))
    assert stretches[0] == Stretch(0, 0, None)
    assert stretches[1:3] == [Stretch(1, 0, 2), Stretch(1, 2, 2)]
    chunks = -(-spreading.count_rows(files[1]) // SIZE)
    assert stretches[-1].first + 2 >= chunks > stretches[-1].first


def test_it_writes_what_threads_write_and_goes_on_where_another_run_was(asked, tmp_path):
    bundle, files = asked
    job, order = begin(tmp_path / "threads.parquet", bundle, files)
    marks = run(load_champion(bundle.folder), job, order, job.begin(order), threads=2)
    other, order = begin(tmp_path / "spread.parquet", bundle, files)
    advanced: list[int] = []
    found = spread(bundle.folder, other, order, other.begin(order), engine=InProcess(1), advance=advanced.append)
    assert (found, outcome(other)) == (marks, outcome(job))
    assert sum(advanced) == sum(mark.rows for mark in marks)
    assert sum(mark.quarantined for mark in marks) > 0

    half, order = begin(tmp_path / "half.parquet", bundle, files)
    done = half.begin(order)
    for stretch in list(plan_stretches(order))[:2]:
        spreading._score_stretch(stretch, folder=bundle.folder, out=half.out, order=order, done=frozenset(done))
    done, advanced = half.begin(order), []
    spread(bundle.folder, half, order, done, engine=InProcess(1), advance=advanced.append)
    assert outcome(half) == outcome(job)
    assert sum(advanced) == sum(mark.rows for mark in marks) - sum(mark.rows for mark in done.values())


def test_a_champion_that_was_exchanged_meanwhile_is_refused(asked, tmp_path):
    bundle, files = asked
    job, order = begin(tmp_path / "out.parquet", bundle, files)
    other = order.model_copy(update={"digest": "0" * 64})
    with pytest.raises(ScoringError, match="another champion"):
        spread(bundle.folder, job, other, job.begin(other), engine=InProcess(1))


@pytest.mark.slow
def test_the_command_scores_on_the_workers_that_the_parameters_name(asked, tmp_path, monkeypatch):
    bundle, files = asked
    job, order = begin(tmp_path / "threads.parquet", bundle, files)
    order = order.model_copy(update={"size": 50_000})
    run(load_champion(bundle.folder), job, order, job.begin(order), threads=1)
    engine = {"kind": "dask", "rows": 1000, "scheduler": None, "workers": 2, "memory": "1GiB"}
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(toy_values(engine=engine)))
    command = ["score", *map(str, files), "scores.parquet", "--champion", str(bundle.folder.resolve())]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "scores.parquet").read_bytes() == job.out.read_bytes()
