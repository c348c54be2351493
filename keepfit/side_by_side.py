"""Side by side: metrics, parameters, features and passports of several revisions, a line a thing."""

from collections.abc import Iterator
from typing import Any

from keepfit.adopt import flatten
from keepfit.experiments import Snapshot, describe

# What may be searched is not what was used; the name and the estimator are told already.
HIDDEN = [("model", "name"), ("model", "space"), ("model", "estimator")]
Row = tuple[str, dict[str, str]]


def lay_out(shots: list[Snapshot]) -> list[Row]:
    """Return the lines of the comparison: first what decides, then what differs."""
    return [*_decisive(shots), *_metrics(shots), *_params(shots), *_passports(shots)]


def _decisive(shots: list[Snapshot]) -> Iterator[Row]:
    told = {shot.name: describe(shot) for shot in shots}
    names = dict.fromkeys(key for each in told.values() for key in each if key != "name")
    for key in names:
        yield key, {name: each.get(key, "") for name, each in told.items()}


def _metrics(shots: list[Snapshot]) -> Iterator[Row]:
    found = {shot.name: shot.metrics.get("challenger", {}) for shot in shots}
    shown = {"cost", *(shot.params["objective"]["metric"] for shot in shots)}
    for key in dict.fromkeys(key for each in found.values() for key in each):
        if key not in shown and not key.endswith(("_low", "_high")):
            yield key, {name: f"{each[key]:.4g}" for name, each in found.items() if key in each}


def _params(shots: list[Snapshot]) -> Iterator[Row]:
    found = {shot.name: flatten(shot.params) for shot in shots}
    for path in dict.fromkeys(path for each in found.values() for path in each):
        values = {name: str(each.get(path, "-")) for name, each in found.items()}
        if len(set(values.values())) > 1 and path[:2] not in HIDDEN:
            yield ".".join(path), values


def _passports(shots: list[Snapshot]) -> Iterator[Row]:
    passports: dict[str, dict[str, Any]] = {shot.name: shot.passport for shot in shots}
    for key in ("version", "estimator", "threshold"):
        yield key, {name: str(each[key]) for name, each in passports.items() if key in each}
    windows = {name: each["trained_on"] for name, each in passports.items() if each}
    yield "trained on", {name: f"{each['rows']} rows to {each['last'][:10]}" for name, each in windows.items()}
    for key in ("rows", "table", "code", "params"):
        hashes = {name: each["inputs"][key][:8] for name, each in passports.items() if each}
        if len(set(hashes.values())) > 1:
            yield f"{key} (SHA-256)", hashes
    features = {name: set(each["features"]) for name, each in passports.items() if each}
    shared = set.intersection(*features.values()) if features else set()
    yield "features", {name: str(len(each)) for name, each in features.items()}
    if any(each - shared for each in features.values()):
        yield "features of its own", {name: ", ".join(sorted(each - shared)) for name, each in features.items()}
