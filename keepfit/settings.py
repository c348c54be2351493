"""Settings: `params.yaml` as typed, checked values, one class a section."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, Tag, ValidationError, model_validator

from keepfit.computing import EngineSettings
from keepfit.dataset import Dataset
from keepfit.delivery import Release
from keepfit.errors import SettingsError
from keepfit.monitoring import Drift
from keepfit.objective import ClassCost, DecisionCost, ErrorCost, Objective, by_keys, read_location
from keepfit.section import Section, Share, Task
from keepfit.spans import Span


class Estimators(Section):
    """The estimator's import path for each kind of task; the one for two classes learns several as well."""

    binary: str
    regression: str
    multiclass: str | None = None

    def path(self, task: Task) -> str:
        """Return the import path for a task."""
        return getattr(self, task) or self.binary


class Prepare(Section):
    """What happens to the features inside the Pipeline, learned on training rows only."""

    encode: Literal["onehot", "ordinal", "target"]
    max_categories: int = Field(ge=2)
    impute: Literal["none", "mean", "median"]
    scale: bool
    select: Annotated[int, Field(ge=1)] | None


class Choices(Section):
    """Values that the search may try."""

    choices: Annotated[tuple[Any, ...], Field(min_length=1)]


class Interval(Section):
    """Numbers that the search may try, both ends among them."""

    low: float
    high: float
    log: bool = False
    integer: bool = False

    @model_validator(mode="after")
    def _ends_are_in_order(self) -> "Interval":
        if self.low >= self.high:
            raise ValueError("low must be below high")
        if self.log and self.low <= 0:
            raise ValueError("low must be above 0 where log is true")
        return self


Range = Annotated[
    Annotated[Choices, Tag("choices")] | Annotated[Interval, Tag("interval")],
    by_keys(choices=Choices, interval=Interval),
]


class Model(Section):
    """The estimator, its parameters, its preparation and what may be searched."""

    name: str
    estimator: Estimators
    params: dict[str, Any]
    prepare: Prepare
    space: dict[str, Range]
    # The features that it learns from, `*` for any letters; all of them where there are none.
    features: tuple[str, ...] | None = None


class Search(Section):
    """How parameters are tuned over the time-ordered folds."""

    kind: Literal["none", "random", "halving", "optuna"]
    trials: int = Field(ge=0)


class Validate(Section):
    """How many rows may be set aside before the data is taken for broken."""

    quota: Share


class Features(Section):
    """How the look-ahead audit is made."""

    cuts: int = Field(ge=1)


class Train(Section):
    """The splits, the rows that are taken, the refit and the threads."""

    holdout: Span
    folds: int = Field(ge=2)
    min_rows: int = Field(ge=10)
    # Labelled rows that are taken, the holdout's among them; all of them where there is no number.
    max_rows: Annotated[int, Field(ge=100)] | None = None
    refit: bool
    jobs: int

    @model_validator(mode="after")
    def _a_sample_has_rows_enough(self) -> "Train":
        if self.max_rows is not None and self.max_rows < self.min_rows:
            raise ValueError(f"max_rows is {self.max_rows}, fewer than min_rows: {self.min_rows}")
        return self


class Evaluate(Section):
    """Intervals by block bootstrap, and the rows for permutation importance."""

    resamples: int = Field(ge=100)
    interval: float = Field(gt=0, lt=1)
    block: Span
    importance_rows: int = Field(ge=50)


class Gate(Section):
    """What a challenger must show before it replaces the champion."""

    reason: Literal["scheduled", "drift"]
    pinned: str | None
    require: Literal["better", "no_worse"]
    require_after_drift: Literal["better", "no_worse"]
    confidence: float = Field(ge=0.5, lt=1)
    margin: float = Field(ge=0)
    min_rows: int = Field(ge=1)
    min_blocks: int = Field(ge=2)
    slice_min_rows: int = Field(ge=1)
    max_skill: Share
    max_miscalibration: Share


class Retrain(Section):
    """How the loop of `keepfit retrain` takes in new rows and publishes what it made."""

    advance: Literal["today"] | Span
    publish: Literal["pull-request", "direct"]
    branch: str = Field(min_length=1)


class Settings(Section):
    """The whole of `params.yaml`."""

    seed: int
    dataset: Dataset
    objective: Objective
    model: Model
    search: Search
    validate_: Validate = Field(alias="validate")
    features: Features
    train: Train
    evaluate: Evaluate
    gate: Gate
    drift: Drift
    retrain: Retrain
    release: Release
    engine: EngineSettings

    @model_validator(mode="after")
    def _objective_fits_the_task(self) -> "Settings":
        task = self.dataset.task
        allowed = {"absolute_error", "squared_error", "cost"} if task == "regression" else {"log_loss", "brier", "cost"}
        if self.objective.metric not in allowed:
            raise ValueError(
                f"objective.metric {self.objective.metric!r} does not fit task "
                f"{self.dataset.task!r}; allowed: {', '.join(sorted(allowed))}"
            )
        cost = self.objective.cost
        if not isinstance(cost, {"binary": DecisionCost, "multiclass": ClassCost, "regression": ErrorCost}[task]):
            raise ValueError(f"objective.cost does not fit task {task!r}")
        if isinstance(cost, ClassCost) and tuple(cost.mistakes) != self.dataset.classes:
            raise ValueError(
                f"objective.cost.mistakes: {', '.join(cost.mistakes)}; "
                f"allowed: dataset.classes in their order: {', '.join(self.dataset.classes)}"
            )
        return self

    @property
    def estimator(self) -> str:
        """The import path of the estimator for this task."""
        return self.model.estimator.path(self.dataset.task)


def check_settings(values: Any, *, file: str | Callable[[str], str]) -> Settings:
    """Return the settings that `values` hold; raise SettingsError with a line for each problem.

    `file` is what the lines begin with, or what gives it for a problem, which begins with its key.
    """
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems = [_describe(each) for each in error.errors()]
        named = [f"{file if isinstance(file, str) else file(each)}: {each}" for each in problems]
        raise SettingsError("\n".join(named)) from None


def load_settings(path: Path) -> Settings:
    """Read and check a parameter file; raise SettingsError."""
    if not path.exists():
        raise SettingsError(f"{path}: not there; `make params` composes it from conf/")
    try:
        return check_settings(yaml.safe_load(path.read_text()), file=str(path))
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: not YAML: {' '.join(str(error).split())}") from None


def _describe(error: Any) -> str:
    key, allowed = read_location(Settings, error["loc"])
    match error["type"]:
        case "missing":
            return f"{key}: missing"
        case "union_tag_not_found":
            return f"{key}.kind: missing"
        case "union_tag_invalid":
            return f"{key}.kind: {error['ctx']['tag']!r}: allowed: {error['ctx']['expected_tags']}"
        case "extra_forbidden":
            return f"{key}: unknown key (value {error['input']!r}); allowed: {', '.join(allowed)}"
    cause = error["msg"].removeprefix("Value error, ")
    whole = error["type"] == "value_error" and isinstance(error["input"], dict)
    return ": ".join(filter(None, [key, "" if whole else repr(error["input"]), cause]))
