"""Curves: medians of time and memory against rows, and the slope between the two largest sizes."""

import math
import statistics
from dataclasses import dataclass
from typing import Any

SECONDS, MEMORY = "seconds", "peak_gb"


@dataclass(frozen=True)
class Curve:
    """A figure against rows, ascending: medians, least and most of the runs that did not fail."""

    rows: tuple[int, ...]
    median: tuple[float, ...]
    least: tuple[float, ...]
    most: tuple[float, ...]

    @property
    def slope(self) -> float | None:
        """The exponent of rows between the two largest sizes: 1 where twice the rows take twice as much."""
        if len(self.rows) < 2:
            return None
        return math.log(self.median[-1] / self.median[-2]) / math.log(self.rows[-1] / self.rows[-2])


def draw_curve(cells: dict[int, dict[str, Any]], figure: str) -> Curve:
    """Return the curve of a figure, from what was measured by rows."""
    values = {rows: [run[figure] for run in cell["runs"] if figure in run] for rows, cell in sorted(cells.items())}
    values = {rows: found for rows, found in values.items() if found}
    summaries = [[function(found) for found in values.values()] for function in (statistics.median, min, max)]
    return Curve(tuple(values), *map(tuple, summaries))


def cells_of(part: dict[str, Any], *keys: str) -> dict[int, dict[str, Any]]:
    """Return by rows what was measured under these keys of a part of the results."""
    found = {}
    for rows, place in part.items():
        cell: Any = place
        for key in keys:
            cell = cell.get(key, {})
        if cell:
            found[int(rows)] = cell
    return found


def names_in(part: dict[str, Any]) -> list[str]:
    """Return the names below the sizes, in the order in which they first come."""
    return list(dict.fromkeys(name for place in part.values() for name in place))
