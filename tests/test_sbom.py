"""SBOM: the libraries that go into the image, by the hash of their wheels, and the model; same inputs, same bytes."""

import json
from pathlib import Path

import pytest

from keepfit.errors import PackageError
from keepfit.files import hash_file, write_json
from keepfit.release import ReleaseFolder
from keepfit.sbom import hash_wheels, list_contents, read_licence, read_lock

LOCK = """\
small-library==1.0 ; python_full_version < '3.13' \\
    --hash=sha256:{ones} \\
    --hash=sha256:{twos}
elsewhere==2.0 ; sys_platform == 'win32' \\
    --hash=sha256:{ones}
"""


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """What was fetched for this platform: `elsewhere` is for another one."""
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels/Small_Library-1.0-py3-none-any.whl").write_bytes(b"a wheel")
    return tmp_path / "wheels"


@pytest.fixture
def folder(tmp_path: Path) -> ReleaseFolder:
    found = ReleaseFolder(tmp_path / "v0.1.0")
    found.requirements.parent.mkdir(parents=True)
    found.requirements.write_text(LOCK.format(ones="1" * 64, twos="2" * 64))
    (found.bento / "src/champion").mkdir(parents=True)
    (found.bento / "src/champion/model.skops").write_bytes(b"a model")
    names = {
        "version": "v0.1.0",
        "commit": "c0ffee",
        "dataset": "toy",
        "recipe": "abc",
        "champion": "d1",
        "bento": "e2",
    }
    write_json(found.path / "release.json", names)
    return found


@pytest.fixture(scope="module")
def lock(tmp_path_factory: pytest.TempPathFactory) -> dict:
    path = tmp_path_factory.mktemp("lock") / "requirements.txt"
    path.write_text(LOCK.format(ones="1" * 64, twos="2" * 64))
    return read_lock(path)


def test_it_lists_what_is_shipped_by_its_own_hash_and_the_model_with_its_licence(folder, lock, wheels):
    model, library = list_contents(folder, lock, wheels, licence="Apache-2.0")["components"]
    assert (library["name"], library["version"], library["purl"]) == (
        "small-library",
        "1.0",
        "pkg:pypi/small-library@1.0",
    )
    (wheel,) = wheels.iterdir()
    assert library["hashes"] == [{"alg": "SHA-256", "content": hash_file(wheel)}]
    assert (model["type"], model["name"], model["version"]) == ("machine-learning-model", "toy champion", "abc")
    assert model["hashes"][0]["content"] == hash_file(folder.bento / "src/champion/model.skops")
    assert model["licenses"] == [{"expression": "Apache-2.0"}]
    assert model["properties"] == [{"name": "keepfit:champion", "value": "d1"}]


def test_it_is_of_the_bento_which_depends_on_all_of_it(folder, lock, wheels):
    bom = list_contents(folder, lock, wheels, licence="Apache-2.0")
    bento = bom["metadata"]["component"]
    assert (bento["name"], bento["version"]) == ("keepfit_toy", "v0.1.0")
    assert {"name": "keepfit:commit", "value": "c0ffee"} in bento["properties"]
    depends = next(each["dependsOn"] for each in bom["dependencies"] if each["ref"] == bento["bom-ref"])
    assert depends == sorted(each["bom-ref"] for each in bom["components"])


@pytest.mark.slow
def test_two_runs_give_the_same_bytes(folder, lock, wheels):
    again = read_lock(folder.requirements)
    one, two = (json.dumps(list_contents(folder, each, wheels, licence=None)) for each in (lock, again))
    assert one == two


def test_the_licence_is_the_projects_and_none_is_made_up(folder, lock, wheels, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nlicense = "MIT"\n')
    assert read_licence(tmp_path / "pyproject.toml") == "MIT"
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert read_licence(tmp_path / "pyproject.toml") is None
    assert "licenses" not in list_contents(folder, lock, wheels, licence=None)["components"][0]


def test_a_wheel_that_is_not_in_the_lock_is_refused(folder, lock, wheels):
    (wheels / "stranger-3.0-py3-none-any.whl").write_bytes(b"")
    with pytest.raises(PackageError, match=r"stranger 3\.0 is not in"):
        list_contents(folder, lock, wheels, licence="Apache-2.0")


def test_names_are_compared_as_the_index_does(wheels):
    assert list(hash_wheels(wheels)) == [("small-library", "1.0")]
