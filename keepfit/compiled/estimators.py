"""Estimators: what scikit-learn's fitted models are made of, as sums and a link."""

from typing import Any

import numpy as np

from keepfit.compiled.plan import Estimate, Link
from keepfit.compiled.prepare import NotCompilable
from keepfit.compiled.trees import Forest, boosted_tree, grown_tree, plant
from keepfit.section import Task

FORESTS = ("RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor")
TREES = ("DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor")
BOOSTED = ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")
LINEAR = ("LogisticRegression", "LinearRegression", "Ridge", "Lasso", "ElasticNet", "HuberRegressor", "BayesianRidge")
CONSTANT = ("DummyClassifier", "DummyRegressor")

LINKS: dict[str, Link] = {"IdentityLink": "identity", "LogitLink": "expit", "MultinomialLogit": "softmax"}
TASK_LINKS: dict[Task, Link] = {"binary": "expit", "multiclass": "softmax", "regression": "identity"}


def read_estimator(model: Any, task: Task, *, columns: int, classes: int) -> tuple[Estimate, Forest | None]:
    """Return how a model scores `columns` prepared numbers; raise NotCompilable."""
    kind = type(model).__name__
    if not type(model).__module__.startswith("sklearn."):
        raise NotCompilable(f"{type(model).__module__}.{kind} is none of scikit-learn's")
    several = {"places": _places(model), "classes": classes} if task == "multiclass" else {}
    if task == "binary" and _places(model) != (0, 1):
        raise NotCompilable(f"{kind} knows the classes {_places(model)}")
    if kind in BOOSTED:
        return _read_boosted(model, columns, several)
    if kind in (*FORESTS, *TREES):
        return _read_grown(model, task, columns, several)
    if kind in LINEAR:
        return _read_linear(model, task, several), None
    if kind in CONSTANT:
        return _read_constant(model, task, several), None
    raise NotCompilable(f"{kind} has no compiled form")


def _places(model: Any) -> tuple[int, ...]:
    return tuple(int(each) for each in model.classes_)


def _read_boosted(model: Any, columns: int, several: dict[str, Any]) -> tuple[Estimate, Forest]:
    link = LINKS.get(type(model._loss.link).__name__)
    if link is None:
        raise NotCompilable(f"the link {type(model._loss.link).__name__}")
    every = [(tree.nodes, output) for step in model._predictors for output, tree in enumerate(step)]
    if model.is_categorical_ is not None or any(nodes["is_categorical"].any() for nodes, _ in every):
        raise NotCompilable("splits on categories")
    start = np.ravel(model._baseline_prediction)
    forest = plant([boosted_tree(nodes, output) for nodes, output in every], columns=columns, scores=len(start))
    return Estimate(kind="forest", start=tuple(map(float, start)), link=link, **several), forest


def _read_grown(model: Any, task: Task, columns: int, several: dict[str, Any]) -> tuple[Estimate, Forest]:
    if model.n_outputs_ != 1:
        raise NotCompilable(f"{model.n_outputs_} outputs")
    trees = [each.tree_ for each in getattr(model, "estimators_", [model])]
    # Of two classes, the probability of the second.
    values = [tree.value[:, 0, 1:2] if task == "binary" else tree.value[:, 0, :] for tree in trees]
    scores = values[0].shape[1]
    planted = [grown_tree(tree, each) for tree, each in zip(trees, values, strict=True)]
    estimate = Estimate(kind="forest", start=(0.0,) * scores, link="mean", trees=len(trees), rounds=True, **several)
    return estimate, plant(planted, columns=columns, scores=scores)


def _read_linear(model: Any, task: Task, several: dict[str, Any]) -> Estimate:
    coefficients = np.atleast_2d(model.coef_)
    start = np.broadcast_to(model.intercept_, len(coefficients))
    if task == "multiclass" and len(coefficients) != len(model.classes_):
        raise NotCompilable("several classes from two")
    rows = tuple(tuple(map(float, row)) for row in coefficients)
    return Estimate(kind="linear", start=tuple(map(float, start)), coefficients=rows, link=TASK_LINKS[task], **several)


def _read_constant(model: Any, task: Task, several: dict[str, Any]) -> Estimate:
    if task == "regression":
        return Estimate(kind="constant", start=(float(np.ravel(model.constant_)[0]),))
    if model.strategy != "prior":
        raise NotCompilable(f"DummyClassifier with the strategy {model.strategy}")
    prior = tuple(map(float, model.class_prior_))
    return Estimate(kind="constant", start=prior if task == "multiclass" else prior[1:], **several)
