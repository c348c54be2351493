"""Monitoring: what `conf/drift/` declares: when the check alerts, and when it retrains."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from keepfit.section import Section, Share
from keepfit.spans import Span, parse_span

Performance = Literal["loss", "calibration", "surprise", "loss_distribution", "errors"]
Check = Literal[Performance, "prediction", "features", "multivariate"]


class Quality(Section):
    """When new rows are taken for broken and not for drifted."""

    quarantined: Share
    missing: Share
    new_categories: Share
    out_of_range: Share
    volume: float = Field(gt=1)


class Drift(Section):
    """The policy of the drift check."""

    policy: str
    backend: Literal["alibi-detect", "scipy"]
    false_alarms_per_year: float = Field(gt=0)
    thresholds: Literal["calibrated", "p_values"]
    significance: float = Field(gt=0, lt=1)
    window: Span
    k: int = Field(ge=1)
    of: int = Field(ge=1)
    cool_down: int = Field(ge=0)
    max_age: Annotated[int, Field(ge=1)] | None
    retrain_on: tuple[Check, ...]
    alert_on: tuple[Check, ...]
    min_rows: int = Field(ge=10)
    max_rows: int = Field(ge=100)
    quality: Quality

    @model_validator(mode="after")
    def _counts_fit(self) -> "Drift":
        if self.k > self.of:
            raise ValueError(f"k: {self.k} of {self.of} windows; allowed: at most as many")
        if both := set(self.retrain_on) & set(self.alert_on):
            raise ValueError(f"{', '.join(sorted(both))}: in retrain_on and in alert_on; allowed: one of them")
        if not parse_span(self.window):
            raise ValueError(f"window: {self.window!r}; allowed: a number of rows, or a length of time, above zero")
        if isinstance(self.window, int) and self.window < self.min_rows:
            raise ValueError(f"window: {self.window} rows; allowed: at least min_rows, {self.min_rows}")
        return self
