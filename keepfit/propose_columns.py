"""Propose columns: what each column of a table is taken for, and the rules that it is held to."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from keepfit.column_profile import Profile
from keepfit.dataset import REASONS, ROW_HASH, Column
from keepfit.features import RESERVED
from keepfit.giveaway import column_skills
from keepfit.propose_label import Label

# Names that no column can have in a quarantine, and others that no feature can have.
QUARANTINE = {ROW_HASH, REASONS}
OWN = RESERVED | QUARANTINE
TAKEN = "the name is one of Keepfit's own columns; call it otherwise in the table"
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


def choose_features(
    frame: pd.DataFrame, found: dict[str, Profile], label: Label, time: str | None, keys: tuple[str, ...]
) -> tuple[Choice, ...]:
    """Return what each column is taken for: the time, a key, a feature, or left out and why."""
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
    if each.name in OWN:
        return TAKEN
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


def declare(each: Profile) -> Column:
    """Return the type and the rules of a column, with slack around what was seen."""
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


def tell_columns(choices: tuple[Choice, ...], found: dict[str, Profile]) -> list[str]:
    """Return what a person should look at in the columns."""
    said = [f"{each.column}: {each.why}" for each in choices if "gives the answer away" in each.why]
    said += [f"{each.column}: {each.why}" for each in choices if each.column in OWN]
    used = [found[each.column] for each in choices if each.role == "feature"]
    for each in used:
        if each.kind == "category" and each.distinct > TOLD_APART:
            said.append(f"{each.name}: {each.distinct:,} levels; models tell the {TOLD_APART} most frequent ones apart")
        if each.unreadable:
            said.append(f"{each.name}: {each.unreadable} values are not numbers; their rows will be set aside")
    return said
