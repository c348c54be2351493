"""Card: the model card and the data card of a champion, in Markdown, from its passport and the reports.

The headings are those of Mitchell et al., Model cards for model reporting (2019), as far as a pipeline can fill
them in: what a person must add (who may be harmed, what the model must not be used for) is asked for by name.
"""

from collections.abc import Iterator
from typing import Any

from keepfit.passport import Passport
from keepfit.settings import Settings


def write_card(passport: Passport, gate: dict[str, Any], metrics: dict[str, Any], settings: Settings) -> str:
    """Return the card of the model that the passport is of; equal inputs give equal text."""
    parts = [
        f"# Model card: {passport.dataset} {passport.version}",
        f"**Question.** {settings.objective.question}",
        "## Model",
        _table(_model(passport)),
        "## Data",
        _table(_data(passport)),
        "## Quantitative analysis",
        f"On the holdout, {passport.judged_on.rows:,} rows from {passport.judged_on.first} to "
        f"{passport.judged_on.last}, which neither training nor tuning saw.",
        _metrics(metrics),
        "## Why it was let in",
        f"{gate['why']}",
        _checks(gate),
        "## Intended use, and its limits",
        f"It answers the question above for rows like those named here, and takes a category that it never saw for "
        f"unknown. What decides is {settings.objective.metric}; costs are in {settings.objective.unit}. Whom a wrong "
        f"answer may harm, and what it must not be used for, is for its owner to write down.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _model(passport: Passport) -> Iterator[tuple[str, str]]:
    yield "estimator", f"`{passport.estimator}`"
    yield "parameters", ", ".join(f"{name} {value}" for name, value in passport.params.items()) or "its own defaults"
    yield "decision at", f"{passport.threshold:.4g}" if passport.task == "binary" else "the predicted value"
    yield "features", f"{len(passport.features)}: {', '.join(passport.features)}"
    yield "libraries", ", ".join(f"{name} {version}" for name, version in passport.libraries.items())


def _data(passport: Passport) -> Iterator[tuple[str, str]]:
    window = passport.trained_on
    yield "learned from", f"{window.rows:,} rows from {window.first} to {window.last}"
    if passport.sampled_from is not None:
        yield (
            "sample",
            f"learned from and judged on part of {passport.sampled_from:,} labelled rows: a seeded sample that keeps "
            "each class and each stretch of time at its share (`train.max_rows`)",
        )
    yield "label", f"`{passport.label}`"
    yield "rows (SHA-256)", f"`{passport.inputs.rows}`"
    yield "code (SHA-256)", f"`{passport.inputs.code}`"
    yield "parameters (SHA-256)", f"`{passport.inputs.params}`"
    for name, column in passport.request.columns.items():
        facts = column.model_dump(exclude_none=True, exclude_defaults=True)
        yield f"`{name}`", ", ".join(f"{key} {value}" for key, value in facts.items())


def _metrics(metrics: dict[str, Any]) -> str:
    naive = metrics.get("naive", {})
    rows = [
        (name, f"{value:.4g}", f"{naive[name]:.4g}" if name in naive else "")
        for name, value in metrics.get("challenger", {}).items()
    ]
    lines = [f"| {name} | {ours} | {base} |" for name, ours, base in rows]
    return "\n".join(["| metric | this model | naive baseline |", "| --- | --: | --: |", *lines])


def _checks(gate: dict[str, Any]) -> str:
    lines = [f"| {each['name']} | {'yes' if each['passed'] else 'no'} | {each['seen']} |" for each in gate["checks"]]
    return "\n".join(["| check | passed | seen |", "| --- | --- | --- |", *lines]) if lines else ""


def _table(rows: Iterator[tuple[str, str]]) -> str:
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)])
