"""Summary: what a run did, in lines that a person understands."""

from pathlib import Path
from typing import Any

from keepfit.files import read_json
from keepfit.settings import Settings

Line = tuple[str, str]


def summarise(settings: Settings, reports: Path) -> list[Line]:
    """Return the lines of the closing table from the reports of a finished run."""
    read = {name: read_json(reports / f"{name}.json") or {} for name in ("ingest", "validation", "metrics", "gate")}
    name = settings.dataset.name
    return [
        ("question", settings.objective.question),
        *_describe_rows(read["ingest"], read["validation"], settings),
        *_describe_metrics(read["metrics"], read["gate"], settings),
        *_describe_gate(read["gate"]),
        ("package", f"models/{name}/bento" if read["gate"]["champion"] else "none: there is no champion yet"),
        ("next", "dvc plots show --open   dvc exp run -S model=random_forest   dvc exp show --only-changed"),
        ("", "make serve"),
    ]


def _describe_rows(ingest: dict[str, Any], validation: dict[str, Any], settings: Settings) -> list[Line]:
    reasons = ", ".join(f"{reason} ({count})" for reason, count in validation.get("reasons", {}).items())
    aside = f"{validation['quarantined']:,} ({validation['share_quarantined']:.2%})"
    return [
        ("rows in", f"{ingest['rows']:,}{_span(ingest, settings)}"),
        ("quarantined", f"{aside}{': ' + reasons if reasons else ''}"),
    ]


def _describe_metrics(metrics: dict[str, Any], gate: dict[str, Any], settings: Settings) -> list[Line]:
    loss = settings.objective.metric
    rivals = {"challenger": metrics["challenger"], "naive baseline": metrics["naive"]}
    if gate.get("champion_metrics"):
        rivals["old champion"] = gate["champion_metrics"]
    shown = [name for name in (loss, "roc_auc", "accuracy", "r2", "cost") if name in metrics["challenger"]]
    part = f" of {metrics['sampled_from']:,}" if "sampled_from" in metrics else ""
    head = f"{metrics['rows']:,}{part} rows{_span(metrics, settings)}"
    lines = [("model", metrics["model"]), ("holdout", head)]
    for who, values in rivals.items():
        text = "   ".join(f"{name} {values[name]:.4g}" for name in dict.fromkeys(shown) if name in values)
        interval = (
            f"   ({loss} {values[f'{loss}_low']:.4g} to {values[f'{loss}_high']:.4g})" if who == "challenger" else ""
        )
        lines.append((f"  {who}", text + interval))
    return [*lines, ("  cost in", settings.objective.unit)]


def _describe_gate(gate: dict[str, Any]) -> list[Line]:
    champion = gate["champion"]["version"] if gate["champion"] else "none yet"
    if gate["replaced"]:
        said = f"promoted {champion}"
    elif gate["decision"] == "promote":
        said = f"would promote {gate['challenger']['version']}, but an experiment never does; champion: {champion}"
    else:
        said = f"refused {gate['challenger']['version']}; champion: {champion}"
    return [("gate", said), ("  why", gate["why"])]


def _span(window: dict[str, Any], settings: Settings) -> str:
    if not settings.dataset.has_time:
        return ", in the order of the table"
    return f" from {_day(window['first'])} to {_day(window['last'])}"


def _day(moment: str) -> str:
    return moment.partition(" ")[0]
