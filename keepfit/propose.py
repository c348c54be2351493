"""Propose: what to declare about a table that nobody has declared anything about yet."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from keepfit.column_profile import Profile, profile
from keepfit.columns import parse_column, require
from keepfit.dataset import Column, Dataset, FeatureSet, FileSource, Splits, SqlSource
from keepfit.errors import UnusableTable
from keepfit.features import RESERVED
from keepfit.giveaway import column_skills
from keepfit.objective import Objective
from keepfit.propose_label import Label, propose_label
from keepfit.propose_splits import Bounds, propose_splits, refuse_small
from keepfit.section import Task

# A column that saves more of the baseline's loss on its own is taken for the label in disguise.
GIVEAWAY = 0.9
# Categories with at most so many levels, each of them in enough rows, are a closed list.
CLOSED, SUPPORT = 12, 5
# Levels that the shipped models tell apart.
TOLD_APART = 200


@dataclass(frozen=True)
class Choice:
    """What a column was taken for, and why."""

    column: str
    kind: str
    role: str
    why: str = ""


@dataclass(frozen=True)
class Proposal:
    """A dataset and an objective, what each column was taken for, what was assumed and what to look at."""

    dataset: Dataset
    objective: Objective
    choices: tuple[Choice, ...]
    assumed: tuple[str, ...]
    look_at: tuple[str, ...]


def propose(
    frame: pd.DataFrame,
    *,
    name: str,
    source: FileSource | SqlSource,
    target: str,
    time: str | None,
    task: Task | None,
    bounds: Bounds,
) -> Proposal:
    """Look at a table and return what to declare about it.

    Raises MissingColumn, TooFewRows and UnusableTable.
    """
    frame = frame.rename(columns=str).reset_index(drop=True)
    require(frame, [target, *([time] if time else [])])
    refuse_small(int(frame[target].notna().sum()), target, bounds)
    found = {each: profile(frame[each], as_time=each == time) for each in frame}
    label = propose_label(found.pop(target), task=task)
    moment = _choose_time(frame, found, time, bounds)
    order = moment or _free_name(frame)
    time_column = _declare(found[moment]) if moment else Column(type="datetime", format=_row_length(len(frame)))
    clock = parse_column(frame[moment] if moment else pd.Series(range(len(frame))), time_column)
    keys, repeated = _choose_keys(frame, found, order, bounds)
    choices = _choose_features(frame, found, label, moment, keys)
    features = [each.column for each in choices if each.role == "feature"]
    if not features:
        raise UnusableTable(f"no column is left for a feature: {'; '.join(f'{c.column}: {c.why}' for c in choices)}")
    used = dict.fromkeys([*(each for each in keys if each in found), *features])
    splits = propose_splits(clock, label, frame[target], bounds, has_time=moment is not None)
    return Proposal(
        dataset=Dataset(
            name=name,
            task=label.task,
            source=source if moment else source.model_copy(update={"row_number": order}),
            until=None,
            may_go_backwards=False,
            time=order,
            ordered=bool(clock.dropna().is_monotonic_increasing),
            freshness=None,
            keys=keys,
            columns={order: time_column, **{each: _declare(found[each]) for each in used}, target: label.column},
            features=FeatureSet(module="as_is", columns=tuple(features)),
            label=target,
            classes=label.classes,
            horizon=0,
            splits=Splits(holdout=splits.holdout, block=splits.block, batch=splits.batch),
        ),
        objective=label.objective(),
        choices=(*choices, Choice(target, label.kind, "label", label.why)),
        assumed=(*label.assumed, *_tell_time(found, moment, time, order), *splits.assumed),
        look_at=(*label.look_at, *_tell_columns(choices, found), *repeated, *splits.look_at),
    )


def _choose_time(frame: pd.DataFrame, found: dict[str, Profile], time: str | None, bounds: Bounds) -> str | None:
    if time is not None:
        each = found[time]
        bad = (each.missing + each.unreadable) / each.rows
        if each.kind != "datetime" or bad > bounds.quota:
            seen = f"{bad:.1%} of its values are none" if each.kind == "datetime" else f"it looks like {each.kind}"
            raise UnusableTable(
                f"--time {time}: {seen}, such as {frame[time].iloc[0]!r}; allowed: ISO 8601, day and month either way, "
                "seconds since 1970 and the like, in all rows but validate.quota"
            )
        return time
    likely = [
        each
        for each in found.values()
        if each.kind == "datetime" and each.missing <= bounds.quota * each.rows and each.distinct > 10
    ]
    in_order = [each.name for each in likely if _is_sorted(frame, each)]
    return next(iter([*in_order, *(each.name for each in likely)]), None)


def _is_sorted(frame: pd.DataFrame, found: Profile) -> bool:
    return bool(parse_column(frame[found.name], _declare(found)).dropna().is_monotonic_increasing)


def _row_length(rows: int) -> str:
    # What a row counts for where there is no time: a day, while four times as many rows end before 2262.
    return "D" if rows <= 25_000 else "h" if rows <= 600_000 else "s"


def _free_name(frame: pd.DataFrame) -> str:
    return next(name for name in ("row", "row_number", "keepfit_row_number") if name not in frame)


def _choose_keys(
    frame: pd.DataFrame, found: dict[str, Profile], time: str, bounds: Bounds
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    allowed = bounds.quota / 2 * len(frame)
    naming = [each for each in found.values() if each.names_rows and not each.missing]
    for each in sorted(naming, key=lambda each: -each.distinct):
        if (again := each.rows - each.distinct) <= allowed:
            said = f"{again} rows repeat a {each.name} of an earlier row and will be set aside"
            return (each.name,), (said,) if again else ()
    if time not in frame:
        again = int(frame.duplicated().sum()) if len(frame) <= bounds.counted else 0
        said = f"{again} rows are the same as an earlier one in every column; nothing tells whether they are meant"
        return (time,), (said,) if again else ()
    same = int(frame.duplicated().sum()) if len(frame) <= bounds.counted else 0
    for names in ([time], *([time, each.name] for each in naming)):
        again = int(frame.duplicated(names).sum())
        if again == 0 or again == same <= allowed:
            said = f"{again} rows repeat an earlier one and will be set aside"
            return tuple(names), (said,) if again else ()
    if same:
        return (), (f"{same} rows are the same as an earlier one in every column; no key tells whether they are meant",)
    return (), (f"{again} rows share their {' and '.join(names)}: name what tells rows apart in `keys`",)


def _choose_features(
    frame: pd.DataFrame, found: dict[str, Profile], label: Label, time: str | None, keys: tuple[str, ...]
) -> tuple[Choice, ...]:
    choices = []
    rest = [each for each in found.values() if each.name != time and each.name not in keys]
    usable = [each for each in rest if not _why_not(each)]
    skills = column_skills(frame, usable, frame[label.name], classes=label.task != "regression")
    for each in found.values():
        if each.name == time:
            choices.append(Choice(each.name, each.kind, "time"))
        elif each.name in keys:
            choices.append(Choice(each.name, each.kind, "key", "tells rows apart"))
        elif why := _why_not(each):
            choices.append(Choice(each.name, each.kind, "left out", why))
        elif skills[each.name] > GIVEAWAY:
            why = f"gives the answer away: alone it saves {skills[each.name]:.0%} of the baseline's loss"
            choices.append(Choice(each.name, each.kind, "left out", why))
        else:
            choices.append(Choice(each.name, each.kind, "feature", _describe(each)))
    return tuple(choices)


def _why_not(each: Profile) -> str:
    if each.name in RESERVED:
        return "the name is one of Keepfit's own columns; call it otherwise in the table"
    if each.infinite > 0:
        return f"{each.infinite} values are infinite"
    if each.names_rows:
        return f"names rows and measures nothing: {each.distinct:,} different values in {each.known:,} rows"
    reasons = {
        "empty": "no value in any row",
        "text": "text, which the shipped models cannot read; write a feature of it",
        "datetime": "a time; write a feature of it, such as the days since",
    }
    if each.kind in reasons:
        return reasons[each.kind]
    return "the same in all rows" if each.distinct == 1 else ""


def _describe(each: Profile) -> str:
    missing = f", {each.missing / each.rows:.1%} missing" if each.missing else ""
    if each.kind in ("int", "float"):
        return f"{each.low:g} to {each.high:g}{missing}"
    return f"{each.distinct:,} levels{missing}"


def _declare(each: Profile) -> Column:
    nullable = each.missing > 0
    if each.kind in ("int", "float"):
        low, high = widen(each.low, each.high)
        return Column(type=each.kind, nullable=nullable, min=low, max=high)
    if each.kind == "datetime":
        return Column(type="datetime", format=each.form.form if each.form else None, nullable=False)
    if each.kind == "bool":
        return Column(type="bool", nullable=nullable)
    closed = 0 < len(each.levels) <= CLOSED and min(each.counts) >= max(SUPPORT, each.rows // 1000)
    return Column(type="category", nullable=nullable, allowed=tuple(sorted(each.levels)) if closed else None)


def widen(low: float, high: float) -> tuple[float, float]:
    """Return a range half as wide again at either end, rounded outward to two digits, that does not cross 0."""
    slack = (high - low) / 2 or abs(high) / 2 or 1.0
    digit = 10.0 ** (np.floor(np.log10(max(abs(low - slack), abs(high + slack)))) - 1)
    lower = float(np.floor((low - slack) / digit) * digit)
    upper = float(np.ceil((high + slack) / digit) * digit)
    lower, upper = (float(f"{each:.12g}") for each in (lower, upper))
    return (max(lower, 0.0) if low >= 0 else lower, min(upper, 0.0) if high <= 0 else upper)


def _tell_time(found: dict[str, Profile], moment: str | None, asked: str | None, row: str) -> list[str]:
    if moment is None:
        return [f"no column is a time: the order of the rows is the order of time, and `{row}` numbers them"]
    form = found[moment].form
    said = [] if asked else [f"`{moment}` is the time of a row; --time names another column"]
    if form and form.other:
        said.append(f"`{moment}` is read as {form.form}; {form.other} would read it as well")
    return said


def _tell_columns(choices: tuple[Choice, ...], found: dict[str, Profile]) -> list[str]:
    said = [f"{each.column}: {each.why}" for each in choices if "gives the answer away" in each.why]
    said += [f"{each.column}: {each.why}" for each in choices if each.column in RESERVED]
    used = [found[each.column] for each in choices if each.role == "feature"]
    for each in used:
        if each.kind == "category" and each.distinct > TOLD_APART:
            said.append(f"{each.name}: {each.distinct:,} levels; models tell the {TOLD_APART} most frequent ones apart")
        if each.unreadable:
            said.append(f"{each.name}: {each.unreadable} values are not numbers; their rows will be set aside")
    return said
