"""Speed: how long the check of every flight takes in a fresh process, beside loading them in one.

The champion has learned from the same flights dated a year earlier, so that all of them are new to it and the
reference is as large as it gets.
"""

import keepfit.arithmetic  # noqa: F401, I001  (before NumPy)

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from keepfit.files import read_json, read_table, write_json, write_table

TABLE, VALID, BUNDLE, PARAMS, REPORT = "table.parquet", "valid.parquet", "bundle", "params.yaml", "drift.json"
ROUNDS = 3
# Loading may be exceeded by this factor and these seconds.
FACTOR, IMPORTS = 1.5, 2.0
BACKENDS = ("scipy", "alibi-detect")


def measure_speed(folder: Path) -> dict[str, Any]:
    """Return the median seconds of loading and of checking by each backend, and what the former allows.

    `processor` seconds are those that the process computed: what is left on a machine that others use too.
    """
    rows = _arrange(folder)
    steps = [("read", ""), *((step, backend) for backend in BACKENDS for step in ("load", "check"))]
    taken = pd.DataFrame(
        [(*step, *_run(*step, folder)) for _ in range(ROUNDS) for step in steps],
        columns=["step", "backend", "seconds", "processor"],
    )
    median = taken.groupby(["step", "backend"]).median()
    found: dict[str, Any] = {"flights": rows, "read_with_pandas_alone": median.loc[("read", "")].to_dict()}
    for backend in BACKENDS:
        load, check = median.loc[("load", backend)], median.loc[("check", backend)]
        allowed = FACTOR * load + IMPORTS
        found[backend] = {"load": load.to_dict(), "check": check.to_dict(), "allowed": allowed.to_dict()}
        found[backend] |= {"reached": bool(check.seconds <= allowed.seconds)}
        found[backend] |= {"action": read_json(folder / f"{backend}-{REPORT}")["action"]}
    return found


def _run(step: str, backend: str, folder: Path) -> tuple[float, float]:
    began, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, "-m", "benchmarks.speed", step, backend, str(folder)], check=True)
    after = os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - began, processor


def _arrange(folder: Path) -> int:
    from benchmarks import calm

    settings, rows = calm.settings_of("flights"), calm.prepare_rows(folder / "rows", "flights")
    table, valid = read_table(rows / calm.TABLE), read_table(rows / calm.VALID)
    time_ = settings.dataset.time
    earlier = [each.assign(**{time_: each[time_] - pd.DateOffset(years=1)}) for each in (table, valid)]
    calm.train(*earlier, settings, folder / BUNDLE)
    write_table(folder / TABLE, table)
    write_table(folder / VALID, valid)
    (folder / PARAMS).write_text(yaml.safe_dump(settings.model_dump(mode="json", by_alias=True)))
    return len(table)


def load(backend: str, folder: Path) -> None:
    """Import what a check does, and read the feature table."""
    import scipy.stats  # noqa: F401
    import sklearn.ensemble  # noqa: F401
    import skops.io  # noqa: F401

    import keepfit.checkup  # noqa: F401
    from keepfit.detectors import load_detectors

    load_detectors(backend)  # quietens alibi-detect
    if backend == "alibi-detect":
        import alibi_detect.cd  # noqa: F401
    read_table(folder / TABLE)


def check(backend: str, folder: Path) -> None:
    """Check every flight as the drift stage does, from files to report."""
    from keepfit.bundle import read_bundle
    from keepfit.checkup import examine
    from keepfit.settings import load_settings

    settings = load_settings(folder / PARAMS)
    settings = settings.model_copy(update={"drift": settings.drift.model_copy(update={"backend": backend})})
    nothing = pd.Series([], dtype="datetime64[ns]")
    bundle, table, valid = read_bundle(folder / BUNDLE), read_table(folder / TABLE), read_table(folder / VALID)
    found = examine(table, valid, bundle, settings, set_aside=nothing)
    write_json(folder / f"{backend}-{REPORT}", found.report)


def main() -> None:
    """Do one step in this process."""
    step, backend, folder = sys.argv[1:]
    match step:
        case "read":
            pd.read_parquet(Path(folder) / TABLE)
        case "load":
            load(backend, Path(folder))
        case "check":
            check(backend, Path(folder))


if __name__ == "__main__":
    main()
