"""The champion's folder and the record of the gate agree, whatever happens between the two."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from keepfit import succession
from keepfit.bundle import NONE, PASSPORT, Bundle, read_bundle, read_champion
from keepfit.errors import BundleError, ChampionMissing
from keepfit.files import remove
from keepfit.succession import find_champion, in_experiment, keepsake
from tests.bundles import Gate, Trial, begin, name, same_files, train_bundle

REFUSED = {"gate.min_rows": 1000}


@pytest.fixture(scope="module")
def trial(tmp_path_factory) -> Trial:
    return begin("regression", tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="module")
def better(trial: Trial) -> Bundle:
    return trial.challenger


@pytest.fixture(scope="module")
def first(trial: Trial) -> Bundle:
    return train_bundle(trial.folder / "first", trial.table(), trial.timid())


@pytest.fixture
def gate(trial: Trial, tmp_path: Path) -> Gate:
    return Gate(trial, folder=tmp_path / "champion", record=tmp_path / "gate.json")


def be_a_clone(gate: Gate) -> None:
    """Take away what a clone has not."""
    remove(gate.folder)
    remove(keepsake(gate.folder))


def test_record_and_folder_agree_on_the_first_champion(gate: Gate, first: Bundle):
    gate.run(first)
    told = gate.told
    assert (told["decision"], told["replaced"]) == ("promote", True)
    assert told["challenger"] == told["champion"] == name(first)
    assert told["previous"] is None
    assert told["champion_metrics"] is None
    assert all(check["passed"] for check in told["checks"])
    assert same_files(gate.folder, first.folder)


def test_record_and_folder_agree_after_a_succession(gate: Gate, first: Bundle, better: Bundle):
    gate.run(first)
    gate.run(better)
    told = gate.told
    assert (told["decision"], told["replaced"]) == ("promote", True)
    assert told["champion"] == told["challenger"] == name(better)
    assert told["previous"] == name(first)
    assert told["champion_metrics"]["absolute_error"] > 1
    assert same_files(gate.folder, better.folder)


def test_a_refused_challenger_leaves_the_champion_and_is_on_record(gate: Gate, first: Bundle, better: Bundle):
    gate.run(better)
    gate.run(first)
    told = gate.told
    assert (told["decision"], told["replaced"]) == ("keep", False)
    assert (told["challenger"], told["champion"], told["previous"]) == (name(first), name(better), name(better))
    assert [check["name"] for check in told["checks"] if not check["passed"]] == ["against the champion"]
    assert told["why"].startswith("against the champion: ")
    assert same_files(gate.folder, better.folder)


def test_a_first_challenger_that_is_refused_leaves_a_folder_that_says_so(gate: Gate, first: Bundle):
    gate.run(first, **REFUSED)
    assert gate.told["champion"] is None
    assert [file.name for file in gate.folder.iterdir()] == [NONE]
    assert json.loads((gate.folder / NONE).read_text()) == {"champion": None, "why": "enough rows: 120 of 1000"}
    assert read_champion(gate.folder) is None
    gate.run(first)
    assert same_files(gate.folder, first.folder)


@pytest.mark.parametrize("refused", [{}, REFUSED])
def test_a_second_run_changes_nothing(gate: Gate, first: Bundle, refused: dict):
    gate.run(first, **refused)
    before = gate.state
    gate.run(first, **refused)
    assert gate.state == before


def test_a_second_run_after_a_succession_or_a_refusal_changes_nothing(gate: Gate, first: Bundle, better: Bundle):
    gate.run(first)
    for challenger in (better, first):
        gate.run(challenger)
        before = gate.state
        gate.run(challenger)
        assert gate.state == before


def test_the_decision_that_made_the_champion_stands_though_the_bar_was_raised(gate: Gate, first: Bundle):
    gate.run(first)
    before = gate.state
    gate.run(first, **REFUSED)
    assert gate.state == before


def test_a_clone_gets_the_champion_back_from_the_same_recipe(gate: Gate, first: Bundle, better: Bundle):
    gate.run(first)
    gate.run(better)
    before = gate.state
    be_a_clone(gate)
    gate.run(better)
    assert gate.state == before


def test_a_clone_on_another_machine_records_its_own_digest(gate: Gate, better: Bundle):
    gate.run(better)
    written = json.dumps({**gate.told, "champion": {**name(better), "digest": "of another machine"}})
    gate.record.write_text(written)
    be_a_clone(gate)
    gate.run(better)
    assert gate.told["champion"] == name(better)
    assert same_files(gate.folder, better.folder)


def test_the_same_recipe_with_other_bytes_is_a_challenger_like_any_other(gate: Gate, trial: Trial, better: Bundle):
    other = trial.other("other_bytes", rows=590)
    assert other.passport.version == better.passport.version
    gate.run(better)
    gate.run(other)
    assert gate.told["challenger"] == name(other)
    assert gate.told["previous"] == name(better)


def test_a_record_of_another_champion_than_the_folders_is_written_anew(gate: Gate, better: Bundle):
    gate.run(better)
    gate.record.write_text(json.dumps({**gate.told, "champion": {"version": "another", "digest": "another"}}))
    gate.run(better)
    assert gate.told["champion"] == gate.told["previous"] == name(better)
    assert gate.told["why"].endswith("the same model, made again by today's recipe")


def test_a_clone_with_another_recipe_is_told_how_to_get_the_champion(gate: Gate, first: Bundle, better: Bundle):
    gate.run(better)
    be_a_clone(gate)
    before = gate.state
    version = better.passport.version
    with pytest.raises(
        ChampionMissing, match=re.escape(f"names champion {version}, which is not in {gate.folder}")
    ) as told:
        gate.run(first)
    for way_out in (f"dvc pull {gate.folder}", "git stash && make repro && git stash pop", f"delete {gate.record}"):
        assert way_out in str(told.value)
    assert gate.state == before


def test_a_clone_without_a_remote_starts_a_line_of_its_own(gate: Gate, first: Bundle, better: Bundle):
    gate.run(better)
    be_a_clone(gate)
    assert find_champion(gate.folder, gate.record, first, may_be_fetched=lambda: False) is None


def test_a_folder_without_a_champion_does_not_hide_the_one_on_record(gate: Gate, first: Bundle, better: Bundle):
    # An experiment in a clone leaves such a folder; `git checkout .` brings back the record, not the folder.
    gate.run(first, **REFUSED)
    empty = (gate.folder / NONE).read_bytes()
    gate.run(better)
    be_a_clone(gate)
    gate.folder.mkdir()
    (gate.folder / NONE).write_bytes(empty)
    with pytest.raises(ChampionMissing):
        gate.run(first)
    gate.run(better)
    assert same_files(gate.folder, better.folder)


def test_an_experiment_decides_and_replaces_nothing(gate: Gate, first: Bundle, better: Bundle, monkeypatch):
    gate.run(first)
    monkeypatch.setenv("DVC_EXP_NAME", "try-1")
    assert in_experiment()
    gate.run(better)
    told = gate.told
    assert (told["decision"], told["replaced"]) == ("promote", False)
    assert (told["challenger"], told["champion"]) == (name(better), name(first))
    assert same_files(gate.folder, first.folder)
    monkeypatch.delenv("DVC_EXP_NAME")
    gate.run(better)
    assert same_files(gate.folder, better.folder)


def test_an_experiment_without_a_champion_leaves_a_folder_that_says_so(gate: Gate, better: Bundle, monkeypatch):
    monkeypatch.setenv("DVC_EXP_NAME", "try-1")
    gate.run(better)
    assert (gate.told["decision"], gate.told["replaced"], gate.told["champion"]) == ("promote", False, None)
    assert json.loads((gate.folder / NONE).read_text())["champion"] is None
    assert read_champion(gate.folder) is None
    monkeypatch.delenv("DVC_EXP_NAME")
    gate.run(better)
    assert same_files(gate.folder, better.folder)


def test_an_experiment_in_a_clone_keeps_the_missing_champion_on_record(gate: Gate, first: Bundle, better, monkeypatch):
    gate.run(better)
    be_a_clone(gate)
    monkeypatch.setenv("DVC_EXP_NAME", "try-1")
    gate.run(first)
    assert (gate.told["decision"], gate.told["replaced"]) == ("promote", False)
    assert gate.told["champion"] == name(better)
    monkeypatch.delenv("DVC_EXP_NAME")
    with pytest.raises(ChampionMissing):
        gate.run(first)


@pytest.mark.parametrize("before", ["nothing", "a refused challenger", "a champion"])
def test_a_kill_between_record_and_folder_ends_in_the_same_state(
    gate: Gate, first: Bundle, better: Bundle, tmp_path, monkeypatch, before: str
):
    calm = replace(gate, folder=tmp_path / "calm" / "champion", record=tmp_path / "calm" / "gate.json")
    killed = replace(gate, folder=tmp_path / "killed" / "champion", record=tmp_path / "killed" / "gate.json")
    for each in (calm, killed):
        if before != "nothing":
            each.run(first, **({} if before == "a champion" else REFUSED))
    calm.run(better)

    def kill(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(succession, "copy_bundle", kill)
        with pytest.raises(KeyboardInterrupt):
            killed.run(better)
    assert killed.told["champion"] == name(better)
    assert killed.state != calm.state
    killed.run(better)
    assert killed.state == calm.state


def test_a_kill_between_the_two_renames_of_the_folder_loses_no_champion(gate: Gate, first: Bundle, better: Bundle):
    gate.run(first)
    gate.folder.rename(gate.folder.with_name(".champion.previous"))
    gate.run(better)
    assert gate.told["previous"] == name(first)
    assert same_files(gate.folder, better.folder)
    assert sorted(file.name for file in gate.record.parent.iterdir()) == [".champion.keepsake", "champion", "gate.json"]


@pytest.mark.parametrize("spoil", [PASSPORT, "reference.parquet"])
def test_a_champion_that_lost_a_file_stops_the_gate(gate: Gate, first: Bundle, better: Bundle, spoil: str):
    gate.run(first)
    (gate.folder / spoil).unlink()
    before = gate.state
    with pytest.raises(BundleError, match=re.escape(spoil)):
        gate.run(better)
    assert gate.state == before


def test_the_champion_is_a_copy_that_outlives_the_challenger(gate: Gate, trial: Trial, tmp_path):
    challenger = train_bundle(tmp_path / "lost" / "challenger", trial.table(), trial.settings())
    gate.run(challenger)
    remove(tmp_path / "lost")
    assert read_bundle(gate.folder, digest=challenger.digest).passport == challenger.passport


def test_a_champion_that_dvc_cleaned_away_comes_back_from_its_keepsake(gate: Gate, first: Bundle, better: Bundle):
    # `dvc checkout` removes the outputs of the datasets that are not in use.
    gate.run(better)
    remove(gate.folder)
    found = find_champion(gate.folder, gate.record, first, may_be_fetched=lambda: False)
    assert found.digest == better.digest
    assert same_files(gate.folder, better.folder)


def test_a_keepsake_of_another_champion_is_not_taken(gate: Gate, first: Bundle, better: Bundle):
    gate.run(first)
    old = gate.record.read_bytes()
    gate.run(better)
    remove(gate.folder)
    gate.record.write_bytes(old)
    with pytest.raises(ChampionMissing):
        find_champion(gate.folder, gate.record, better)
