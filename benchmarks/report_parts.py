"""The parts of the report: tables of figures, what was wanted of them, and what they depend on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
# What a stamp says first; what else it holds are versions.
FIRST = ("date", "commit", "seed", "machine", "system", "architecture", "cores", "memory_gb")


@dataclass(frozen=True)
class Want:
    """A figure that was promised: in words, as it was found, and whether that is enough."""

    wanted: str
    found: str
    reached: bool


@dataclass(frozen=True)
class Table:
    """Rows under a caption."""

    caption: str
    rows: Sequence[Row]


def write_number(value: Any) -> str:
    """Return a value as the report shows it: three digits that count, thousands parted, a dash for nothing."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def write_spread(found: Mapping[str, float]) -> str:
    """Return `median (least to most)`."""
    median, least, most = (write_number(float(found[key])) for key in ("median", "least", "most"))
    return f"{median} ({least} to {most})"


def write_table(rows: Iterable[Row]) -> str:
    """Return rows as Markdown, numbers to the right."""
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    right = [all(not isinstance(row.get(name), str) for row in rows) for name in names]
    lines = [names, ["--:" if each else "---" for each in right]]
    lines += [[write_number(row.get(name)) for name in names] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_wants(wants: Iterable[Want]) -> str:
    """Return what was wanted and found as Markdown."""
    return write_table(
        {"wanted": want.wanted, "found": want.found, "reached": "yes" if want.reached else "**no**"} for want in wants
    )


def write_stamp(stamp: Mapping[str, Any]) -> str:
    """Return one line: date, commit, seed and machine, and the versions."""
    known = {key: value for key, value in stamp.items() if value is not None}
    first = [f"{key.removesuffix('_gb')} {known.pop(key)}" for key in FIRST if key in known]
    return "; ".join([", ".join(first), ", ".join(f"{key} {value}" for key, value in known.items())]).strip("; ")
