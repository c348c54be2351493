"""Last check: what the newest drift report said, for whoever watches the service."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

from keepfit.serving.exposition import Family, Sample

# keepfit.verdict's, which takes pandas to import.
VERDICTS = ("ok", "data-quality", "drift", "performance", "insufficient-data")
log = logging.getLogger("bentoml.keepfit.drift")


class LastCheck:
    """The drift report in a file, read again when it changes; a file that cannot be read changes nothing."""

    def __init__(self, report: Path) -> None:
        self.report = report
        self.verdict: str | None = None
        self.written = 0.0
        self._state: tuple[int, int] | None = None

    def look(self) -> None:
        """Read the report where it is another than before."""
        try:
            state = self.report.stat()
            if (found := (state.st_mtime_ns, state.st_size)) == self._state:
                return
            self._state = found
            self.verdict = str(json.loads(self.report.read_bytes())["verdict"])
            self.written = state.st_mtime
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("%s: no drift report: %s", self.report, error)

    def families(self) -> Iterator[Family]:
        """Yield the verdict, one series for each there is, and when the report was written."""
        if self.verdict is None:
            return
        verdicts = dict.fromkeys([*VERDICTS, self.verdict])
        samples = [Sample("", {"verdict": each}, float(each == self.verdict)) for each in verdicts]
        yield Family("keepfit_drift", "gauge", "1 for the verdict of the last drift check.", samples, "max")
        when = [Sample("", {}, self.written)]
        yield Family("keepfit_drift_checked_timestamp_seconds", "gauge", "When that check was written.", when, "max")
