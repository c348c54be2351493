"""Preparation: a fitted ColumnTransformer, as keepfit/estimator.py builds it, as plain numbers and tables."""

from typing import Any

import numpy as np
import pandas as pd

from keepfit.compiled.plan import Category, Number

# No text of a table begins with it.
UNKNOWN = "\0unknown"


class NotCompilable(Exception):
    """A model has a part that has no compiled form."""


def read_preparation(pipeline: Any, features: tuple[str, ...]) -> tuple[list[Number], list[Category]]:
    """Return the numbers and the categories that reach the model, in their order; raise NotCompilable."""
    names = [name for name, _ in pipeline.steps]
    if names not in (["prepare", "model"], ["prepare", "select", "model"]):
        raise NotCompilable(f"a pipeline of {', '.join(names)}")
    numbers: list[Number] = []
    categories: list[Category] = []
    for name, step, columns in pipeline.named_steps["prepare"].transformers_:
        places = [features.index(column) for column in columns] if name != "remainder" else []
        if name == "numbers" and places:
            numbers = _read_numbers(step, places)
        elif name == "categories" and places:
            categories = _read_categories(step, list(columns), places)
        elif places:
            raise NotCompilable(f"a preparation named {name}")
    return _select(pipeline, numbers, categories)


def _read_numbers(step: Any, places: list[int]) -> list[Number]:
    parts = [each for _, each in step.steps] if hasattr(step, "steps") else [step]
    values: list[dict[str, float]] = [{} for _ in places]
    for part in parts:
        match type(part).__name__:
            case "SimpleImputer" if not part.add_indicator and len(part.statistics_) == len(places):
                learned = {"impute": part.statistics_}
            case "StandardScaler" if part.with_mean and part.with_std:
                learned = {"mean": part.mean_, "scale": part.scale_}
            case "FunctionTransformer" if part.func is None:
                learned = {}
            case "str" if part == "passthrough":
                learned = {}
            case other:
                raise NotCompilable(f"a preparation of numbers by {other}")
        for name, column in learned.items():
            for each, value in zip(values, column, strict=True):
                each[name] = float(value)
    return [Number(feature=place, **each) for place, each in zip(places, values, strict=True)]


def _read_categories(encoder: Any, names: list[str], places: list[int]) -> list[Category]:
    if type(encoder).__name__ not in ("OneHotEncoder", "OrdinalEncoder", "TargetEncoder"):
        raise NotCompilable(f"a preparation of categories by {type(encoder).__name__}")
    known = [[each for each in found if isinstance(each, str)] for found in encoder.categories_]
    widths = _widths(encoder, len(names))
    ends = np.cumsum(widths)
    found = []
    for place, texts, end, width in zip(places, known, ends, widths, strict=True):
        number = places.index(place)
        # What the encoder itself gives for each text it knows, for one that it does not, and for none.
        asked = pd.DataFrame({name: [*texts, UNKNOWN, np.nan] for name in names}, dtype=object)
        for other, name in enumerate(names):
            if other != number:
                asked[name] = known[other][0] if known[other] else np.nan
        rows = [tuple(map(float, row)) for row in np.asarray(encoder.transform(asked))[:, end - width : end]]
        table = dict(zip(texts, rows, strict=False))
        found.append(Category(feature=place, table=table, unknown=rows[-2], missing=rows[-1]))
    return found


def _widths(encoder: Any, count: int) -> list[int]:
    match type(encoder).__name__:
        case "OneHotEncoder":
            return [int(each) for each in encoder._n_features_outs]
        case "TargetEncoder" if encoder.target_type_ == "multiclass":
            return [len(encoder.classes_)] * count
    return [1] * count


def _select(pipeline: Any, numbers: list[Number], categories: list[Category]) -> tuple[list[Number], list[Category]]:
    if "select" not in pipeline.named_steps:
        return numbers, categories
    kept = pipeline.named_steps["select"].get_support()
    chosen = [each for each, keep in zip(numbers, kept, strict=False) if keep]
    first, narrowed = len(numbers), []
    for each in categories:
        mask = kept[first : first + len(each.unknown)]
        first += len(each.unknown)
        narrowed.append(
            each.model_copy(
                update={
                    "table": {text: _pick(row, mask) for text, row in each.table.items()},
                    "unknown": _pick(each.unknown, mask),
                    "missing": _pick(each.missing, mask),
                }
            )
        )
    return chosen, narrowed


def _pick(row: tuple[float, ...], mask: np.ndarray) -> tuple[float, ...]:
    return tuple(value for value, keep in zip(row, mask, strict=True) if keep)
