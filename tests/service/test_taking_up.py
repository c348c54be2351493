"""Two real workers under load: another champion, the old one again, a broken one, a canary that errs."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from keepfit.bundle import Bundle, read_bundle
from keepfit.files import replacing, write_json
from keepfit.serving.canary import read_fallback
from keepfit.serving.pairs import read_pairs
from keepfit.serving.tables import open_log, predictions
from tests.bundles import Case, train_bundle
from tests.service.traffic import Load, Server, serving

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Bundle]:
    """Two champions that score alike rows differently."""
    case, folder = Case("binary"), tmp_path_factory.mktemp("bundles")
    one = train_bundle(folder / "one", case.table(), case.settings())
    return one, train_bundle(folder / "other", case.table(), case.timid())


def put(bundle: Bundle, folder: Path) -> None:
    with replacing(folder) as partial:
        shutil.copytree(bundle.folder, partial)


def digests(server: Server, role: str = "champion") -> set[str]:
    series = [name for name, value in server.metrics().items() if name.startswith("keepfit_model_info") and value]
    return {name.split('digest="')[1].split('"')[0] for name in series if f'role="{role}"' in name}


def test_champions_are_switched_and_switched_back_without_a_request_that_fails(bundles, tmp_path: Path):
    one, other = bundles
    folder = tmp_path / "champion"
    put(one, folder)
    with serving(folder, watch="0.3") as server, Load(server).running() as load:
        server.wait_for(lambda: load.versions() == {one.passport.version})
        put(other, folder)
        server.wait_for(lambda: digests(server) == {other.digest})
        seen = len(load.answers)
        server.wait_for(lambda: len(load.answers) > seen + 200)
        put(one, folder)
        server.wait_for(lambda: digests(server) == {one.digest})
        shutil.copytree(other.folder, tmp_path / "broken")
        (tmp_path / "broken/model.skops").write_bytes(b"no model")
        put(read_bundle(tmp_path / "broken", only=()), folder)
        server.wait_for(lambda: "model.skops: changed" in server.log.read_text())
        seen = len(load.answers)
        server.wait_for(lambda: len(load.answers) > seen + 200)
    assert load.failures == []
    assert set(load.statuses) == {200}
    assert load.versions() == {one.passport.version, other.passport.version}
    assert {answer["version"] for answer in load.answers[-100:]} == {one.passport.version}


def break_scoring(bundle: Bundle, folder: Path) -> Bundle:
    """A copy that loads, and fails at every row: its passport leaves out a feature that its model needs."""
    shutil.copytree(bundle.folder, folder)
    write_json(folder / "passport.json", bundle.passport.model_dump(mode="json") | {"features": ["x"]})
    return read_bundle(folder)


def test_a_canary_that_errs_falls_back_unheard_and_one_that_does_not_answers_its_share(bundles, tmp_path: Path):
    one, other = bundles
    champion, challenger = tmp_path / "champion", tmp_path / "challenger"
    put(one, champion)
    broken = break_scoring(other, tmp_path / "broken")
    marker = tmp_path / "canary_off.json"
    options = {"challenger": challenger, "canary": "0.5", "canary_file": marker, "watch": "0.3"}
    options["log_folder"] = tmp_path / "log"
    with serving(champion, **options) as server, Load(server).running() as load:
        put(broken, challenger)
        server.wait_for(lambda: server.metrics().get('keepfit_canary{state="off"}') == 1)
        told = read_fallback(marker)
        assert (told.digest, told.reason) == (broken.digest, "errors")
        assert "fell back to the champion: 5 of its last 5 answers failed" in server.log.read_text()
        server.wait_for(lambda: server.metrics()['keepfit_canary_fallbacks_total{reason="errors"}'] in (1, 2))
        assert load.versions() == {one.passport.version}
        put(other, challenger)
        server.wait_for(lambda: other.passport.version in load.versions())
        first = next(place for place, answer in enumerate(load.answers) if "role" in answer)
        server.wait_for(lambda: len(load.answers) > first + 400)
        shutil.rmtree(challenger)
        server.wait_for(lambda: digests(server, "challenger") == set())
        server.wait_for(lambda: not server.metrics()["keepfit_shadow_waiting"])
        rows = server.metrics()
        assert rows['keepfit_rows_total{role="canary"}'] > 100
        assert rows['keepfit_rows_total{role="challenger"}'] > 100
        assert rows['keepfit_shadow_requests_total{outcome="dropped"}'] == 0
    assert load.failures == []
    assert set(load.statuses) == {200}
    by_canary = [answer["version"] for answer in load.answers if answer.get("role") == "canary"]
    assert set(by_canary) == {other.passport.version}
    assert len([each for each in load.answers[first : first + 400] if "role" in each]) == pytest.approx(200, abs=60)
    # Every answer is in the database, and both models' answers to a row are a pair.
    engine = open_log(f"sqlite:///{tmp_path / 'log/log.sqlite'}")
    with engine.connect() as connection:
        logged = connection.execute(select(predictions.c.id, predictions.c.role)).all()
    assert {each["id"] for answer in load.answers for each in answer["predictions"]} <= {name for name, _ in logged}
    pairs = read_pairs(engine, Case("binary").settings().dataset)
    assert len(pairs.times) == sum(role != "champion" for _, role in logged)
    assert set(pairs.challenger.scores) == scores_of(load, other)
    assert set(pairs.champion.scores) == scores_of(load, one)


def scores_of(load: Load, bundle: Bundle) -> set[float]:
    answers = [answer for answer in load.answers if answer["version"] == bundle.passport.version]
    return {each["score"] for answer in answers for each in answer["predictions"]}
