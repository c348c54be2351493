"""Source: a plan as the text of two Python functions over one row, `compute` and `score`."""

from collections.abc import Callable
from functools import partial
from itertools import accumulate, pairwise
from typing import Any

from keepfit.compiled.plan import Category, Number, Plan
from keepfit.compiled.writer import Writer


def make_compute(plan: Plan, pandas_feature: Callable[[str], Callable]) -> Callable:
    """Return `compute(values)`: raw values to a tuple of features; raises FeatureError where one is infinite.

    `pandas_feature(name)` gives a function of all the raw values for a feature that is not traced.
    """
    writer = Writer()
    for place, name in enumerate(plan.columns):
        writer.define(["column", name], f"c{place}")
    if plan.columns:
        writer.lines.append(f"({', '.join(f'c{place}' for place in range(len(plan.columns)))},) = values")
    results = []
    for place, name in enumerate(plan.features):
        if name in plan.untraced:
            function = writer.keep(pandas_feature(name), f"feature{place}")
            writer.lines.append(f"f{place} = {function}(values)")
            results.append(f"f{place}")
        else:
            results.append(writer.write(plan.expressions[name]))
    categories = {each.feature for each in plan.categories}
    named = enumerate(zip(plan.features, results, strict=True))
    numbers = [each for place, each in named if place not in categories]
    if numbers:
        asked = " or ".join(dict.fromkeys(f"isinf({result})" for _, result in numbers))
        told = ", ".join(f"**{{{name!r}: {result}}}" for name, result in numbers)
        writer.lines.append(f"if {asked}: refuse_infinite({told})")
    writer.lines.append(f"return ({', '.join(results)},)")
    return writer.finish("def compute(values):", "compute")


def make_score(plan: Plan, sum_prepared: Callable, finish: Callable) -> Callable:
    """Return `score(features)`: a tuple of features to a score, or a list of one for each class.

    `sum_prepared(*numbers)` sums over the trees; `finish` makes a score of a sum, or several of a list of them.
    """
    writer = Writer()
    used = {number.feature for number in plan.numbers} | {category.feature for category in plan.categories}
    names = [f"f{place}" if place in used else "_" for place in range(len(plan.features))]
    writer.lines.append(f"({', '.join(names)},) = features")
    prepared = [_write_number(writer, number) for number in plan.numbers]
    writer.keep(finish, "finish")
    if plan.estimate.kind == "forest":
        for category in plan.categories:
            prepared += _write_category(writer, category)
        writer.keep(sum_prepared, "sum_prepared")
        writer.lines.append(f"return finish(sum_prepared({', '.join(prepared)}))")
    else:
        sums = [_write_sum(writer, plan, output, prepared) for output in range(len(plan.estimate.start))]
        writer.lines.append(f"return finish({sums[0] if len(sums) == 1 else '[' + ', '.join(sums) + ']'})")
    return writer.finish("def score(features):", "score")


def _write_number(writer: Writer, number: Number) -> str:
    variable = f"f{number.feature}"
    if number.impute is not None:
        writer.lines.append(f"if {variable} != {variable}: {variable} = {number.impute!r}")
    if number.mean is not None:
        writer.lines.append(f"{variable} = ({variable} - {number.mean!r}) / {number.scale!r}")
    return variable


def _write_category(writer: Writer, category: Category) -> list[str]:
    place = category.feature
    rows = lookup(category, lambda row: row[0] if len(row) == 1 else row)
    get = writer.keep(rows.get, f"table{place}")
    other = writer.keep(category.unknown[0] if len(category.unknown) == 1 else category.unknown, f"unknown{place}")
    writer.lines.append(f"k{place} = {get}(f{place}, {other})")
    return [f"k{place}" if len(category.unknown) == 1 else f"*k{place}"]


def lookup(category: Category, convert: Callable[[tuple[float, ...]], Any]) -> dict[str | None, Any]:
    """Return what each text, and None, becomes."""
    return {**{text: convert(row) for text, row in category.table.items()}, None: convert(category.missing)}


def _write_sum(writer: Writer, plan: Plan, output: int, prepared: list[str]) -> str:
    terms = [repr(plan.estimate.start[output])]
    if plan.estimate.kind == "linear":
        coefficients = plan.estimate.coefficients[output]
        terms += [f"{weight!r} * {name}" for weight, name in zip(coefficients, prepared, strict=False)]
        for category, weights in zip(plan.categories, category_weights(plan, output), strict=True):
            place = f"{category.feature}_{output}"
            get = writer.keep(lookup(category, partial(weigh, weights)).get, f"weight{place}")
            other = writer.keep(weigh(weights, category.unknown), f"unknown{place}")
            terms.append(f"{get}(f{category.feature}, {other})")
    return " + ".join(terms)


def category_weights(plan: Plan, output: int) -> list[tuple[float, ...]]:
    """Return the coefficients of each category's numbers, which follow those of the numbers."""
    coefficients = plan.estimate.coefficients[output]
    ends = list(accumulate((len(each.unknown) for each in plan.categories), initial=len(plan.numbers)))
    return [coefficients[start:end] for start, end in pairwise(ends)]


def weigh(weights: tuple[float, ...], row: tuple[float, ...]) -> float:
    """Return the sum of the products, the first first."""
    total = 0.0
    for value, weight in zip(row, weights, strict=True):
        total += value * weight
    return total
