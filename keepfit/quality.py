"""Quality: whether new rows are broken, by rules, before anyone asks whether the world has changed.

The rules compare raw columns with their profile of training: a unit that changed, a feed that stands still or
a column that stays empty is no drift to learn from.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from keepfit.monitoring import Quality
from keepfit.profile import STILL, ColumnProfile, Profile, rows_a_day
from keepfit.section import Section


class Rule(Section):
    """One rule, on a column or on all rows: what was seen, what is allowed, and whether it is broken."""

    rule: str
    column: str | None = None
    seen: float
    allowed: float
    broken: bool


def check_quality(
    rows: pd.DataFrame, profile: Profile, limits: Quality, *, time: str, window: int | str | None, set_aside: int = 0
) -> list[Rule]:
    """Return each rule as the newest rows keep or break it, for the worst column.

    `set_aside` counts rows that are not among them. How many there are is judged where they are a whole `window`.
    """
    found = [_limit("quarantined", set_aside / max(len(rows) + set_aside, 1), limits.quarantined)]
    for rule in ("missing", "new_categories", "out_of_range", "stale"):
        seen = [
            each for name, known in profile.columns.items() for each in _measure(rule, rows[name], known, name, limits)
        ]
        found += sorted(seen, key=lambda each: each.seen - each.allowed, reverse=True)[:1]
    if window is None:
        return found
    rate = rows_a_day(rows[time], window)
    found.append(_limit("too many rows a day", rate, profile.busiest * limits.volume))
    # One row fewer than none is still none: the calm side is told as days a row.
    found.append(_limit("too few rows a day, in days a row", 1 / rate, limits.volume / profile.calmest))
    return found


def _measure(rule: str, values: pd.Series, known: ColumnProfile, name: str, limits: Quality) -> Iterator[Rule]:
    match rule:
        case "missing":
            yield _limit(rule, float(values.isna().mean()), known.missing + limits.missing, name)
        case "new_categories" if known.categories is not None:
            new = values.notna() & ~values.isin(known.categories)
            yield _limit(rule, float(new.mean()), limits.new_categories, name)
        case "out_of_range" if known.low is not None and known.high is not None and known.low < known.high:
            yield _limit(rule, _share_outside(values, known.low, known.high), limits.out_of_range, name)
        case "stale" if known.moves:
            yield _limit(rule, float((values.diff() == 0).mean()), STILL, name)


def _share_outside(values: pd.Series, low: float, high: float) -> float:
    """Return the share of numbers further outside than the range is wide, in factors where all were positive."""
    numbers, least = values.dropna().to_numpy(), 1e-9 + abs(high)
    if low > 0:
        numbers, low, high, least = np.log(np.maximum(numbers, 1e-300)), np.log(low), np.log(high), 1.0
    width = max(high - low, least)
    return float(((numbers < low - width) | (numbers > high + width)).mean()) if len(numbers) else 0.0


def _limit(rule: str, seen: float, allowed: float, column: str | None = None) -> Rule:
    return Rule(rule=rule, column=column, seen=seen, allowed=allowed, broken=bool(seen > allowed))
