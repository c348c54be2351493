"""Drift summary: the lines that an operator reads after a check, from its report."""

from typing import Any

Line = tuple[str, str]


def tell(said: dict[str, Any]) -> list[Line]:
    """Return the lines that an operator reads; a check that was cut short has a verdict and no more."""
    lines = [("verdict", f"{said['verdict']}: {said['why']}"), ("action", said["action"])]
    lines += _tell_log(said.get("log"))
    if "champion" not in said:
        return lines
    champion, batch = said["champion"], said["batch"]
    lines.append(("champion", f"{champion['version']}, learned up to {champion['trained_until']}"))
    if batch["rows"]:
        newer = f"{batch['rows']:,} from {batch['first']} to {batch['last']}, {batch['labelled']:,} with their outcome"
        lines.append(("newer rows", newer))
    if window := said["window"]:
        lines.append(
            ("judged", f"the newest window, {window['rows']:,} rows from {window['first']} to {window['last']}")
        )
    lines += _tell_loss(said["performance"])
    lines += [("  alarm", _tell_check(each)) for each in said["checks"] if each["alarm"]][:8]
    if drifted := [each["feature"] for each in said["features"]]:
        lines.append(("furthest out", ", ".join(drifted)))
    if few := {each["support"] for each in said["checks"]} - {"history"}:
        lines.append(("thresholds", _tell_support(few, said)))
    return lines


def _tell_log(said: dict[str, Any] | None) -> list[Line]:
    if said is None:
        return []
    delay = "".join(f", {name} {_tell_time(seconds)} later" for name, seconds in said["delay"].items())
    lines = [("served rows", f"{said['rows']:,}, {said['coverage']:.1%} with their outcome{delay}")]
    if left_out := [f"{count:,} {why}" for why, count in said["left_out"].items()]:
        lines.append(("left out", ", ".join(left_out)))
    return lines


def _tell_time(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} seconds"


def _tell_loss(said: dict[str, Any]) -> list[Line]:
    if not said:
        return []
    estimate = said["estimate"]
    usual = f"{said['reference']:.4g} in training's own test rows"
    lines = []
    if measured := said.get("measured"):
        span = f"({measured['low']:.4g} to {measured['high']:.4g})"
        lines.append((said["metric"], f"{measured['loss']:.4g} {span}, {usual}"))
    if estimate["low"] is not None:
        span = f"({estimate['low']:.4g} to {estimate['high']:.4g})"
        lines.append(("  estimate", f"{estimate['loss']:.4g} {span} from the scores alone, without outcomes"))
    return lines


def _tell_check(said: dict[str, Any]) -> str:
    if said["threshold"] is None or said["statistic"] is None:
        return f"{said['check']}: p {said['test']['p_value']:.3g} ({said['action']})"
    bar = f"{said['statistic']:.4g}, threshold {said['threshold']:.4g}, p {said['p_value']:.3g}"
    return f"{said['check']}: {bar} ({said['action']})"


def _tell_support(few: set[str], said: dict[str, Any]) -> str:
    windows, chance = said["reference"]["windows"], said["chance_a_window"]
    how = "the corrected p-values of the tests" if "none" in few else "a t distribution through them"
    return f"the history has {windows} windows, too few for a chance of {chance:.3g} a window; {how} is used instead"
