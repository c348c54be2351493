"""The prediction log of real workers: a database that dies, a worker that is killed, a disk that is full."""

import json
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from keepfit.bundle import Bundle
from keepfit.serving.journal import find_segments
from keepfit.serving.location import JOURNAL
from keepfit.serving.tables import open_log, outcomes, predictions
from tests.bundles import Case, train_bundle
from tests.service.postgres import Postgres, find_binaries, running_postgres
from tests.service.traffic import ROW, Load, Server, serving

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    case = Case("binary")
    return train_bundle(tmp_path_factory.mktemp("bundle") / "champion", case.table(), case.settings())


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with running_postgres(binaries) as server:
        yield server


def workers_of(server: Server) -> list[int]:
    """Return the processes that answer."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words, stat = (entry / "cmdline").read_bytes(), (entry / "stat").read_text()
        except OSError:
            continue
        if b"worker" in words and int(stat.rpartition(")")[2].split()[1]) == server.process.pid:
            found.append(int(entry.name))
    return found


def read(engine: Engine, column) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(select(column)).scalars())


def acknowledged(load: Load) -> set[str]:
    return {each["id"] for answer in load.answers for each in answer["predictions"] if each["logged"]}


def feed_back(server: Server, ids: list[str]) -> None:
    status, body = server.ask("POST", "/feedback", [{"id": name, "outcome": True} for name in ids])
    assert (status, json.loads(body)["logged"]) == (200, True)


def test_no_acknowledged_prediction_is_lost_to_a_dead_database_a_killed_worker_or_the_end(
    champion: Bundle, postgres: Postgres, tmp_path: Path
):
    folder = tmp_path / "log"
    with serving(champion.folder, log_folder=folder, log_url=postgres.url) as server:
        with Load(server).running() as load:
            server.wait_for(lambda: len(load.answers) > 300)
            postgres.kill()
            killed_at = len(load.answers)
            server.wait_for(lambda: server.metrics().get("keepfit_log_failures_total", 0) > 0)
            os.kill(workers_of(server)[0], signal.SIGKILL)
            server.wait_for(lambda: len(load.answers) > killed_at + 500)
            assert server.metrics()["keepfit_log_waiting"] > 0
            postgres.start()
            server.wait_for(lambda: len(workers_of(server)) == 2)
        early = sorted(acknowledged(load))[:100]
        feed_back(server, early)
        feed_back(server, early)
    assert set(load.statuses) == {200}
    assert len(acknowledged(load)) == len(load.answers)
    engine = open_log(postgres.url)
    assert acknowledged(load) <= read(engine, predictions.c.id)
    assert read(engine, outcomes.c.id) == set(early)
    assert find_segments(folder / JOURNAL) == []


def test_a_full_disk_drops_and_counts_and_slows_and_fails_no_prediction(champion: Bundle, tmp_path: Path):
    with serving(champion.folder, log_folder=tmp_path / "log") as server, Load(server).running() as load:
        server.wait_for(lambda: len(load.answers) > 100)
        limits = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in workers_of(server)}
        for pid, (_, hard) in limits.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, hard))
        full = len(load.answers)
        server.wait_for(lambda: len(load.answers) > full + 300)
        dropped = [each["logged"] for answer in load.answers[full + 100 :] for each in answer["predictions"]]
        assert not any(dropped)
        for pid, both in limits.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, both)
        server.wait_for(lambda: load.answers[-1]["predictions"][0]["logged"])
        server.wait_for(lambda: server.metrics()["keepfit_log_dropped_total"] >= len(dropped))
    assert set(load.statuses) == {200}
    assert load.failures == []
    assert acknowledged(load) <= read(open_log(f"sqlite:///{tmp_path / 'log/log.sqlite'}"), predictions.c.id)


def test_a_prediction_is_found_again_with_its_features_its_outcome_and_its_passport(champion: Bundle, tmp_path: Path):
    with serving(champion.folder, log_folder=tmp_path / "log") as server:
        status, body = server.ask("POST", "/predict", ROW)
        told = json.loads(body)["predictions"][0]
        assert (status, told["logged"]) == (200, True)
        feed_back(server, [told["id"]])
        path = f"/predictions/{told['id']}"
        server.wait_for(lambda: server.ask("GET", path)[0] == 200)
    # Another start: what was logged is there.
    with serving(champion.folder, log_folder=tmp_path / "log") as server:
        found = json.loads(server.ask("GET", path)[1])
        assert server.ask("GET", f"/predictions/{'0' * 32}")[0] == 404
    assert (found["score"], found["decision"], found["digest"]) == (told["score"], told["decision"], champion.digest)
    assert found["row"] == {"time": "2020-01-01T00:00:00Z", "x": 0.3, "c": "a"}
    assert found["features"]["x"] == 0.3
    assert found["outcome"]["value"] is True
    assert found["passport"]["version"] == champion.passport.version
