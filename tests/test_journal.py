import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from keepfit.serving import journal as journals
from keepfit.serving.journal import Journal, find_segments
from keepfit.serving.segment import Segment
from tests.logged import lines, predicted

ROOT = Path(__file__).resolve().parent.parent
LINE = lines(predicted("a"))


def read_all(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in find_segments(folder))


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal", limit_bytes=1_000_000)


def test_what_is_acknowledged_is_in_the_file_at_once(journal):
    assert journal.append(LINE)
    assert read_all(journal.folder) == LINE
    assert (journal.written, journal.dropped, journal.bytes) == (1, 0, len(LINE))


def test_no_folder_and_no_file_is_made_before_the_first_line(journal):
    assert not journal.folder.exists()
    assert journal.bytes == 0


def test_a_segment_that_is_full_is_followed_by_another_and_no_line_is_cut(tmp_path):
    journal = Journal(tmp_path, limit_bytes=1_000_000, segment_bytes=3 * len(LINE))
    assert all(journal.append(LINE) for _ in range(10))
    assert [path.stat().st_size // len(LINE) for path in find_segments(tmp_path)] == [3, 3, 3, 1]


def test_lines_larger_than_a_segment_are_taken(tmp_path):
    journal = Journal(tmp_path, limit_bytes=1_000_000, segment_bytes=10)
    assert journal.append(2 * LINE)
    assert read_all(tmp_path) == 2 * LINE


def test_beyond_its_limit_it_drops_and_counts_records_until_there_is_room(tmp_path, monkeypatch):
    monkeypatch.setattr(journals, "PAUSE", 0.0)
    journal = Journal(tmp_path, limit_bytes=int(2.5 * len(LINE)), segment_bytes=len(LINE))
    assert [journal.append(LINE) for _ in range(4)] == [True, True, False, False]
    assert not journal.append(3 * LINE)
    assert journal.dropped == 5
    find_segments(tmp_path)[0].unlink()
    assert journal.append(LINE)


def test_a_folder_that_cannot_be_written_drops_and_raises_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "journal", limit_bytes=1_000_000)
    assert not journal.append(LINE)
    assert journal.dropped == 1


def test_a_disk_that_refuses_is_not_asked_again_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "journal", limit_bytes=1_000_000)
    journal.append(LINE)
    (tmp_path / "file").unlink()
    assert not journal.append(LINE)
    journal._again = 0.0
    assert journal.append(LINE)


def test_a_closed_journal_writes_no_more_and_its_segment_is_given_up(journal):
    journal.append(LINE)
    path = find_segments(journal.folder)[0]
    with Segment(path) as segment:
        assert not segment.final
    journal.close()
    with Segment(path) as segment:
        assert segment.final
    assert not journal.append(LINE)


def test_an_old_segment_is_closed_and_the_next_line_begins_another(journal, monkeypatch):
    journal.append(LINE)
    journal.tend()
    assert len(find_segments(journal.folder)) == 1
    monkeypatch.setattr(journals, "SEGMENT_AGE", -1.0)
    journal.tend()
    journal.append(LINE)
    assert len(find_segments(journal.folder)) == 2


def test_threads_that_append_at_once_lose_and_mix_nothing(tmp_path):
    journal = Journal(tmp_path, limit_bytes=10_000_000, segment_bytes=20_000)
    names = [[f"{thread}-{number}" for number in range(200)] for thread in range(4)]

    def write(mine: list[str]) -> None:
        for name in mine:
            assert journal.append(lines(predicted(name)))

    threads = [threading.Thread(target=write, args=(mine,)) for mine in names]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    found = []
    for path in find_segments(tmp_path):
        with Segment(path) as segment:
            found += [record.id for record in segment.read(0).records]
    assert sorted(found) == sorted(name for mine in names for name in mine)


FILLS_ITS_LIMIT = """
import sys
from pathlib import Path
from keepfit.serving.journal import Journal
from tests.logged import lines, predicted

journal = Journal(Path(sys.argv[1]), limit_bytes=1_000_000)
print([journal.append(lines(predicted(f"n{number}"))) for number in range(10)], journal.dropped)
"""


def test_a_write_that_a_full_disk_cut_short_is_made_again_in_a_new_segment(tmp_path):
    largest = int(3.5 * len(lines(predicted("n0"))))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    done = subprocess.run(
        [sys.executable, "-c", FILLS_ITS_LIMIT, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=limit,
        check=True,
    )
    assert done.stdout.strip() == f"{[True] * 10} 0"
    found, torn = [], 0
    for path in find_segments(tmp_path):
        with Segment(path) as segment:
            chunk = segment.read(0)
            found += [record.id for record in chunk.records]
            torn += chunk.torn
    assert found == [f"n{number}" for number in range(10)]
    assert torn == 3
