"""Features: columns computed from columns, by functions that serve a table and a request alike.

A function of `features/MODULE.py` marked `@feature` is one feature: its name is the feature's, its
parameters name the raw columns it reads. One marked `@label` is a label.
"""

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from keepfit.dataset import Dataset, FeatureSet
from keepfit.entities import Groups, group, number_entities
from keepfit.errors import FeatureError
from keepfit.times import as_text

LABEL = "label"
# Columns that stand beside the features in the tables that `train` and `evaluate` write.
RESERVED = {LABEL, "score", "loss", "fold", "naive_score"}
Function = Callable[..., pd.Series]
ALL = slice(None)


@dataclass(frozen=True)
class Feature:
    """A function over columns: what it reads, and how many rows before its own it needs."""

    function: Function
    reads: tuple[str, ...]
    look_back: int = 0

    @property
    def name(self) -> str:
        """The name of the column that it makes."""
        return self.function.__name__

    def compute(self, rows: pd.DataFrame, groups: Groups | None = None) -> pd.Series:
        """Return the column for typed rows in time order, those of each group by themselves; raise FeatureError."""
        if missing := [name for name in self.reads if name not in rows]:
            raise FeatureError(f"{self.name}: reads {', '.join(missing)}, which dataset.columns does not declare")
        columns = [rows[name] for name in self.reads]
        values = groups.apply(self._call, columns) if groups else self._call(columns, len(rows))
        return pd.Series(values, index=rows.index, name=self.name)

    def _call(self, columns: list[pd.Series], rows: int) -> np.ndarray:
        values = self.function(*columns)
        if len(values) != rows:
            raise FeatureError(f"{self.name}: gave {len(values)} values for {rows} rows")
        return np.asarray(values)


@dataclass(frozen=True)
class FeatureModule:
    """The features and labels that a module defines, by name, in the order of the file."""

    features: dict[str, Feature]
    labels: dict[str, Feature]


def feature(*, look_back: int = 0) -> Callable[[Function], Function]:
    """Mark a function over columns as a feature that reads `look_back` rows before its own.

    Raises FeatureError.
    """
    if type(look_back) is not int or look_back < 0:
        raise FeatureError(f"look_back={look_back!r}: allowed: a number of rows of zero or more")

    def mark(function: Function) -> Function:
        vars(function)["feature"] = Feature(function, tuple(inspect.signature(function).parameters), look_back)
        return function

    return mark


def label(function: Function) -> Function:
    """Mark a function over columns as a label, which may look ahead by `dataset.horizon`."""
    vars(function)["label"] = Feature(function, tuple(inspect.signature(function).parameters))
    return function


def load_module(name: str) -> FeatureModule:
    """Import `features/NAME.py`; raise FeatureError."""
    try:
        members = vars(importlib.import_module(f"features.{name}"))
    except Exception as error:
        cause = " ".join(f"{type(error).__name__}: {error}".split())
        raise FeatureError(f"features/{name}.py (dataset.features.module): {cause}") from error
    return FeatureModule(
        features={key: member.feature for key, member in members.items() if hasattr(member, "feature")},
        labels={key: member.label for key, member in members.items() if hasattr(member, "label")},
    )


def look_back(module: FeatureModule) -> int:
    """Return how many rows before its own a row needs for all its features."""
    return max((each.look_back for each in module.features.values()), default=0)


def columns_read(chosen: FeatureSet, module: FeatureModule) -> list[str]:
    """Return the raw columns that the features need, in a stable order."""
    reads = [name for each in module.features.values() for name in each.reads]
    return list(dict.fromkeys([*chosen.columns, *reads]))


def columns_needed(columns: list[str], dataset: Dataset, module: FeatureModule) -> list[str]:
    """Return those of the columns that the table of `assemble` is made of, in their order."""
    labels = module.labels[dataset.label].reads if dataset.label in module.labels else [dataset.label]
    names = {dataset.time, dataset.entity, *dataset.keys, *columns_read(dataset.features, module), *labels}
    return [name for name in columns if name in names]


def compute(
    rows: pd.DataFrame, chosen: FeatureSet, module: FeatureModule, *, within: slice = ALL, entity: str | None = None
) -> pd.DataFrame:
    """Return the features of typed rows in time order: numbers as float64, the others as categories.

    Of the rows at the positions `within` alone, where the others are there to be looked back on: by the rows of the
    same `entity`, where that names a column. Raises FeatureError where a feature is infinite, or takes the name of a
    column or of the label.
    """
    groups = _group(rows, entity) if look_back(module) else None
    columns = {name: rows[name] for name in chosen.columns}
    if taken := RESERVED.intersection([*columns, *module.features]):
        raise FeatureError(
            f"{', '.join(sorted(taken))}: the name is taken by Keepfit's own columns; call the feature otherwise"
        )
    for name, each in module.features.items():
        if name in columns:
            raise FeatureError(f"{name}: the name is taken by a column; call the function otherwise")
        columns[name] = each.compute(rows, groups if each.look_back else None)
    # A row that is only looked back on may have nothing to look back on itself: it is no fault of the feature.
    settled = {name: _settle(values.iloc[within]) for name, values in columns.items()}
    return pd.DataFrame(settled, index=rows.index[within], copy=False)


def compute_label(rows: pd.DataFrame, dataset: Dataset, module: FeatureModule) -> pd.Series:
    """Return the labels as float64, NaN where a row has none yet; raise FeatureError.

    A function that makes labels looks ahead within the row's entity, where the dataset has entities. The label of a
    row whose classes have names is the number of its class in `dataset.classes`, from 0.
    """
    if dataset.label in module.labels:
        values = module.labels[dataset.label].compute(rows, _group(rows, dataset.entity))
    elif dataset.label in dataset.columns:
        values = rows[dataset.label]
    else:
        raise FeatureError(
            f"dataset.label: {dataset.label!r} is neither in dataset.columns nor one of the labels of "
            f"features/{dataset.features.module}.py: {', '.join(module.labels) or 'it has none'}"
        )
    if dataset.classes:
        return _number_classes(values, dataset)
    if not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)):
        raise FeatureError(f"dataset.label: {dataset.label!r} is not a number; name its classes in dataset.classes")
    return values.astype(float)


def assemble(rows: pd.DataFrame, dataset: Dataset, module: FeatureModule, *, within: slice = ALL) -> pd.DataFrame:
    """Return the table that models learn from: time, keys, features, label; of the rows at `within` alone."""
    features = compute(rows, dataset.features, module, within=within, entity=dataset.entity)
    identity = [name for name in dict.fromkeys([dataset.time, *dataset.keys]) if name not in features]
    labels = compute_label(rows, dataset, module).rename(LABEL)
    return pd.concat([rows[identity].iloc[within], features, labels.iloc[within]], axis=1)


def _group(rows: pd.DataFrame, entity: str | None) -> Groups | None:
    return None if entity is None else group(number_entities(rows[entity]))


def _number_classes(values: pd.Series, dataset: Dataset) -> pd.Series:
    names = values.astype("object").map(as_text, na_action="ignore")
    if unknown := sorted(set(names.dropna().unique()) - set(dataset.classes)):
        raise FeatureError(
            f"dataset.label: {dataset.label!r} has the values {', '.join(unknown[:5])}; "
            f"allowed: dataset.classes: {', '.join(dataset.classes)}"
        )
    return names.map({name: float(number) for number, name in enumerate(dataset.classes)}).astype(float)


def _settle(values: pd.Series) -> pd.Series:
    if not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)):
        return values.astype("category")
    numbers = values.astype(float)
    if (infinite := np.isinf(numbers)).any():
        raise FeatureError(f"{values.name}: infinite in {infinite.sum()} rows, the first at {infinite.idxmax()}")
    return numbers
