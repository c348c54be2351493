import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from keepfit.bundle import (
    HISTORY,
    HOLDOUT_MODEL,
    MODEL,
    NONE,
    PASSPORT,
    PROFILE,
    REFERENCE,
    SCHEMA,
    Bundle,
    copy_bundle,
    read_bundle,
    read_champion,
    write_bundle,
    write_none,
)
from keepfit.errors import BundleError, UntrustedType
from keepfit.features import load_module
from keepfit.files import hash_file, read_json, write_json
from keepfit.passport import Passport
from keepfit.profile import draw_profile
from keepfit.provenance import issue_passport
from keepfit.score import score_rows
from keepfit.scores import predict_scores
from keepfit.settings import Settings
from keepfit.train import Trained, fit
from tests.toys import toy_rows, toy_settings, toy_table

FILES = [MODEL, HOLDOUT_MODEL, REFERENCE, HISTORY, PROFILE, SCHEMA]


def issue(trained: Trained, settings: Settings) -> Passport:
    return issue_passport(trained, settings, load_module("as_is"), rows="rows", table="table", code="code")


@pytest.fixture(scope="module")
def trained(settings: Settings) -> Trained:
    return fit(toy_table(toy_rows(), settings), settings)


@pytest.fixture(scope="module")
def made(trained: Trained, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("bundle") / "challenger"
    write(folder, trained, settings)
    return read_bundle(folder)


@pytest.fixture
def folder(made: Bundle, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(made.folder, tmp_path / "model"))


def write(folder: Path, trained: Trained, settings: Settings, **other) -> None:
    passport = issue(trained, settings)
    profile = draw_profile(toy_rows(), settings.dataset, list(passport.request.columns), settings.drift.window)
    write_bundle(folder, passport, replace(trained, **other), profile)


def test_what_is_read_is_what_was_written(made, trained):
    pd.testing.assert_frame_equal(made.reference, trained.reference, check_exact=True)
    for one, other in ((made.model, trained.model), (made.holdout_model, trained.holdout_model)):
        np.testing.assert_array_equal(
            predict_scores(one, trained.reference, "binary"), predict_scores(other, trained.reference, "binary")
        )
    assert made.passport.threshold == trained.threshold
    assert made.passport.trained_on == trained.trained_on


def test_the_passport_lists_every_other_file_and_the_digest_is_its_own(made):
    assert sorted(made.passport.files) == sorted(FILES)
    assert {path.name for path in made.folder.iterdir()} == {*FILES, PASSPORT}
    assert made.passport.files == {name: hash_file(made.folder / name) for name in made.passport.files}
    assert made.digest == hash_file(made.folder / PASSPORT)


def test_the_schema_is_what_a_request_must_bring(made):
    schema = read_json(made.folder / SCHEMA)
    assert schema["columns"] == {
        "time": {"type": "datetime", "nullable": False, "unique": False},
        "x": {"type": "float", "nullable": False, "unique": False},
        "c": {"type": "category", "nullable": False, "unique": False},
    }
    assert schema["look_back"] == 0


def test_the_same_inputs_give_the_same_bytes(made, settings, tmp_path):
    write(tmp_path / "again", fit(toy_table(toy_rows(), settings), settings), settings)
    for name in (*FILES, PASSPORT):
        assert (tmp_path / "again" / name).read_bytes() == (made.folder / name).read_bytes(), name


def test_raw_rows_are_scored_by_the_model_that_serves(made, trained):
    rows = toy_rows(20, seed=3)
    scored = score_rows(made, rows.drop(columns="y"))
    expected = predict_scores(trained.model, rows[["x", "c"]], "binary")
    np.testing.assert_array_equal(scored.score, expected)
    np.testing.assert_array_equal(scored.decision, expected >= trained.threshold)


def test_without_a_holdout_model_the_one_that_serves_is_judged(trained, settings, tmp_path):
    write(tmp_path / "model", trained, settings, holdout_model=None)
    bundle = read_bundle(tmp_path / "model")
    assert not (bundle.folder / HOLDOUT_MODEL).exists()
    assert bundle.holdout_model is bundle.model


@pytest.mark.parametrize("name", FILES)
def test_a_changed_byte_is_refused_with_the_file(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(BundleError, match=rf"{name}: changed; its passport says SHA-256 [0-9a-f]{{64}}"):
        read_bundle(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused_with_its_name(folder, name):
    (folder / name).unlink()
    with pytest.raises(BundleError, match=f"{name}: missing"):
        read_bundle(folder)


def test_only_the_files_that_are_asked_for_are_checked(folder):
    (folder / REFERENCE).unlink()
    assert read_bundle(folder, only=(MODEL, SCHEMA)).passport.dataset == "toy"
    (folder / MODEL).unlink()
    with pytest.raises(BundleError, match=f"{MODEL}: missing"):
        read_bundle(folder, only=(MODEL, SCHEMA))


def test_another_digest_is_refused_with_both(folder, made):
    read_bundle(folder, digest=made.digest)
    with pytest.raises(BundleError, match=f"digest is {made.digest}, expected {'0' * 64}"):
        read_bundle(folder, digest="0" * 64)


def test_a_passport_rewritten_to_hide_a_change_has_another_digest(folder, made):
    (folder / SCHEMA).write_text("{}")
    passport = read_json(folder / PASSPORT)
    passport["files"][SCHEMA] = hash_file(folder / SCHEMA)
    write_json(folder / PASSPORT, passport)
    read_bundle(folder)
    with pytest.raises(BundleError, match="digest is "):
        read_bundle(folder, digest=made.digest)


@pytest.mark.parametrize(
    "content", [None, "", "{}", "[]", "not json", json.dumps({"format": 1, "version": "x"})],
    ids=["missing", "empty", "no keys", "a list", "no json", "too little"],
)  # fmt: skip
def test_what_is_no_passport_is_refused_with_its_file(folder, content):
    if content is None:
        (folder / PASSPORT).unlink()
    else:
        (folder / PASSPORT).write_text(content)
    with pytest.raises(BundleError, match=rf"{PASSPORT}: not a passport of format 1: "):
        read_bundle(folder)


def test_an_unknown_key_of_the_passport_is_refused_by_name(folder):
    write_json(folder / PASSPORT, {**read_json(folder / PASSPORT), "blessed": True})
    with pytest.raises(BundleError, match="blessed"):
        read_bundle(folder)


def test_there_is_no_champion_where_there_is_no_folder_or_it_says_so(tmp_path):
    assert read_champion(tmp_path / "champion") is None
    write_none(tmp_path / "champion", "the gate refused the first challenger")
    assert read_champion(tmp_path / "champion") is None
    assert read_json(tmp_path / "champion" / NONE)["why"] == "the gate refused the first challenger"


def test_a_broken_champion_is_no_missing_one(folder):
    (folder / MODEL).write_bytes(b"")
    with pytest.raises(BundleError, match=f"{MODEL}: changed"):
        read_champion(folder)


def test_an_empty_folder_is_no_missing_champion(tmp_path):
    with pytest.raises(BundleError, match=PASSPORT):
        read_champion(tmp_path)


def test_a_bundle_that_could_not_be_written_leaves_the_old_one(folder, made, trained, settings):
    with pytest.raises(UntrustedType):
        write(folder, trained, settings, holdout_model=toy_settings())
    assert read_bundle(folder).digest == made.digest
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize("written", range(5))
def test_a_half_written_folder_is_never_taken_for_a_whole_bundle(made, tmp_path, written):
    # The files in the order of writing, the passport last, cut off after each of them.
    for name in [*FILES, PASSPORT][:written]:
        shutil.copy(made.folder / name, tmp_path / name)
    with pytest.raises(BundleError):
        read_champion(tmp_path)


def test_a_copy_takes_the_place_of_the_whole_folder(made, tmp_path):
    write_none(tmp_path / "champion", "none yet")
    copy_bundle(made, tmp_path / "champion")
    champion = read_champion(tmp_path / "champion")
    assert champion is not None
    assert champion.digest == made.digest
    assert not (tmp_path / "champion" / NONE).exists()
