"""Trail: the audit log holds what it was told, and shows every change."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepfit.errors import TrailError
from keepfit.trail import Happening, add_entries, check_grown_from, parse_trail, read_trail

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def happening(reason: str = "because", event: str = "check") -> Happening:
    return Happening(
        event=event,
        dataset="sp500",
        at=AT,
        who="ann@example.com",
        commit="abc",
        digests={"champion": "12"},
        reason=reason,
    )


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    path = tmp_path / "audit.jsonl"
    add_entries(path, [happening("one"), happening("two")])
    add_entries(path, [happening("three, ümläut")])
    return path


def test_an_absent_file_is_an_empty_trail(tmp_path):
    assert read_trail(tmp_path / "audit.jsonl") == []


def test_entries_come_back_in_order_with_who_when_and_why(trail):
    entries = read_trail(trail)
    assert [entry.number for entry in entries] == [1, 2, 3]
    assert [entry.reason for entry in entries] == ["one", "two", "three, ümläut"]
    assert entries[0].at == AT
    assert entries[0].who == "ann@example.com"
    assert entries[0].digests == {"champion": "12"}
    assert entries[1].previous == entries[0].hash


def test_adding_leaves_the_bytes_of_the_lines_before_as_they_are(trail):
    before = trail.read_bytes()
    add_entries(trail, [happening("four")])
    assert trail.read_bytes().startswith(before)


@pytest.mark.parametrize("line", [0, 1, 2])
@pytest.mark.parametrize("key", ["who", "reason", "at", "commit", "hash", "previous", "number", "event", "dataset"])
def test_a_changed_value_is_found_in_any_line_the_last_too(trail, line, key):
    lines = trail.read_text().splitlines()
    told = json.loads(lines[line])
    told[key] = {"number": 7, "event": "pin", "at": "2020-01-01T00:00:00+00:00"}.get(key, "changed")
    lines[line] = json.dumps(told)
    trail.write_text("\n".join(lines) + "\n")
    with pytest.raises(TrailError, match=f"line {line + 1}:"):
        read_trail(trail)


@pytest.mark.parametrize("order", [[1, 2], [0, 2], [0, 2, 1], [1, 0, 2], [0, 0, 1, 2], [0, 1, 1, 2]])
def test_a_removed_reordered_or_repeated_line_is_found(trail, order):
    lines = trail.read_text().splitlines()
    trail.write_text("\n".join(lines[each] for each in order) + "\n")
    with pytest.raises(TrailError, match="line"):
        read_trail(trail)


def test_a_torn_line_is_found(trail):
    trail.write_text(trail.read_text()[:-20])
    with pytest.raises(TrailError, match="line 3: not an entry"):
        read_trail(trail)


def test_nothing_is_added_to_a_broken_trail(trail):
    trail.write_text(trail.read_text().replace("two", "2"))
    before = trail.read_bytes()
    with pytest.raises(TrailError, match="line 2: was changed"):
        add_entries(trail, [happening("four")])
    assert trail.read_bytes() == before


def test_lines_cut_off_the_end_show_against_an_older_copy(trail):
    older = read_trail(trail)
    check_grown_from(older, older, name="tag v1")
    check_grown_from(older[:1], older, name="tag v1")
    with pytest.raises(TrailError, match=r"entry 3 .* in tag v1 is not here"):
        check_grown_from(older, older[:2], name="tag v1")


def test_a_new_chain_in_the_place_of_the_old_shows_against_an_older_copy(trail, tmp_path):
    forged = add_entries(tmp_path / "forged.jsonl", [happening("1"), happening("2"), happening("3")])
    with pytest.raises(TrailError, match="entry 1"):
        check_grown_from(read_trail(trail), forged, name="HEAD")


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_any_text_survives_the_round_trip(tmp_path_factory, reasons):
    path = tmp_path_factory.mktemp("trail") / "audit.jsonl"
    add_entries(path, [happening(reason) for reason in reasons])
    assert [entry.reason for entry in parse_trail(path.read_text(encoding="utf-8"), name="it")] == reasons
