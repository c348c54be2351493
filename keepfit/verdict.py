"""Verdict: what the alarms mean, and what follows from them."""

from typing import Literal, get_args

from keepfit.monitoring import Drift, Performance
from keepfit.quality import Rule
from keepfit.section import Section

Verdict = Literal["ok", "data-quality", "drift", "performance", "insufficient-data"]
Action = Literal["none", "alert", "fix-data", "retrain"]
# What `keepfit check` ends with, so that a workflow parses nothing.
STATUS: dict[str, int] = {"none": 0, "alert": 0, "retrain": 3, "fix-data": 4}
TOO_LITTLE = 5


class Ruling(Section):
    """What a check says, what follows, and why, in one sentence."""

    verdict: Verdict
    action: Action
    why: str

    @property
    def status(self) -> int:
        """The exit status of the command."""
        return TOO_LITTLE if self.verdict == "insufficient-data" and self.action == "none" else STATUS[self.action]


def rule(
    drift: Drift, *, broken: list[Rule], alarms: list[str], labelled: bool, windows: int, age: float, since: float
) -> Ruling:
    """Return the ruling on a batch.

    `alarms`: the checks that alarm in k of the newest n windows. `labelled`: whether performance could be measured.
    `windows`: whole windows since training; `age` and `since`: windows since the champion was trained, and since a
    training was last tried.
    """
    if broken:
        told = "; ".join(describe(each) for each in broken)
        return Ruling(verdict="data-quality", action="fix-data", why=f"the new rows are broken: {told}")
    if not windows:
        return Ruling(
            verdict="insufficient-data", action="none", why=f"no whole window of {drift.window} since the training"
        )
    verdict = _verdict(alarms, labelled)
    why = _why(alarms, labelled)
    if drift.max_age is not None and since >= drift.max_age:
        return Ruling(verdict=verdict, action="retrain", why=f"the model is {age:.0f} windows old; {why}")
    if set(alarms) & set(drift.retrain_on):
        if since >= drift.cool_down:
            return Ruling(verdict=verdict, action="retrain", why=why)
        pause = f"{why}; the last training is {since:.0f} windows ago, drift.cool_down is {drift.cool_down}"
        return Ruling(verdict=verdict, action="alert", why=pause)
    return Ruling(verdict=verdict, action="alert" if alarms else "none", why=why)


def describe(broken: Rule) -> str:
    """Return a broken rule as a person would say it."""
    where = f" in {broken.column}" if broken.column else ""
    return f"{broken.rule.replace('_', ' ')}{where} {broken.seen:.3g}, allowed {broken.allowed:.3g}"


def _verdict(alarms: list[str], labelled: bool) -> Verdict:
    if set(alarms) & set(get_args(Performance)):
        return "performance"
    if alarms:
        return "drift"
    return "ok" if labelled else "insufficient-data"


def _why(alarms: list[str], labelled: bool) -> str:
    blind = "" if labelled else ", and too few labels to tell how well the model does"
    if alarms:
        return f"further out than its history allows: {', '.join(alarms)}{blind}"
    return f"nothing is further out than its history allows{blind}"
