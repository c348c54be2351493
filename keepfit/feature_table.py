"""Feature table: features and label of a table that need not fit into memory, part by part.

A part is computed with the rows before it that its features look back on, and the rows after it that its label may
look ahead to; so each row is what it would be in the whole, to the last bit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keepfit.dataset import Dataset, FeatureSet
from keepfit.engine import Engine
from keepfit.errors import FeatureError
from keepfit.features import FeatureModule, assemble, columns_needed, columns_read, compute, look_back
from keepfit.spans import parse_span
from keepfit.tables import Table, spans

if TYPE_CHECKING:
    import pyarrow as pa

Kinds = dict[str, "pd.CategoricalDtype | type[float]"]


@dataclass(frozen=True)
class Reach:
    """The rows of a part, and from where to where its features and its label may read."""

    start: int
    stop: int
    first: int
    last: int

    @property
    def within(self) -> slice:
        """Where the part's own rows are among those that are read."""
        return slice(self.start - self.first, self.stop - self.first)


def assemble_table(rows: Table, dataset: Dataset, module: FeatureModule, *, engine: Engine) -> "Iterator[pa.Table]":
    """Yield what `assemble` makes of all rows, part by part; raise FeatureError."""
    first, *others = plan_parts(rows, dataset, module, size=engine.rows)
    made = assemble_part(first, rows=rows, dataset=dataset, module=module)
    kinds: Kinds = {}
    if others and (unsettled := _unsettled(made, module)):
        found = engine.map(partial(_kinds_of, rows=rows, module=_only(module, unsettled)), [first, *others])
        kinds = _join_kinds(list(found))
    yield _settle(made, kinds, module, first)
    yield from engine.map(partial(_assemble_settled, rows=rows, dataset=dataset, module=module, kinds=kinds), others)


def plan_parts(rows: Table, dataset: Dataset, module: FeatureModule, *, size: int) -> list[Reach]:
    """Return the parts of a table in time order, each with the rows that it reads."""
    before, horizon = look_back(module), parse_span(dataset.horizon)
    parts = list(spans(len(rows), size))
    if dataset.label not in module.labels or len(parts) == 1:
        ends = [part.stop for part in parts]
    elif isinstance(horizon, int):
        ends = [min(part.stop + horizon, len(rows)) for part in parts]
    else:
        times = rows.read(0, len(rows), [dataset.time])[dataset.time].to_numpy()
        ends = [int(np.searchsorted(times, times[part.stop - 1] + horizon.to_numpy(), "right")) for part in parts]
    return [
        Reach(part.start, part.stop, max(part.start - before, 0), end) for part, end in zip(parts, ends, strict=True)
    ]


def assemble_part(reach: Reach, *, rows: Table, dataset: Dataset, module: FeatureModule) -> pd.DataFrame:
    """Return the part's rows of what `assemble` would make of the whole."""
    read = rows.read(reach.first, reach.last, columns_needed(rows.columns, dataset, module))
    return assemble(read, dataset, module, within=reach.within)


def _assemble_settled(
    reach: Reach, *, rows: Table, dataset: Dataset, module: FeatureModule, kinds: Kinds
) -> "pa.Table":
    return _settle(assemble_part(reach, rows=rows, dataset=dataset, module=module), kinds, module, reach)


def _settle(made: pd.DataFrame, kinds: Kinds, module: FeatureModule, reach: Reach) -> "pa.Table":
    import pyarrow as pa

    for name in set(module.features) - set(kinds):
        # The first part had numbers there: see _unsettled.
        if reach.start and isinstance(made[name].dtype, pd.CategoricalDtype):
            raise FeatureError(
                f"{name}: numbers at first, and others from row {reach.start} on; allowed: one or the other"
            )
    return pa.Table.from_pandas(made.astype(kinds), preserve_index=False)


def _unsettled(made: pd.DataFrame, module: FeatureModule) -> list[str]:
    """Return the features whose type or categories one part does not tell."""
    return [
        name for name in module.features if isinstance(made[name].dtype, pd.CategoricalDtype) or made[name].isna().all()
    ]


def _only(module: FeatureModule, names: list[str]) -> FeatureModule:
    return FeatureModule(features={name: module.features[name] for name in names}, labels={})


def _kinds_of(reach: Reach, *, rows: Table, module: FeatureModule) -> dict[str, pd.Index | None]:
    """Return the categories of each feature, None where it has numbers; a feature without a value is left out."""
    chosen = FeatureSet(module="any")
    read = rows.read(reach.first, reach.stop, [name for name in rows.columns if name in columns_read(chosen, module)])
    made = compute(read, chosen, module, within=reach.within)
    return {
        name: made[name].cat.categories if isinstance(made[name].dtype, pd.CategoricalDtype) else None
        for name in made
        if made[name].notna().any()
    }


def _join_kinds(found: list[dict[str, pd.Index | None]]) -> Kinds:
    joined: dict[str, dict[object, None]] = {}
    kinds: Kinds = {}
    for name in dict.fromkeys(name for part in found for name in part):
        values = [part[name] for part in found if name in part]
        texts = [each for each in values if each is not None]
        if 0 < len(texts) < len(values):
            raise FeatureError(f"{name}: numbers in some rows, and others elsewhere; allowed: one or the other")
        joined[name] = dict.fromkeys(value for each in texts for value in each)
        categories = pd.Series(list(joined[name]), dtype=object).astype("category").cat.categories
        kinds[name] = pd.CategoricalDtype(categories) if texts else float
    return kinds
