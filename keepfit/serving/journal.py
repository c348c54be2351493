"""Journal: where a worker leaves what it answered, in files that outlive it, until the drainer has moved them.

A segment is written by one process, which holds its lock for as long as it may write more. The lock goes with the
process, however it ends: who gets it knows that nothing will follow.
"""

import fcntl
import logging
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger("bentoml.keepfit.log")
SUFFIX = ".segment"
SEGMENT_BYTES = 8_000_000
# Seconds after which a segment is closed, so that what has been moved goes from the disk.
SEGMENT_AGE = 60.0
# Seconds in which a disk that refused is not asked again.
PAUSE = 0.2
Lines = bytes


class Journal:
    """Appends whole lines to a segment; what cannot be written is dropped and counted, and nothing is raised."""

    def __init__(self, folder: Path, *, limit_bytes: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        """`limit_bytes`: how much may wait in the folder, of all its workers."""
        self.folder, self.limit = folder, limit_bytes
        self.written = self.dropped = 0
        self._segment_bytes = segment_bytes
        self._lock = threading.Lock()
        self._file: int | None = None
        self._segments: list[Path] = []
        self._size = self._room = 0
        self._opened = self._again = 0.0
        self._complained = 0

    def append(self, lines: Lines) -> bool:
        """Write whole lines at once; return whether they are in the file, from where they get into the database."""
        size = len(lines)
        with self._lock:
            if self._file is not None and size <= self._room and self._write(lines, size):
                return True
            return self._append_anew(lines, size)

    def drop(self, records: int) -> bool:
        """Count records that could not even be written down; return False."""
        with self._lock:
            self.dropped += records
        return False

    def tend(self) -> None:
        """Close a segment that is old, so that it can go; called every now and then."""
        with self._lock:
            if self._file is not None and self._size and time.monotonic() - self._opened > SEGMENT_AGE:
                self._close()

    def close(self) -> None:
        """Write no more: whatever is in the segment can be moved."""
        with self._lock:
            self._close()
            self.limit = 0

    def left(self) -> list[Path]:
        """Return those of its segments that are still in the folder."""
        self._segments = [path for path in self._segments if path.exists()]
        return self._segments

    @property
    def bytes(self) -> int:
        """How many bytes are in the folder, of all its workers."""
        return sum(_sizes(self.folder))

    def _write(self, lines: Lines, size: int) -> bool:
        try:
            done = os.write(self._file, lines)  # type: ignore[arg-type]
        except OSError as error:
            self._complain(error)
            done = 0
        self._size += done
        self._room -= done
        if done == size:
            self.written += lines.count(b"\n")
            return True
        # A line that was cut short is the last one of its segment.
        self._close()
        return False

    def _append_anew(self, lines: Lines, size: int) -> bool:
        """Try once more, in a new segment."""
        now = time.monotonic()
        if now >= self._again and self._open(size) and self._write(lines, size):
            return True
        if now >= self._again:
            self._again = now + PAUSE
        self.dropped += lines.count(b"\n")
        return False

    def _open(self, size: int) -> bool:
        self._close()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            left = self.limit - self.bytes
            if left < size:
                raise OSError(f"{self.folder}: full; {self.limit} bytes may wait there")
            name = f"{time.time_ns():020d}-{os.urandom(4).hex()}"
            hidden = self.folder / f".{name}"
            file = os.open(hidden, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self._complain(error)
            return False
        self._file, self._size, self._opened = file, 0, time.monotonic()
        self._room = min(left, max(self._segment_bytes, size))
        try:
            # Whoever finds it finds it locked.
            fcntl.flock(file, fcntl.LOCK_EX)
            segment = hidden.rename(self.folder / f"{name}{SUFFIX}")
        except OSError as error:
            self._complain(error)
            self._close()
            hidden.unlink(missing_ok=True)
            return False
        self._segments = [*self.left(), segment]
        return True

    def _close(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
            self._file = None

    def _complain(self, error: OSError) -> None:
        self._complained += 1
        # Each of a thousand alike would fill the disk that is full.
        if self._complained & (self._complained - 1) == 0:
            logger.error("predictions are not logged, %d times by now: %s", self._complained, error)


def find_segments(folder: Path) -> list[Path]:
    """Return the segments in a folder, the oldest first."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def _sizes(folder: Path) -> list[int]:
    sizes = []
    for path in find_segments(folder):
        # The drainer may just have removed it.
        with suppress(FileNotFoundError):
            sizes.append(path.stat().st_size)
    return sizes
