import logging
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from keepfit.bundle import Bundle, read_bundle
from keepfit.errors import BundleError, RolloverError
from keepfit.files import replacing, write_json
from keepfit.serving.origin import ROOT, Origin, hash_features, trace_origin
from keepfit.serving.rollover import Place, find_bundle
from tests.bundles import Case, train_bundle


@dataclass
class Stage:
    """A place, and what was installed there."""

    folder: Path
    origin: Origin
    optional: bool = False
    installed: list[str | None] = field(default_factory=list)
    serving: Bundle | None = None

    def __post_init__(self) -> None:
        self.place = Place(self.folder, load=self.load, install=self.install, optional=self.optional)

    def load(self, folder: Path) -> Bundle:
        return read_bundle(folder)

    def install(self, bundle: Bundle | None) -> None:
        self.installed.append(bundle and bundle.digest)
        self.serving = bundle

    def look(self, times: int = 2) -> None:
        for _ in range(times):
            self.place.look(self.origin)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Bundle]:
    case, folder = Case("binary"), tmp_path_factory.mktemp("bundles")
    one = train_bundle(folder / "one", case.table(), case.settings())
    shutil.copytree(one.folder, folder / "other")
    # Another passport is another champion, and costs no training.
    write_json(folder / "other/passport.json", one.passport.model_dump(mode="json") | {"version": "another"})
    return one, read_bundle(folder / "other")


@pytest.fixture
def stage(bundles: tuple[Bundle, Bundle], tmp_path: Path) -> Stage:
    one, _ = bundles
    shutil.copytree(one.folder, tmp_path / "champion")
    made = Stage(tmp_path / "champion", trace_origin(one.passport))
    made.serving = made.place.begin(made.load)
    return made


def put(bundle: Bundle, folder: Path) -> None:
    with replacing(folder) as partial:
        shutil.copytree(bundle.folder, partial)


def test_a_new_champion_is_taken_up_once_and_the_old_one_again(stage: Stage, bundles: tuple[Bundle, Bundle]):
    one, other = bundles
    stage.look(5)
    assert stage.installed == []
    put(other, stage.folder)
    stage.look(5)
    put(one, stage.folder)
    stage.look(5)
    assert stage.installed == [other.digest, one.digest]
    assert (stage.place.taken, stage.place.refused, stage.place.why) == (2, 0, None)


def test_a_champion_that_comes_while_the_first_is_loaded_is_taken_up(bundles: tuple[Bundle, Bundle], tmp_path: Path):
    one, other = bundles
    put(one, tmp_path / "champion")
    stage = Stage(tmp_path / "champion", trace_origin(one.passport))

    def load_slowly(copy: Path) -> Bundle:
        put(other, stage.folder)
        return stage.load(copy)

    assert stage.place.begin(load_slowly).digest == one.digest
    stage.look()
    assert stage.installed == [other.digest]


def test_the_first_one_serves_what_was_verified_whatever_lies_in_its_folder_by_then(stage: Stage):
    break_model(stage.folder)
    assert stage.serving.model is not None
    assert read_bundle(stage.serving.folder).digest == stage.serving.digest


def test_a_broken_first_one_is_told_by_its_own_name(bundles: tuple[Bundle, Bundle], tmp_path: Path):
    one, _ = bundles
    put(one, tmp_path / "champion")
    stage = Stage(tmp_path / "champion", trace_origin(one.passport))
    break_model(stage.folder)
    with pytest.raises(BundleError, match=rf"^{stage.folder}/model.skops: changed"):
        stage.place.begin(stage.load)


def test_what_serves_is_a_copy_that_goes_when_it_is_replaced(stage: Stage, bundles: tuple[Bundle, Bundle]):
    put(bundles[1], stage.folder)
    stage.look()
    copy = stage.serving.folder
    shutil.rmtree(stage.folder)
    assert stage.serving.model is not None
    put(bundles[0], stage.folder)
    stage.look()
    assert stage.serving.digest == bundles[0].digest
    assert not copy.exists()


def test_a_folder_that_still_changes_is_let_alone(stage: Stage, bundles: tuple[Bundle, Bundle]):
    _, other = bundles
    put(other, stage.folder)
    for number in range(4):
        (stage.folder / "growing").write_text("x" * number)
        stage.look(1)
    assert stage.installed == []
    (stage.folder / "growing").unlink()
    stage.look()
    assert stage.installed == [other.digest]


def break_model(folder: Path) -> None:
    content = (folder / "model.skops").read_bytes()
    (folder / "model.skops").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def break_passport(folder: Path) -> None:
    (folder / "passport.json").write_text('{"format": 1,')


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (break_model, "model.skops: changed"),
        (break_passport, "not a passport"),
        (lambda folder: (folder / "model.skops").unlink(), "model.skops: missing"),
        (lambda folder: (folder / "passport.json").unlink(), "passport.json: not there"),
    ],
    ids=["changed model", "half a passport", "no model", "no passport"],
)
def test_a_broken_one_is_refused_once_and_told(stage, bundles, caplog, harm, told):
    put(bundles[1], stage.folder)
    harm(stage.folder)
    stage.look(5)
    assert stage.installed == []
    assert stage.place.refused == 1
    assert told in stage.place.why
    assert sum(told in record.getMessage() for record in caplog.records) == 1


def test_a_whole_one_after_a_broken_one_is_taken_up(stage: Stage, bundles: tuple[Bundle, Bundle]):
    put(bundles[1], stage.folder)
    break_model(stage.folder)
    stage.look()
    put(bundles[1], stage.folder)
    stage.look()
    assert stage.installed == [bundles[1].digest]
    assert stage.place.why is None


def test_the_one_that_serves_being_broken_on_the_disk_is_told_too(stage: Stage):
    break_model(stage.folder)
    stage.look()
    assert stage.place.refused == 1
    assert "model.skops: changed" in stage.place.why


def test_one_that_fails_while_it_loads_is_refused(stage: Stage, bundles: tuple[Bundle, Bundle], monkeypatch):
    def refuse(folder: Path) -> Bundle:
        raise MemoryError("no room")

    stage.place._load = refuse
    put(bundles[1], stage.folder)
    stage.look()
    assert (stage.installed, stage.place.refused) == ([], 1)
    assert stage.place.why == "MemoryError: no room"


def test_a_disk_that_was_full_is_tried_again_and_told_once(stage: Stage, bundles: tuple[Bundle, Bundle]):
    full = iter([True] * 3 + [False])

    def load(folder: Path) -> Bundle:
        if next(full):
            raise OSError(28, "No space left on device", str(folder / "model.skops"))
        return stage.load(folder)

    stage.place._load = load
    put(bundles[1], stage.folder)
    stage.look(3)
    assert (stage.installed, stage.place.refused) == ([], 1)
    assert stage.place.why == "OSError: [Errno 28] No space left on device: 'model.skops'"
    stage.look(5)
    assert (stage.installed, stage.place.refused, stage.place.why) == ([bundles[1].digest], 1, None)


def test_a_champion_that_is_gone_goes_on(stage: Stage, caplog: pytest.LogCaptureFixture):
    shutil.rmtree(stage.folder)
    stage.look(5)
    assert stage.installed == []
    assert sum("a restart would fail" in record.getMessage() for record in caplog.records) == 1


def test_a_challenger_comes_and_goes(bundles: tuple[Bundle, Bundle], tmp_path: Path, caplog):
    one, other = bundles
    challenger = Stage(tmp_path / "challenger", trace_origin(one.passport), optional=True)
    challenger.look()
    put(other, challenger.folder)
    with caplog.at_level(logging.WARNING):
        challenger.look()
        shutil.rmtree(challenger.folder)
        challenger.look(3)
    assert challenger.installed == [other.digest, None]
    assert "takes the place of nothing" in caplog.text


def test_other_code_libraries_or_data_need_a_restart(bundles: tuple[Bundle, Bundle], tmp_path: Path):
    passport = bundles[0].passport
    origin = trace_origin(passport)
    origin.check(tmp_path, passport)
    other_library = passport.libraries | {"scikit-learn": "0.1"}
    other_code = passport.inputs.model_copy(update={"code": "another"})
    for changed, told in [
        ({"dataset": "shop"}, "of dataset shop; this service answers for toy"),
        ({"libraries": other_library}, "scikit-learn 0.1, this process has"),
        ({"inputs": other_code}, "trained by code another"),
    ]:
        with pytest.raises(RolloverError, match=told):
            origin.check(tmp_path, passport.model_copy(update=changed))


def write_sources(root: Path, module: str, code: str) -> None:
    for name, content in {"keepfit/features.py": "import json\n", f"features/{module}.py": code}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)


def test_in_a_bento_the_features_source_decides_and_not_that_of_the_training(bundles, tmp_path: Path):
    passport = bundles[0].passport
    module, src = passport.request.module, tmp_path / "src"
    write_sources(src, module, "AS = 'it is'\n")
    origin = replace(trace_origin(passport), features=hash_features(src, module))
    retrained = passport.inputs.model_copy(update={"code": "another"})
    origin.check(src / "champion", passport.model_copy(update={"inputs": retrained}))
    write_sources(src, module, "AS = 'it was'\n")
    with pytest.raises(RolloverError, match=f"features/{module}.py, or what it imports"):
        origin.check(src / "champion", passport)


def test_a_process_knows_the_code_that_it_runs(bundles: tuple[Bundle, Bundle]):
    assert trace_origin(bundles[0].passport).features == hash_features(ROOT, "as_is")
    assert hash_features(ROOT, "flights") != hash_features(ROOT, "sp500")


def test_the_bundle_of_a_bento_lies_in_its_sources(tmp_path: Path):
    assert find_bundle(tmp_path) == tmp_path
    (tmp_path / "src/champion").mkdir(parents=True)
    assert find_bundle(tmp_path) == tmp_path / "src/champion"
