"""Plan: all that the compiled scorer needs of a champion, as JSON; the trees are in tables beside it."""

from pathlib import Path
from typing import Any, Literal

from keepfit.files import read_json, write_json
from keepfit.section import Section

Link = Literal["identity", "expit", "softmax", "mean"]
PLAN, TREES = "plan.json", "trees.npz"


class Number(Section):
    """A feature that is a number: what a missing one becomes, what is subtracted, what it is divided by."""

    feature: int
    impute: float | None = None
    mean: float | None = None
    scale: float | None = None


class Category(Section):
    """A feature that is a category: the numbers that each text becomes, an unknown one, and a missing one."""

    feature: int
    table: dict[str, tuple[float, ...]]
    unknown: tuple[float, ...]
    missing: tuple[float, ...]


class Estimate(Section):
    """How prepared numbers become scores.

    `start` and the trees, or the products with `coefficients` (scores, numbers), are summed; `link` makes scores of
    the sums: of class `places[i]` where there are several classes.
    """

    kind: Literal["forest", "linear", "constant"]
    start: tuple[float, ...]
    coefficients: tuple[tuple[float, ...], ...] = ()
    link: Link = "identity"
    # How many trees a mean is taken of.
    trees: int = 0
    # Whether a number is rounded to 32 bits before it meets a threshold.
    rounds: bool = False
    places: tuple[int, ...] = ()
    classes: int = 0


class Plan(Section):
    """A champion from raw columns to scores: features, preparation (numbers first), estimate."""

    columns: tuple[str, ...]
    features: tuple[str, ...]
    look_back: int
    # By feature, as keepfit/compiled/operations.py has them.
    expressions: dict[str, list[Any]]
    # Features that are computed with pandas, and why.
    untraced: dict[str, str] = {}
    numbers: tuple[Number, ...]
    categories: tuple[Category, ...]
    estimate: Estimate


def write_plan(folder: Path, plan: Plan) -> None:
    """Write the plan; equal ones give equal bytes."""
    write_json(folder / PLAN, plan.model_dump(mode="json", exclude_defaults=True))


def read_plan(folder: Path) -> Plan:
    """Read the plan."""
    return Plan.model_validate(read_json(folder / PLAN))
