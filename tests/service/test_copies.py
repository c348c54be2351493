import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from keepfit.errors import BundleError
from keepfit.serving.copies import PREFIX, UNLOCKED, load_copy, remove_orphans


class Loaded:
    def __init__(self, folder: Path) -> None:
        self.folder = folder


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where copies are made."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one file."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").write_text("whole")
    return tmp_path / "folder"


def grow_old(scratch: Path) -> None:
    for path in scratch.iterdir():
        os.utime(path, (time.time() - 2 * UNLOCKED,) * 2)


def test_a_copy_is_there_for_as_long_as_what_was_loaded_from_it(folder: Path, scratch: Path):
    found = load_copy(folder, Loaded)
    (folder / "file").write_text("changed")
    assert (found.folder / "file").read_text() == "whole"
    del found
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("load", [lambda _: None, lambda _: 1 / 0], ids=["nothing", "error"])
def test_a_copy_of_which_nothing_was_loaded_goes_at_once(folder: Path, scratch: Path, load):
    with suppress(ZeroDivisionError):
        load_copy(folder, load)
    assert list(scratch.iterdir()) == []


def test_a_folder_that_changes_while_it_is_copied_is_not_loaded(folder: Path, scratch: Path, monkeypatch):
    whole = shutil.copytree

    def copytree(*places: Path) -> None:
        whole(*places)
        (folder / "file").write_text("of another")

    monkeypatch.setattr(shutil, "copytree", copytree)
    with pytest.raises(OSError, match=f"^{folder}: changed while it was copied$"):
        load_copy(folder, Loaded)
    assert list(scratch.iterdir()) == []


def test_an_error_names_the_folder_and_not_its_copy(folder: Path):
    def refuse(copy: Path) -> None:
        raise BundleError(f"{copy / 'file'}: changed")

    with pytest.raises(BundleError, match=f"^{folder}/file: changed$"):
        load_copy(folder, refuse)


def test_a_copy_in_use_is_no_orphan_however_old_it_is(folder: Path, scratch: Path):
    found = load_copy(folder, Loaded)
    grow_old(scratch)
    remove_orphans()
    assert (found.folder / "file").exists()


PROGRAM = f"""
import os, signal, sys
from pathlib import Path
from {load_copy.__module__} import load_copy
load_copy(Path(sys.argv[1]), lambda copy: os.kill(os.getpid(), signal.SIGKILL))
"""


def test_the_copy_of_a_worker_that_was_killed_goes_when_another_starts(folder: Path, scratch: Path):
    subprocess.run([sys.executable, "-c", PROGRAM, folder], check=False)
    remove_orphans()
    (left,) = scratch.iterdir()
    assert left.name.startswith(PREFIX)
    grow_old(scratch)
    remove_orphans()
    assert list(scratch.iterdir()) == []
