"""The champion that scores files is the one that was verified, whatever takes its place."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from keepfit.bundle import read_bundle
from keepfit.compiled import scorer as scorers
from keepfit.files import replacing
from keepfit.score import score_rows
from tests.champions import packed
from tests.scored import FLIGHTS, ask, read, refuse, write

pytestmark = pytest.mark.usefixtures("small_chunks")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A packaged champion of its own."""
    bundle, _, _ = packed(*FLIGHTS)
    return Path(shutil.copytree(bundle.folder, tmp_path / "champion"))


def test_a_champion_that_is_replaced_while_it_is_read_scores_under_its_own_name_alone(folder, tmp_path, monkeypatch):
    bundle, _, rows = packed(*FLIGHTS)
    other, _, _ = packed("flights", "random_forest", "multiclass")
    real = scorers.read_plan

    def read_plan(place: Path):
        with replacing(folder) as partial:
            shutil.copytree(other.folder, partial)
        return real(place)

    monkeypatch.setattr(scorers, "read_plan", read_plan)
    ask(write(rows, tmp_path / "rows.csv"), tmp_path / "out.csv", champion=replace(bundle, folder=folder))
    found = read(tmp_path / "out.csv")
    assert set(found.digest) == {bundle.digest}
    np.testing.assert_array_equal(found.score, score_rows(bundle, rows).score)
    assert read_bundle(folder).digest == other.digest


def test_a_champion_that_is_replaced_while_it_is_copied_is_refused(folder, tmp_path, monkeypatch):
    bundle, _, rows = packed(*FLIGHTS)
    whole = shutil.copytree

    def copytree(*places):
        whole(*places)
        with replacing(folder) as partial:
            whole(bundle.folder, partial)

    monkeypatch.setattr(shutil, "copytree", copytree)
    source = write(rows, tmp_path / "rows.csv")
    told = refuse(source, tmp_path / "out.csv", champion=replace(bundle, folder=folder))
    assert "champion: changed while it was copied" in told


def test_a_champion_that_is_broken_or_is_none_is_named_by_its_own_folder(folder, tmp_path):
    bundle, _, rows = packed(*FLIGHTS)
    source = write(rows, tmp_path / "rows.csv")
    (folder / "schema.json").write_text("{}")
    told = refuse(source, tmp_path / "out.csv", champion=replace(bundle, folder=folder))
    assert f"{folder}/schema.json: changed" in told
    told = refuse(source, tmp_path / "out.csv", champion=replace(bundle, folder=tmp_path))
    assert f"{tmp_path}/serving.json: not there" in told
