"""The objective: the business question, the cost of being wrong, and what must not happen."""

from typing import Literal

from pydantic import Field, model_validator

from keepfit.section import Section

Loss = Literal["log_loss", "brier", "absolute_error", "squared_error", "cost"]
Metric = Literal[Loss, "roc_auc", "average_precision", "r2"]


class DecisionCost(Section):
    """The cost of each outcome of a yes-or-no decision."""

    true_positive: float = 0
    false_positive: float
    true_negative: float = 0
    false_negative: float

    @model_validator(mode="after")
    def _mistakes_cost_more(self) -> "DecisionCost":
        if self.false_positive <= self.true_negative or self.false_negative <= self.true_positive:
            raise ValueError("a mistake must cost more than the right decision")
        return self

    @property
    def threshold(self) -> float:
        """The probability above which a yes is cheaper, where probabilities are right."""
        of_yes = self.false_positive - self.true_negative
        return of_yes / (of_yes + self.false_negative - self.true_positive)


class ErrorCost(Section):
    """The cost of a prediction that is one unit too high or too low."""

    over: float = Field(gt=0)
    under: float = Field(gt=0)

    @property
    def threshold(self) -> float:
        """None is needed: an amount is no decision."""
        return 0.0


class Limit(Section):
    """The range in which a metric must lie."""

    min: float = float("-inf")
    max: float = float("inf")


class Slice(Section):
    """Rows that are judged on their own, by the values of a feature or by its edges."""

    column: str
    edges: tuple[float, ...] = ()
    tolerance: float = Field(ge=0)


class Objective(Section):
    """The business question, what decides, and what must not happen."""

    question: str
    metric: Loss
    limits: dict[Metric, Limit]
    cost: DecisionCost | ErrorCost
    unit: str
    slices: tuple[Slice, ...] = ()
