"""Propose a label: which task a target column asks for, its classes, and what a mistake costs by default."""

from dataclasses import dataclass
from typing import get_args

import pandas as pd

from keepfit.column_profile import Profile
from keepfit.dataset import MOST_CLASSES, Column
from keepfit.errors import UnusableTable
from keepfit.numerals import to_numbers
from keepfit.objective import ClassCost, Cost, DecisionCost, ErrorCost, Objective
from keepfit.section import Task

# Whole numbers with at most so many values are taken for classes.
FEW = 10
RARE = 0.05
# Amounts are skewed where their tenths at both ends are so unequally far from the median (Kelly's measure); exponential
# ones are at 0.46.
SKEWED = 0.4


@dataclass(frozen=True)
class Label:
    """The task, how the column is declared, and the classes: of two, the second is the yes."""

    name: str
    kind: str
    task: Task
    column: Column
    cost: Cost
    classes: tuple[str, ...] = ()
    why: str = ""
    assumed: tuple[str, ...] = ()
    look_at: tuple[str, ...] = ()

    def objective(self) -> Objective:
        """Return the objective that is written where nothing is known of the business."""
        question = {"binary": "Is {} a yes?", "multiclass": "Which {} is it?", "regression": "How much is {}?"}
        return Objective(
            question=question[self.task].format(self.name),
            metric="absolute_error" if self.task == "regression" else "log_loss",
            limits={},
            cost=self.cost,
            unit="mistakes" if self.task != "regression" else "units of the label",
        )


def as_task(name: str | None) -> Task | None:
    """Return the task that a person named, None for none; raise UnusableTable."""
    allowed: tuple[Task, ...] = get_args(Task)
    if name is not None and name not in allowed:
        raise UnusableTable(f"--task {name}: allowed: {', '.join(allowed)}")
    return next((task for task in allowed if task == name), None)


def propose_label(found: Profile, *, task: Task | None) -> Label:
    """Return what the target column asks for; raise UnusableTable where it can be no label."""
    if found.distinct < 2:
        raise UnusableTable(f"--target {found.name}: {found.distinct} different values; a label needs two or more")
    if found.kind in ("datetime", "text") or found.infinite:
        seen = f"{found.infinite} infinite values" if found.infinite else f"it looks like {found.kind}"
        raise UnusableTable(f"--target {found.name}: {seen}; allowed: yes or no, classes or amounts")
    if (task or _guess_task(found)) == "regression":
        return _amount(found)
    if not found.levels or len(found.levels) > MOST_CLASSES:
        raise UnusableTable(
            f"--target {found.name}: {found.distinct:,} different values; a label has at most {MOST_CLASSES} classes"
        )
    if (task == "binary" and found.distinct != 2) or (task == "multiclass" and found.distinct < 3):
        raise UnusableTable(f"--target {found.name}: {found.distinct} different values do not fit --task {task}")
    return _yes_or_no(found) if found.distinct == 2 else _several(found)


def _guess_task(found: Profile) -> Task:
    if found.kind == "float" or (found.kind == "int" and found.distinct > FEW):
        return "regression"
    return "binary" if found.distinct == 2 else "multiclass"


def _yes_or_no(found: Profile) -> Label:
    counts = dict(zip(found.levels, found.counts, strict=True))
    if found.kind == "bool":
        yes = next(level for level in counts if level.lower() in ("1", "true", "t", "yes", "y"))
        classes: tuple[str, ...] = ()
        column = Column(type="bool", nullable=True)
    else:
        yes = found.levels[1]
        classes = (found.levels[0], yes)
        column = Column(type="category", nullable=True, allowed=classes)
    share = counts[yes] / sum(counts.values())
    price = max(1.0, round((1 - share) / share))
    look_at = []
    if share < RARE or share > 1 - RARE:
        look_at.append(f"{found.name}: {share:.2%} of the rows are a yes; read precision and recall, not accuracy")
    assumed = (
        f"`{yes}` is the yes of `{found.name}`, in {share:.1%} of the rows",
        f"a missed yes costs as much as {price:g} false alarms, the ratio of no to yes",
    )
    return Label(
        found.name, found.kind, "binary", column, DecisionCost(false_positive=1, false_negative=price), classes,
        why=f"{share:.1%} yes", assumed=assumed, look_at=(*look_at, *_tell_missing(found)),
    )  # fmt: skip


def _several(found: Profile) -> Label:
    classes = tuple(sorted(found.levels, key=_natural))
    counts = dict(zip(found.levels, found.counts, strict=True))
    rare = [level for level in classes if counts[level] < RARE / 5 * found.known]
    look_at = [f"{found.name}: the classes {', '.join(rare)} are in less than 1 % of the rows each"] if rare else []
    said = f"the {len(classes)} values of `{found.name}` are classes without an order"
    said += "; --task regression takes them for amounts" if found.kind == "int" else ""
    return Label(
        found.name, found.kind, "multiclass", Column(type="category", nullable=True, allowed=classes),
        ClassCost(mistakes=dict.fromkeys(classes, 1.0)), classes, why=f"{len(classes)} classes",
        assumed=(said, "every mistake costs the same"), look_at=(*look_at, *_tell_missing(found)),
    )  # fmt: skip


def _amount(found: Profile) -> Label:
    if found.kind not in ("int", "float"):
        raise UnusableTable(f"--target {found.name}: it looks like {found.kind}; --task regression needs numbers")
    return Label(
        found.name, found.kind, "regression", Column(type="float", nullable=True), ErrorCost(over=1, under=1),
        why=f"{found.low:g} to {found.high:g}",
        assumed=(f"`{found.name}` is an amount; too high and too low cost the same",),
        look_at=_tell_missing(found),
    )  # fmt: skip


def tell_skew(name: str, values: pd.Series) -> tuple[str, ...]:
    """Say of amounts that their mean is far from their median, and what to try then."""
    known = to_numbers(values).dropna()
    low, median, high = known.quantile([0.1, 0.5, 0.9])
    if high == low or abs(low + high - 2 * median) <= SKEWED * (high - low):
        return ()
    return (
        f"{name}: skewed, with a mean of {known.mean():.4g} and a median of {median:.4g}; boosted models learn the "
        "mean and `absolute_error` asks for the median: try `dvc exp run -S +model.params.loss=absolute_error`",
    )


def _tell_missing(found: Profile) -> tuple[str, ...]:
    bad = found.missing
    return (f"{found.name}: {bad:,} rows have no label; models learn from the others",) if bad else ()


def _natural(level: str) -> tuple[float, str]:
    try:
        return float(level), level
    except ValueError:
        return float("inf"), level
