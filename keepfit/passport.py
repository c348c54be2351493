"""Passport: what a bundle says of itself. Nothing in it changes from run to run."""

import platform
from importlib.metadata import version
from typing import Any

from pydantic import Field

from keepfit.dataset import Column
from keepfit.section import Section, Task, Window, is_none

LIBRARIES = ("numpy", "pandas", "scikit-learn", "skops")
FORMAT = 1


class Inputs(Section):
    """SHA-256 of what the bundle was made from."""

    rows: str
    table: str
    code: str
    params: str


class Request(Section):
    """What a request must bring, and how it becomes features."""

    # None where the order of the rows is the order of time.
    time: str | None = None
    columns: dict[str, Column]
    module: str
    used_as_they_are: tuple[str, ...]
    look_back: int
    # The column that says on whose rows a row looks back; None where it looks back on all.
    entity: str | None = Field(default=None, exclude_if=is_none)


class Passport(Section):
    """The identity of a model; `version` is the recipe (data, code, parameters) it was made by."""

    format: int = FORMAT
    version: str
    dataset: str
    task: Task
    label: str
    classes: tuple[str, ...] = ()
    estimator: str
    params: dict[str, Any]
    threshold: float
    # What each mistake between several classes costs: true classes down, chosen ones across.
    mistakes: tuple[tuple[float, ...], ...] = ()
    features: tuple[str, ...]
    request: Request
    trained_on: Window
    # How many labelled rows there were, where a sample of them was taken.
    sampled_from: int | None = None
    judged_on: Window
    learned_before_holdout: Window
    metrics: dict[str, dict[str, float]]
    inputs: Inputs
    libraries: dict[str, str]
    files: dict[str, str] = {}


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that a model's bytes depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
