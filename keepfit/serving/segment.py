"""Segment: one file of a journal as whoever moves or mends it sees it."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from keepfit.serving.records import Record, decode_line, decode_lines

CHUNK = 2_000_000
# Seconds after which a segment without a name will not get one.
UNBORN = 60.0


class Chunk(NamedTuple):
    """Whole lines of a segment: what they say, how many do not, where the next begins, and whether it is there."""

    records: list[Record]
    torn: int
    end: int
    more: bool = False


class Segment:
    """An open segment; `final` where its writer is gone or has closed it, so that nothing more will come."""

    def __init__(self, path: Path) -> None:
        """Raises FileNotFoundError where it has gone."""
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        # In this order: what was written before the lock was given up is in the size.
        self.final = self._is_given_up()
        self.size = os.fstat(self._file).st_size

    def __enter__(self) -> "Segment":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def read(self, start: int, *, most: int = CHUNK) -> Chunk:
        """Return the next whole lines, of about `most` bytes."""
        data = os.pread(self._file, min(most, self.size - start), start)
        end = data.rfind(b"\n") + 1
        while not end and start + len(data) < self.size:
            # A line of many megabytes.
            data += os.pread(self._file, most, start + len(data))
            end = data.rfind(b"\n") + 1
        if self.final and start + len(data) >= self.size and end < len(data):
            # Its writer died in the middle of a line.
            return _decode(data[:end], start + len(data), torn=1)
        return _decode(data[:end], start + end, torn=0)._replace(more=start + len(data) < self.size)

    def remove(self) -> None:
        """Remove it."""
        self.path.unlink(missing_ok=True)

    def records(self) -> Iterator[Record]:
        """Yield all that its whole lines say."""
        for _, _, record in self._lines():
            yield record

    def count(self, chosen: Callable[[Record], bool]) -> int:
        """Return how many lines are chosen."""
        return sum(chosen(record) for record in self.records())

    def blank(self, chosen: Callable[[Record], bool]) -> int:
        """Overwrite the chosen lines with spaces, where they stand, and return how many there were."""
        found = [(place, size) for place, size, record in self._lines() if chosen(record)]
        for place, size in found:
            os.pwrite(self._file, b" " * size, place)
        if found:
            os.fsync(self._file)
        return len(found)

    def _lines(self) -> Iterator[tuple[int, int, Record]]:
        """Yield the place and the size of each whole line that says something, and what."""
        place = 0
        for line in os.pread(self._file, self.size, 0).splitlines(keepends=True):
            if line.endswith(b"\n") and (record := _read(line)) is not None:
                yield place, len(line) - 1, record
            place += len(line)

    def _is_given_up(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def remove_unborn(folder: Path) -> None:
    """Remove what writers left that died before their segment had its name."""
    for path in folder.glob(".*-*"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > UNBORN:
                path.unlink()


def _decode(data: bytes, end: int, *, torn: int) -> Chunk:
    try:
        return Chunk(decode_lines(data), torn, end)
    except msgspec.DecodeError:
        lines = [line for line in data.split(b"\n") if line.strip()]
        records = [_read(line) for line in lines]
        kept = [record for record in records if record is not None]
        return Chunk(kept, torn + len(lines) - len(kept), end)


def _read(line: bytes) -> Record | None:
    try:
        return decode_line(line)
    except msgspec.DecodeError:
        return None
