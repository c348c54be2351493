"""Release: a folder of one version, whose Bento is the one that the pipeline packaged."""

from pathlib import Path

import pytest

from keepfit.errors import ReleaseError
from keepfit.files import write_json
from keepfit.release import ReleaseFolder, hash_files, open_release, refuse_other_bento

NAMES = {"version": "v0.1.0", "commit": "a", "dataset": "toy", "recipe": "r", "champion": "c", "bento": "b"}


@pytest.fixture
def packaged(tmp_path: Path) -> Path:
    folder = tmp_path / "bento"
    (folder / "src").mkdir(parents=True)
    (folder / "bento.yaml").write_text("name: toy")
    (folder / "src/service.py").write_text("serve()")
    return folder


@pytest.mark.parametrize("version", ["v0.2.0", "champion@v0.2.0"])
def test_a_version_is_given_as_itself_or_as_its_tag(version):
    assert open_release(version).path == Path("outputs/release/v0.2.0")


@pytest.mark.parametrize("version", ["0.2.0", "v0.2", "champion#prod#3", "v0.2.0/../x", "v0.2.0; rm -rf /", ""])
def test_anything_else_is_refused(version):
    with pytest.raises(ReleaseError, match="allowed: vX"):
        open_release(version)


def test_a_step_before_build_says_what_is_missing(tmp_path):
    with pytest.raises(ReleaseError, match=r"keepfit release build v0\.1\.0"):
        ReleaseFolder(tmp_path / "v0.1.0").read_record()
    with pytest.raises(ReleaseError, match=r"recorded\.json"):
        ReleaseFolder(tmp_path / "v0.1.0").read_recorded()


def test_the_image_joins_the_record_and_changes_nothing_else(tmp_path):
    folder = ReleaseFolder(tmp_path / "v0.1.0")
    write_json(folder.path / "release.json", NAMES)
    before = folder.read_record()
    folder.write_image("registry/toy@sha256:1")
    assert folder.read_record() == before.model_copy(update={"image": "registry/toy@sha256:1"})


def test_the_signature_and_the_failure_lie_beside_what_is_signed(tmp_path):
    folder = ReleaseFolder(tmp_path / "v0.1.0")
    assert folder.signature == tmp_path / "v0.1.0.sig"
    assert folder.failure == tmp_path / "v0.1.0.failure"


def test_the_same_bento_passes_with_what_serving_left_in_it(packaged):
    built = hash_files(packaged)
    (packaged / "src/__pycache__").mkdir()
    (packaged / "src/__pycache__/service.pyc").write_bytes(b"")
    refuse_other_bento(built, packaged)


@pytest.mark.parametrize("name", ["bento.yaml", "src/service.py", "src/more.py"])
def test_another_bento_is_refused_by_the_file_that_differs(packaged, name):
    built = hash_files(packaged)
    (packaged / name).write_text("changed")
    with pytest.raises(ReleaseError, match=name):
        refuse_other_bento(built, packaged)


def test_a_bento_that_was_never_packaged_is_refused(packaged, tmp_path):
    with pytest.raises(ReleaseError, match="no Bento there"):
        refuse_other_bento(hash_files(packaged), tmp_path / "nowhere")
