"""Compiler: a champion's fitted pipeline and feature functions as a plan and its trees."""

from typing import TYPE_CHECKING

from keepfit.compiled.estimators import read_estimator
from keepfit.compiled.plan import Plan
from keepfit.compiled.prepare import NotCompilable, read_preparation
from keepfit.compiled.trace import follow
from keepfit.compiled.trees import Forest
from keepfit.features import load_module

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


def _refuse_times(request: "Request") -> None:
    # A time that is used as it is becomes a category of its own text.
    if times := [name for name in request.used_as_they_are if request.columns[name].type == "datetime"]:
        raise NotCompilable(f"{', '.join(times)}: a time that is a feature")
