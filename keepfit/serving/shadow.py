"""Shadow: what the challenger would have said, found out after the caller has the champion's answer."""

import logging
import threading
from collections import deque
from collections.abc import Callable

log = logging.getLogger("bentoml.keepfit.shadow")
Job = Callable[[], object]
JOBS, BYTES = 1_000, 16_000_000


class Shadow:
    """A thread with a bounded queue of jobs; what does not fit is dropped and counted, and never waited for."""

    def __init__(self, *, jobs: int = JOBS, limit_bytes: int = BYTES) -> None:
        self._jobs, self._limit = jobs, limit_bytes
        self._queue: deque[tuple[Job, int]] = deque()
        self._bytes = 0
        self._more = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self.done = self.dropped = self.failed = 0

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._queue)

    def offer(self, job: Job, *, size: int) -> bool:
        """Take a job that holds `size` bytes, or drop it; return at once."""
        with self._more:
            if self._closed or len(self._queue) >= self._jobs or self._bytes + size > self._limit:
                self.dropped += 1
                return False
            self._queue.append((job, size))
            self._bytes += size
            if self._thread is None:
                # Not before the first job: whoever forks a worker has no thread yet.
                self._thread = threading.Thread(target=self._work, name="keepfit-shadow", daemon=True)
                self._thread.start()
            self._more.notify()
        return True

    def close(self, *, seconds: float) -> None:
        """Take no more jobs, and wait so long for those that wait."""
        with self._more:
            self._closed = True
            self._more.notify()
        if self._thread is not None:
            self._thread.join(seconds)

    def _work(self) -> None:
        while True:
            with self._more:
                while not self._queue:
                    if self._closed:
                        return
                    self._more.wait()
                job, size = self._queue.popleft()
                self._bytes -= size
            self._run(job)

    def _run(self, job: Job) -> None:
        try:
            job()
        except Exception:
            self.failed += 1
            # Each of a thousand alike would fill a disk.
            if self.failed & (self.failed - 1) == 0:
                log.warning("the challenger failed in the shadow, %d times by now", self.failed, exc_info=True)
        else:
            self.done += 1
