"""Run a module as a stage does, and tell where its time went.

`python -m benchmarks.tracer SPAWNED OUT MODULE ARGUMENT…`: `SPAWNED` is the parent's monotonic clock when it started
this process. Imports are timed wherever they happen, reading and writing by the functions named in TIMED; time
belongs to what was entered last, and what is left is work.
"""

import sys
import time

_BEGAN = time.monotonic()

import functools  # noqa: E402
import inspect  # noqa: E402
import json  # noqa: E402
import runpy  # noqa: E402
import threading  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

IMPORTS, READING, WORK, WRITING = "imports", "reading", "work", "writing"
TIMED: dict[str, dict[str, tuple[str, ...]]] = {
    "keepfit.settings": {READING: ("load_settings",)},
    "keepfit.sources": {READING: ("read_source", "read_parts")},
    "keepfit.spool": {READING: ("Spool.read",), WRITING: ("Spool.write",)},
    "keepfit.files": {READING: ("read_table", "read_json", "hash_file"), WRITING: ("write_table", "write_json")},
    "keepfit.bundle": {READING: ("read_bundle", "read_champion"), WRITING: ("write_bundle",)},
    "keepfit.tables": {READING: ("Table.read", "Table.read_arrow", "Table.pick")},
    "pyarrow.parquet.core": {
        READING: ("ParquetFile.read", "ParquetFile.read_row_groups", "read_metadata"),
        WRITING: ("ParquetWriter.write_table", "ParquetWriter.close"),
    },
}


class Stopwatch:
    """Seconds by kind: each moment of this thread belongs to the kind that was entered last."""

    def __init__(self, now: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = dict.fromkeys((IMPORTS, READING, WORK, WRITING), 0.0)
        self._kinds, self._since, self._clock = [WORK], now, clock
        self._thread = threading.get_ident()

    def switch(self, now: float) -> None:
        """Give the time since the last switch to the kind that is entered."""
        self.seconds[self._kinds[-1]] += now - self._since
        self._since = now

    def time(self, kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with its time counted as `kind`; that of a generator whenever it is asked for more."""
        if inspect.isgeneratorfunction(function):
            return self._time_generator(kind, function)

        @functools.wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            if threading.get_ident() != self._thread:
                return function(*arguments, **named)
            self.switch(self._clock())
            self._kinds.append(kind)
            try:
                return function(*arguments, **named)
            finally:
                self.switch(self._clock())
                self._kinds.pop()

        return timed

    def _time_generator(self, kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            ask, end = self.time(kind, next), object()
            found = function(*arguments, **named)
            while (value := ask(found, end)) is not end:
                yield value

        return timed


def watch_imports(stopwatch: Stopwatch) -> None:
    """Time every import, and what TIMED names in a module as soon as that is imported."""
    machinery = sys.modules["_frozen_importlib"]
    load = stopwatch.time(IMPORTS, vars(machinery)["_find_and_load"])

    def load_and_patch(name: str, *rest: Any) -> Any:
        module = load(name, *rest)
        for each in [name, f"{name}.core"]:
            if each in waiting and each in sys.modules:
                patch(sys.modules[each], waiting.pop(each), stopwatch)
        return module

    waiting = dict(TIMED)
    vars(machinery)["_find_and_load"] = load_and_patch


def patch(module: Any, names: dict[str, tuple[str, ...]], stopwatch: Stopwatch) -> None:
    """Time the functions and methods of these names in a module."""
    for kind, each in ((kind, each) for kind, found in names.items() for each in found):
        owner, _, name = each.rpartition(".")
        place = getattr(module, owner) if owner else module
        setattr(place, name, stopwatch.time(kind, getattr(place, name)))


def main() -> None:
    """Run the module, write the seconds and end with its status."""
    spawned, out, module, *arguments = sys.argv[1:]
    stopwatch, status = Stopwatch(_BEGAN), 0
    watch_imports(stopwatch)
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    stopwatch.switch(time.monotonic())
    told = {"interpreter": _BEGAN - float(spawned), **stopwatch.seconds, "ended": time.monotonic()}
    Path(out).write_text(json.dumps(told))
    sys.exit(status)


if __name__ == "__main__":
    main()
