from pathlib import Path

import pytest

from keepfit.imports import hash_code, imported_files

FILES = {
    "stages/train.py": "import numpy\nfrom keepfit import errors\nfrom keepfit.train import fit\n",
    "keepfit/errors.py": "",
    "keepfit/train.py": "def fit():\n    from keepfit.folds import split\n    import keepfit.late as late\n",
    "keepfit/folds.py": "import keepfit.train\n",
    "keepfit/late.py": "",
    "keepfit/other.py": "",
    "features/mine.py": "from keepfit.windows import mean\nfrom features import shared\n",
    "features/shared.py": "",
    "keepfit/windows.py": "",
}
START, MINE = Path("stages/train.py"), Path("features/mine.py")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def names(files: list[Path]) -> list[str]:
    return [file.as_posix() for file in files]


def test_imports_are_followed_directly_or_not_late_and_in_a_circle(project):
    assert names(imported_files(START, project)) == [
        "stages/train.py",
        "keepfit/errors.py",
        "keepfit/folds.py",
        "keepfit/late.py",
        "keepfit/train.py",
    ]


def test_what_is_imported_from_a_package_or_a_module_is_found(project):
    assert names(imported_files(MINE, project)) == ["features/mine.py", "features/shared.py", "keepfit/windows.py"]


def test_a_file_that_imports_nothing_is_alone(project):
    assert names(imported_files(Path("keepfit/other.py"), project)) == ["keepfit/other.py"]


REACHED = ["stages/train.py", "keepfit/late.py", "features/mine.py", "features/shared.py", "keepfit/windows.py"]


@pytest.mark.parametrize("name", REACHED)
def test_the_hash_of_the_code_changes_with_each_file_that_is_reached(project, name):
    before = hash_code(START, project, extra=(MINE,))
    (project / name).write_text((project / name).read_text() + "# changed\n")
    assert hash_code(START, project, extra=(MINE,)) != before


def test_the_hash_of_the_code_does_not_change_with_a_file_that_is_not_reached(project):
    before = hash_code(START, project, extra=(MINE,))
    (project / "keepfit/other.py").write_text("changed = 1\n")
    assert hash_code(START, project, extra=(MINE,)) == before


def test_code_that_moves_to_another_file_has_another_hash(project):
    before = hash_code(START, project)
    text = (project / "keepfit/train.py").read_text()
    (project / "keepfit/train.py").write_text("")
    (project / "keepfit/errors.py").write_text(text)
    assert hash_code(START, project) != before
