"""Scaffold: a proposal as the YAML and Python files that a person goes on editing."""

import json
import re
from dataclasses import replace
from typing import Any

from keepfit.dataset import Column
from keepfit.objective import ClassCost, DecisionCost
from keepfit.propose import Proposal

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What YAML 1.1 reads as something else than text.
WORDS = {"y", "n", "yes", "no", "true", "false", "on", "off", "null", "nan", "inf"}
# Characters that YAML takes only by their number, or for the end of a line.
UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
WIDTH = 100


def write_value(value: Any) -> str:
    """Return a scalar as YAML that every reader takes for the same value; text with `${` is no interpolation."""
    return _quote(_escape(value)) if isinstance(value, str) and "${" in value else write_key(value)


def write_key(value: Any) -> str:
    """Return a key as YAML; OmegaConf looks for interpolations in values alone."""
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return value if PLAIN.fullmatch(value) and value.lower() not in WORDS else _quote(value)


def _quote(text: str) -> str:
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def _escape(text: str) -> str:
    # OmegaConf halves the backslashes before an interpolation, and no others.
    return re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + "\\${", text)


def write_list(values: tuple[Any, ...], *, indent: int) -> str:
    """Return a list in flow style, or one item a line where it is long."""
    flow = f"[{', '.join(map(write_value, values))}]"
    if len(flow) <= WIDTH:
        return flow
    return "".join(f"\n{' ' * indent}- {write_value(value)}" for value in values)


def write_dataset(proposal: Proposal, *, origin: str) -> str:
    """Return the text of `conf/dataset/NAME.yaml`."""
    dataset = proposal.dataset
    values = dataset.source.model_dump(exclude_none=True)
    source = {"kind": values.pop("kind"), **values}
    left_out = [each for each in proposal.choices if each.role == "left out"]
    lines = [
        f"# What `keepfit init` saw in {origin}. Every line is a proposal: read it, and mend what is wrong.",
        f"name: {write_value(dataset.name)}",
        "# binary, multiclass or regression",
        f"task: {dataset.task}",
        f"source: {{{', '.join(f'{key}: {write_value(value)}' for key, value in source.items())}}}",
        "# The data cut-off, such as 2025-12-31. null takes all rows there are.",
        "until: null",
        "# Whether the newest rows may be gone at the next ingest.",
        "may_go_backwards: false",
        *(
            []
            if dataset.has_time
            else ["# The table has no time: its rows are numbered, and each counts for one D(ay), h(our) or s(econd)."]
        ),
        f"time: {write_value(dataset.time)}",
        "# Whether a row earlier than the one before it is an error.",
        f"ordered: {write_value(dataset.ordered)}",
        "# How old the newest row may be, such as 7D; null where that does not matter.",
        "freshness: null",
        "# The columns that tell rows apart; a row that repeats them is set aside.",
        f"keys: {write_list(dataset.keys, indent=2)}",
        "# Ranges are half as wide again as what was seen; a row outside is set aside.",
        "columns:",
        *(f"  {write_key(name)}: {_write_column(column)}" for name, column in dataset.columns.items()),
        "features:",
        "  # The file of features/ with functions of your own; as_is has none.",
        f"  module: {dataset.features.module}",
        "  # Columns that are features as they are.",
        f"  columns: {write_list(dataset.features.columns, indent=4)}",
        *(["# Left out:"] if left_out else []),
        *(f"#   {write_key(each.column)}: {each.why}" for each in left_out),
        f"label: {write_value(dataset.label)}",
        *(_write_classes(dataset.classes)),
        "# How long after its row a label is known: 0, rows, or a length of time such as 7D. Splits keep it clear.",
        f"horizon: {write_value(dataset.horizon)}",
        "splits:",
        "  # The newest labelled rows, which no model learns from before it is judged: rows, or a length such as 56D.",
        f"  holdout: {write_value(dataset.splits.holdout)}",
        "  # Rows this close together are drawn as one when intervals are made.",
        f"  block: {write_value(dataset.splits.block)}",
        "  # New rows are checked for drift in batches of about this many: rows, or a length such as 7D.",
        f"  batch: {write_value(dataset.splits.batch)}",
    ]
    return "\n".join(lines) + "\n"


def write_objective(proposal: Proposal) -> str:
    """Return the text of `conf/objective/NAME.yaml`."""
    objective, task = proposal.objective, proposal.dataset.task
    metrics = "absolute_error, squared_error or cost" if task == "regression" else "log_loss, brier or cost"
    slices = next((each for each in proposal.choices if each.role == "feature" and each.kind == "category"), None)
    example = write_value(slices.column) if slices else "a_feature"
    lines = [
        "# What success means. The defaults know nothing of your business: put your own numbers in.",
        f"question: {write_value(objective.question)}",
        f"# The loss that decides between two models: {metrics}.",
        f"metric: {objective.metric}",
        f"# Where a metric must lie on the holdout, such as {{{_example_limit(task)}}}; outside, no model is let in.",
        "limits: {}",
        *_write_cost(objective.cost),
        "# What the cost is counted in, such as dollars a customer.",
        f"unit: {write_value(objective.unit)}",
        f"# Parts that may not get worse by more than a share, such as [{{column: {example}, tolerance: 0.1}}].",
        "slices: []",
    ]
    return "\n".join(lines) + "\n"


def write_features(proposal: Proposal) -> str:
    """Return the text of `features/NAME.py`, with one feature to start from."""
    numbers = [
        each.column
        for each in proposal.choices
        if each.role == "feature" and each.kind in ("int", "float") and each.column.isidentifier()
    ]
    lines = [
        f'"""{proposal.dataset.name}: features of its own."""',
        "",
        "from keepfit.features import feature",
        *(line for each in numbers[:1] for line in _example_feature(each)),
    ]
    return "\n".join(lines) + "\n"


def _example_feature(column: str) -> list[str]:
    return [
        *("", "", "@feature()", f"def {column}_is_missing({column}):"),
        f'    """Whether {column} is missing."""',
        f"    return {column}.isna().astype(float)",
    ]


def _write_column(column: Column) -> str:
    values = column.model_dump(exclude_defaults=True)
    pairs = {"type": column.type, **values}
    written = {key: _write_levels(value) if key == "allowed" else write_value(value) for key, value in pairs.items()}
    return f"{{{', '.join(f'{key}: {value}' for key, value in written.items())}}}"


def _write_levels(levels: tuple[str, ...]) -> str:
    # A level is text even where it looks like a number.
    return f"[{', '.join(write_value(level) for level in levels)}]"


def _write_classes(classes: tuple[str, ...]) -> list[str]:
    if not classes:
        return []
    said = "of two, the second is the yes" if len(classes) == 2 else "they have no order"
    return [f"# The classes of the label; {said}.", f"classes: {write_list(classes, indent=2)}"]


def _write_cost(cost: Any) -> list[str]:
    if isinstance(cost, DecisionCost):
        return [
            "# What each outcome costs. A missed yes is worth the ratio of no to yes in the table: a guess.",
            f"cost: {{false_positive: {write_value(cost.false_positive)}, "
            f"false_negative: {write_value(cost.false_negative)}}}",
        ]
    if isinstance(cost, ClassCost):
        return [
            "# What it costs to take a row of each class for another: one number, or one for each class that it",
            "# is taken for, such as {rain: {sun: 5, snow: 1}, …}. In the order of dataset.classes.",
            "cost:",
            "  mistakes:",
            *(f"    {write_key(name)}: {write_value(price)}" for name, price in cost.mistakes.items()),
        ]
    return [
        "# What a prediction costs that is one unit too high, and one that is one unit too low.",
        f"cost: {{over: {write_value(cost.over)}, under: {write_value(cost.under)}}}",
    ]


def _example_limit(task: str) -> str:
    return "r2: {min: 0.3}" if task == "regression" else "roc_auc: {min: 0.6, max: 0.97}"


def with_module(proposal: Proposal) -> Proposal:
    """Return the proposal with a feature module of its own."""
    dataset = proposal.dataset
    module = dataset.features.model_copy(update={"module": dataset.name})
    return replace(proposal, dataset=dataset.model_copy(update={"features": module}))
