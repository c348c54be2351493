"""Feature table: features and label of a table that need not fit into memory, part by part.

A part is computed with the rows before it that its features look back on, and the rows after it that its label may
look ahead to; so each row is what it would be in the whole, to the last bit. Where the dataset has entities, the rows
before it are the last ones of each entity that it has, however far back.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from keepfit.dataset import Dataset, FeatureSet
from keepfit.engine import Engine
from keepfit.entities import find_histories
from keepfit.errors import FeatureError
from keepfit.features import FeatureModule, assemble, columns_needed, columns_read, compute, look_back
from keepfit.spans import parse_span
from keepfit.tables import Table, spans

if TYPE_CHECKING:
    import pyarrow as pa

Kinds = dict[str, "pd.CategoricalDtype | type[float]"]


@dataclass(frozen=True)
class Reach:
    """The rows of a part, and from where to where its features and its label may read.

    With `history` these rows at other positions, ascending, are read before those from `start` on.
    """

    start: int
    stop: int
    first: int
    last: int
    history: np.ndarray | None = None

    @property
    def within(self) -> slice:
        """Where the part's own rows are among those that are read."""
        before = self.start - self.first if self.history is None else len(self.history)
        return slice(before, before + self.stop - self.start)

    def read(self, rows: Table, columns: list[str], *, last: int) -> pd.DataFrame:
        """Return the rows up to `last` and those before them that they look back on."""
        if self.history is None:
            return rows.read(self.first, last, columns)
        return rows.pick(np.concatenate([self.history, np.arange(self.start, last)]), columns)


def assemble_table(rows: Table, dataset: Dataset, module: FeatureModule, *, engine: Engine) -> "Iterator[pa.Table]":
    """Yield what `assemble` makes of all rows, part by part; raise FeatureError."""
    parts = plan_parts(rows, dataset, module, size=engine.rows)
    reaches = partial(_add_histories, parts, rows=rows, dataset=dataset, module=module)
    first = next(reaches())
    made = assemble_part(first, rows=rows, dataset=dataset, module=module)
    kinds: Kinds = {}
    if len(parts) > 1 and (unsettled := _unsettled(made, module)):
        alone = partial(_kinds_of, rows=rows, module=_only(module, unsettled), entity=dataset.entity)
        kinds = _join_kinds(list(engine.map(alone, reaches())))
    yield _settle(made, kinds, module, first)
    settled = partial(_assemble_settled, rows=rows, dataset=dataset, module=module, kinds=kinds)
    yield from engine.map(settled, islice(reaches(), 1, None))


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


def _add_histories(parts: list[Reach], *, rows: Table, dataset: Dataset, module: FeatureModule) -> Iterator[Reach]:
    # One by one: of many entities, the positions of all parts together would be as large as a table.
    if dataset.entity is None or not look_back(module):
        yield from parts
        return
    own = (slice(part.start, part.stop) for part in parts)
    histories = find_histories(rows, dataset.entity, own, look_back(module))
    yield from (replace(part, history=history) for part, history in zip(parts, histories, strict=True))


def assemble_part(reach: Reach, *, rows: Table, dataset: Dataset, module: FeatureModule) -> pd.DataFrame:
    """Return the part's rows of what `assemble` would make of the whole."""
    read = reach.read(rows, columns_needed(rows.columns, dataset, module), last=reach.last)
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


def _kinds_of(reach: Reach, *, rows: Table, module: FeatureModule, entity: str | None) -> dict[str, pd.Index | None]:
    """Return the categories of each feature, None where it has numbers; a feature without a value is left out."""
    chosen = FeatureSet(module="any")
    needed = {entity, *columns_read(chosen, module)}
    read = reach.read(rows, [name for name in rows.columns if name in needed], last=reach.stop)
    made = compute(read, chosen, module, within=reach.within, entity=entity)
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
