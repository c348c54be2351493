"""Trace: feature functions followed once over symbols, as the trees of what they compute for one row."""

from typing import TYPE_CHECKING

from keepfit.compiled.operations import Expression, Kind, Untraceable
from keepfit.compiled.symbol import Symbol
from keepfit.dataset import Column
from keepfit.features import Feature, FeatureModule

if TYPE_CHECKING:
    from keepfit.passport import Request


def follow(
    request: "Request", features: tuple[str, ...], module: FeatureModule
) -> tuple[dict[str, list], dict[str, str]]:
    """Return the expressions of the features that can be traced, and why the others cannot."""
    expressions: dict[str, list] = {}
    untraced: dict[str, str] = {}
    for name in features:
        if name in request.used_as_they_are:
            expressions[name] = ["column", name]
            continue
        try:
            if request.look_back:
                raise Untraceable("the features look back on other rows")
            expressions[name] = trace(module.features[name], request.columns)
        except Untraceable as error:
            untraced[name] = str(error)
    return expressions, untraced


def trace(feature: Feature, columns: dict[str, Column]) -> Expression:
    """Return what a feature computes from one row; raise Untraceable."""
    arguments = [_symbol(name, columns) for name in feature.reads]
    try:
        found = feature.function(*arguments)
    except Untraceable:
        raise
    except Exception as error:
        raise Untraceable(f"{type(error).__name__}: {error}") from error
    if not isinstance(found, Symbol):
        raise Untraceable(f"gives {type(found).__name__}")
    if found.kind == "time":
        raise Untraceable("gives a time")
    return ["float", found.expression] if found.kind == "truth" else found.expression


def _symbol(name: str, columns: dict[str, Column]) -> "Symbol":
    kinds: dict[str, Kind] = {"category": "category", "datetime": "time"}
    return Symbol(["column", name], kinds.get(columns[name].type, "number"))
