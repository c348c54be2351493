"""Two real workers under load: another champion, the old one again, a broken one, a canary that errs."""

import shutil
from pathlib import Path

import pytest

from keepfit.bundle import Bundle, read_bundle
from keepfit.files import replacing
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
