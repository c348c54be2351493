"""The Bento of a champion that reads what the rows no longer have."""

from pathlib import Path

import pytest

from keepfit.bundle import PASSPORT, Bundle
from keepfit.errors import PackageError
from keepfit.package import CHAMPION, must_be_kept
from tests.bundles import train_bundle
from tests.toys import toy_rows, toy_settings, toy_table


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> Bundle:
    return train_bundle(tmp_path_factory.mktemp("toy") / "b", toy_table(toy_rows(), toy_settings()), toy_settings())


def package(folder: Path, text: str) -> Path:
    (folder / CHAMPION).mkdir(parents=True)
    (folder / CHAMPION / PASSPORT).write_text(text)
    return folder


def test_a_champion_whose_columns_are_all_there_is_packaged_anew(toy, tmp_path):
    assert not must_be_kept(toy, toy_rows(), tmp_path / "bento")


def test_the_bento_of_a_champion_that_lost_a_column_is_kept(toy, tmp_path):
    bento = package(tmp_path / "bento", (toy.folder / PASSPORT).read_text())
    assert must_be_kept(toy, toy_rows().drop(columns="c"), bento)


@pytest.mark.parametrize("text", [None, "{}"])
def test_where_there_is_none_of_this_champion_the_column_is_named(toy, tmp_path, text):
    bento = tmp_path / "bento" if text is None else package(tmp_path / "bento", text)
    with pytest.raises(PackageError, match=rf"champion {toy.passport.version} needs c, which the rows no longer have"):
        must_be_kept(toy, toy_rows().drop(columns="c"), bento)
