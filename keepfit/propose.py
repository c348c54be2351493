"""Propose: what to declare about a table that nobody has declared anything about yet."""

from dataclasses import dataclass

import pandas as pd

from keepfit.column_profile import Profile, profile
from keepfit.columns import parse_column, require, write_nested
from keepfit.dataset import Column, Dataset, FeatureSet, FileSource, Splits, SqlSource
from keepfit.errors import UnusableTable
from keepfit.objective import Objective
from keepfit.propose_columns import QUARANTINE, TAKEN, Choice, choose_features, declare, tell_columns
from keepfit.propose_label import propose_label, tell_skew
from keepfit.propose_splits import Bounds, propose_splits, refuse_small
from keepfit.section import Task


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
    frame = write_nested(frame.rename(columns=str).reset_index(drop=True))
    _refuse_one_column(frame)
    require(frame, [target, *([time] if time else [])])
    if time == target:
        raise UnusableTable(f"--target and --time are both {time}; allowed: two columns, what is to be known and when")
    if taken := QUARANTINE & {target, time}:
        raise UnusableTable(f"{taken.pop()}: {TAKEN}")
    refuse_small(int(frame[target].notna().sum()), target, bounds)
    found = {each: profile(frame[each], as_time=each == time) for each in frame}
    label = propose_label(found.pop(target), task=task)
    free = {each: seen for each, seen in found.items() if each not in QUARANTINE}
    skewed = tell_skew(target, frame[target]) if label.task == "regression" else ()
    moment = _choose_time(frame, free, time, bounds)
    order = moment or _free_name(frame)
    time_column = declare(found[moment]) if moment else Column(type="datetime", format=_row_length(len(frame)))
    clock = parse_column(frame[moment] if moment else pd.Series(range(len(frame))), time_column)
    keys, repeated = _choose_keys(frame, free, order, bounds)
    choices = choose_features(frame, found, label, moment, keys)
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
            columns={order: time_column, **{each: declare(found[each]) for each in used}, target: label.column},
            features=FeatureSet(module="as_is", columns=tuple(features)),
            label=target,
            classes=label.classes,
            horizon=0,
            splits=Splits(holdout=splits.holdout, block=splits.block, batch=splits.batch),
        ),
        objective=label.objective(),
        choices=(*choices, Choice(target, label.kind, "label", label.why)),
        assumed=(*label.assumed, *_tell_time(found, moment, time, order), *splits.assumed),
        look_at=(*label.look_at, *skewed, *tell_columns(choices, found), *repeated, *splits.look_at),
    )


def _refuse_one_column(frame: pd.DataFrame) -> None:
    if frame.shape[1] == 1 and (found := [mark for mark in ";\t|" if mark in frame.columns[0]]):
        raise UnusableTable(
            f"the table has one column, {frame.columns[0]!r}: its columns are separated by {found[0]!r}, which CSV "
            "files are not; allowed: commas, and a point in numbers"
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
    return bool(parse_column(frame[found.name], declare(found)).dropna().is_monotonic_increasing)


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


def _tell_time(found: dict[str, Profile], moment: str | None, asked: str | None, row: str) -> list[str]:
    if moment is None:
        return [f"no column is a time: the order of the rows is the order of time, and `{row}` numbers them"]
    form = found[moment].form
    said = [] if asked else [f"`{moment}` is the time of a row; --time names another column"]
    if form and form.other:
        said.append(f"`{moment}` is read as {form.form}; {form.other} would read it as well")
    return said
