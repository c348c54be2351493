"""Matrix: a frame of features as prepared numbers, and the sums of a plan over its rows."""

from typing import TYPE_CHECKING

import numpy as np

from keepfit.compiled.plan import Category, Plan
from keepfit.compiled.source import category_weights, weigh

if TYPE_CHECKING:
    import pandas as pd

    from keepfit.compiled.trees import Forest


def sum_rows(plan: Plan, forest: "Forest | None", features: "pd.DataFrame") -> np.ndarray:
    """Return the sums (n, scores) that the link makes scores of, added in the order in which one row's are."""
    estimate = plan.estimate
    if forest is not None:
        return forest.sum_rows(_prepare(plan, features), np.array(estimate.start))
    sums = np.empty((len(features), len(estimate.start)))
    sums[:] = estimate.start
    if estimate.kind == "linear":
        for output, weights in enumerate(estimate.coefficients):
            _add_products(plan, features, output, weights, sums[:, output])
    return sums


def _prepare(plan: Plan, features: "pd.DataFrame") -> np.ndarray:
    width = len(plan.numbers) + sum(len(each.unknown) for each in plan.categories)
    # As scikit-learn's trees take it, by way of 32 bits; column by column, as it is filled.
    dtype = np.float32 if plan.estimate.rounds else np.float64
    prepared = np.empty((len(features), width), dtype=dtype, order="F")
    with np.errstate(over="ignore"):
        for slot, values in enumerate(_numbers(plan, features)):
            prepared[:, slot] = values
    first = len(plan.numbers)
    for category in plan.categories:
        last = first + len(category.unknown)
        rows = np.array([*category.table.values(), category.unknown, category.missing])
        prepared[:, first:last] = rows[_codes(category, features.iloc[:, category.feature])]
        first = last
    if plan.estimate.rounds and np.isinf(prepared).any():
        raise OverflowError("a number that 32 bits cannot hold")
    return prepared.astype(np.float64, copy=False)


def _numbers(plan: Plan, features: "pd.DataFrame"):
    for number in plan.numbers:
        values = features.iloc[:, number.feature].to_numpy(dtype=float)
        if number.impute is not None:
            values = np.where(np.isnan(values), number.impute, values)
        if number.mean is not None:
            values = (values - number.mean) / number.scale
        yield values


def _add_products(plan: Plan, features: "pd.DataFrame", output: int, weights, sums: np.ndarray) -> None:
    for weight, values in zip(weights, _numbers(plan, features), strict=False):
        sums += weight * values
    for category, own in zip(plan.categories, category_weights(plan, output), strict=True):
        rows = [*category.table.values(), category.unknown, category.missing]
        totals = np.array([weigh(own, row) for row in rows])
        sums += totals[_codes(category, features.iloc[:, category.feature])]


def _codes(category: Category, values: "pd.Series") -> np.ndarray:
    # The place of each value in the table, after which come an unknown one and a missing one.
    places = {text: place for place, text in enumerate(category.table)}
    unknown = len(places)
    known = np.array([*(places.get(text, unknown) for text in values.cat.categories), unknown + 1])
    return known[values.cat.codes.to_numpy()]
