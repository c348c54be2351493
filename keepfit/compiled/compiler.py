"""Compiler: a champion's fitted pipeline and feature functions as a plan and its trees."""

from typing import TYPE_CHECKING

from keepfit.compiled.estimators import read_estimator
from keepfit.compiled.expression import Untraceable, trace
from keepfit.compiled.plan import Plan
from keepfit.compiled.prepare import NotCompilable, read_preparation
from keepfit.compiled.trees import Forest
from keepfit.features import FeatureModule, load_module

if TYPE_CHECKING:
    from keepfit.bundle import Bundle
    from keepfit.passport import Request


def compile_bundle(bundle: "Bundle") -> tuple[Plan, Forest | None]:
    """Return the plan of a champion, and its trees where it has any; raise NotCompilable."""
    passport = bundle.passport
    _refuse_times(passport.request)
    numbers, categories = read_preparation(bundle.model, passport.features)
    width = len(numbers) + sum(len(each.unknown) for each in categories)
    model = bundle.model.named_steps["model"]
    estimate, forest = read_estimator(model, passport.task, columns=width, classes=len(passport.classes))
    expressions, untraced = follow(passport.request, passport.features, load_module(passport.request.module))
    plan = Plan(
        columns=tuple(passport.request.columns),
        features=passport.features,
        look_back=passport.request.look_back,
        expressions=expressions,
        untraced=untraced,
        numbers=tuple(numbers),
        categories=tuple(categories),
        estimate=estimate,
    )
    return plan, forest


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


def _refuse_times(request: "Request") -> None:
    # A time that is used as it is becomes a category of its own text.
    if times := [name for name in request.used_as_they_are if request.columns[name].type == "datetime"]:
        raise NotCompilable(f"{', '.join(times)}: a time that is a feature")
