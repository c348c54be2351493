"""Gate: whether the challenger replaces the champion. It fails closed: no evidence, no promotion."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from keepfit.bootstrap import Blocks, cut_blocks, resample_means
from keepfit.bundle import MODEL, Bundle
from keepfit.errors import KeepfitError
from keepfit.evaluate import Judged
from keepfit.examples import Examples
from keepfit.losses import most_gains, row_losses
from keepfit.metrics import measure, miscalibration
from keepfit.objective import Objective
from keepfit.scores import predict_scores
from keepfit.section import Section
from keepfit.settings import Settings
from keepfit.slices import slice_rows


class Check(Section):
    """One thing that a challenger must show, and what was seen."""

    name: str
    passed: bool
    seen: str


class Decision(Section):
    """The checks in the order they were made, and the champion's metrics on the same rows."""

    checks: tuple[Check, ...]
    champion_metrics: dict[str, float] | None = None

    @property
    def promote(self) -> bool:
        """True where there are checks and the challenger passed every one."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def why(self) -> str:
        """One sentence for a person: what failed, or the comparisons that were won."""
        told = [f"{check.name}: {check.seen}" for check in self.checks if not check.passed]
        if not told:
            rivals = ("against the champion", "beats the naive baseline")
            told = [f"{check.name}: {check.seen}" for check in self.checks if check.name in rivals]
        return "; ".join(told)


def decide(
    judged: Judged,
    challenger: Bundle,
    champion: Bundle | None,
    settings: Settings,
    *,
    measured: dict[str, float] | None = None,
) -> Decision:
    """Return the decision; the champion is scored on the same holdout by a model that has not seen it.

    `measured` are the challenger's metrics on these rows, where they are known already.
    """
    evidence = [*_check_pin(champion, settings), *_check_evidence(judged, challenger, settings)]
    if not all(check.passed for check in evidence):
        return Decision(checks=tuple(evidence))
    labels, objective = judged.rows.labels, settings.objective
    losses = _shortfalls(labels, judged.challenger, objective, threshold=challenger.passport.threshold)
    naive = _shortfalls(labels, judged.naive, objective, threshold=judged.naive_threshold)
    blocks = cut_blocks(judged.rows.times, settings.evaluate.block)
    checks = [
        *evidence,
        *_check_limits(measured or _measure(judged, challenger, settings), settings),
        _check_calibration(judged, settings),
        _check_skill(losses, naive, settings),
        _compare("beats the naive baseline", naive, losses, blocks, settings, require="better"),
    ]
    if champion is None:
        return Decision(checks=(*checks, _check_slices(judged, losses, naive, "naive baseline", settings)))
    if is_same_model(challenger, champion):
        same = Check(name="against the champion", passed=True, seen="the same model, made again by today's recipe")
        return Decision(checks=(*checks, same))
    return _decide_against(champion, checks, judged, losses, blocks, settings)


def is_same_model(one: Bundle, other: Bundle) -> bool:
    """Whether two bundles serve the same bytes by the same threshold, whatever their passports say."""
    first, second = one.passport, other.passport
    return first.files[MODEL] == second.files[MODEL] and first.threshold == second.threshold


def _decide_against(
    champion: Bundle, checks: list[Check], judged: Judged, losses: np.ndarray, blocks: Blocks, settings: Settings
) -> Decision:
    labels, objective, threshold = judged.rows.labels, settings.objective, champion.passport.threshold
    try:
        scores = score_champion(judged.rows, champion, settings)
    except KeepfitError as error:
        return Decision(checks=(*checks, Check(name="champion can be compared", passed=False, seen=str(error))))
    rival = _shortfalls(labels, scores, objective, threshold=threshold)
    return Decision(
        checks=(
            *checks,
            _check_slices(judged, losses, rival, "champion", settings),
            _compare("against the champion", rival, losses, blocks, settings, require=_requirement(settings)),
        ),
        champion_metrics=measure(labels, scores, objective, task=settings.dataset.task, threshold=threshold),
    )


def _shortfalls(labels: np.ndarray, scores: np.ndarray, objective: Objective, *, threshold: float) -> np.ndarray:
    # Differences are those of the losses; shares are of what a decision that earns could have earned, too.
    return row_losses(labels, scores, objective, threshold=threshold) - most_gains(labels, objective)


def score_champion(rows: Examples, champion: Bundle, settings: Settings) -> np.ndarray:
    """Return the champion's scores of these rows, by the newest of its models that never saw them.

    Raises KeepfitError where both saw them, or where a feature it needs is no longer made.
    """
    passport = champion.passport
    dataset = settings.dataset
    asked = (dataset.name, dataset.task, dataset.label, dataset.classes)
    if (passport.dataset, passport.task, passport.label, passport.classes) != asked:
        raise KeepfitError(f"it answers another question: {passport.label!r} of dataset {passport.dataset!r}")
    if gone := [name for name in passport.features if name not in rows.features]:
        raise KeepfitError(f"it needs {', '.join(gone)}: keep the features of the champion until it is replaced")
    first = rows.times.iloc[0]
    if pd.Timestamp(passport.trained_on.last) < first:
        model = champion.model
    elif pd.Timestamp(passport.learned_before_holdout.last) < first:
        model = champion.holdout_model
    else:
        raise KeepfitError(f"it learned from rows that it is judged on, which start at {first}")
    features = rows.features[list(passport.features)]
    scores = predict_scores(model, features, passport.task, classes=len(passport.classes))
    if not np.isfinite(scores).all():
        raise KeepfitError(f"it gave {(~np.isfinite(scores)).sum()} scores that are not finite")
    return scores


def _check_pin(champion: Bundle | None, settings: Settings) -> Iterator[Check]:
    if champion is not None and settings.gate.pinned == champion.passport.version:
        yield Check(
            name="champion is not pinned",
            passed=False,
            seen=f"gate.pinned is {settings.gate.pinned}; `keepfit unpin` lets it be replaced again",
        )


def _check_evidence(judged: Judged, challenger: Bundle, settings: Settings) -> Iterator[Check]:
    gate, scores, rows = settings.gate, judged.challenger, len(judged.rows.labels)
    yield Check(name="enough rows", passed=rows >= gate.min_rows, seen=f"{rows} of {gate.min_rows}")
    blocks = cut_blocks(judged.rows.times, settings.evaluate.block).count
    yield Check(name="enough blocks", passed=blocks >= gate.min_blocks, seen=f"{blocks} of {gate.min_blocks}")
    finite = np.isfinite(scores)
    yield Check(name="scores are finite", passed=bool(finite.all()), seen=f"{int((~finite).sum())} are not")
    # Of several classes each column is looked at: a constant model gives them different probabilities too.
    whole = scores[finite.reshape(rows, -1).all(axis=1)]
    spread = float(np.ptp(whole, axis=0).max()) if len(whole) else 0.0
    yield Check(name="scores vary", passed=spread > 1e-9, seen=f"from lowest to highest {spread:.3g}")
    learned, first = challenger.passport.learned_before_holdout.last, judged.rows.times.iloc[0]
    yield Check(
        name="holdout is unseen",
        passed=pd.Timestamp(learned) < first,
        seen=f"learned up to {learned}, judged from {first}",
    )


def _measure(judged: Judged, challenger: Bundle, settings: Settings) -> dict[str, float]:
    return measure(
        judged.rows.labels,
        judged.challenger,
        settings.objective,
        task=settings.dataset.task,
        threshold=challenger.passport.threshold,
    )


def _check_limits(found: dict[str, float], settings: Settings) -> Iterator[Check]:
    for name, limit in settings.objective.limits.items():
        value = found.get(name, float("nan"))
        yield Check(
            name=f"objective's limit on {name}",
            passed=bool(limit.min <= value <= limit.max),
            seen=f"{value:.4g}, allowed {limit.min:g} to {limit.max:g}",
        )


def _check_calibration(judged: Judged, settings: Settings) -> Check:
    found, bound = (
        miscalibration(judged.rows.labels, judged.challenger, settings.dataset.task),
        settings.gate.max_miscalibration,
    )
    return Check(name="calibration", passed=found <= bound, seen=f"off by {found:.3f}, allowed {bound:g}")


def _check_skill(losses: np.ndarray, naive: np.ndarray, settings: Settings) -> Check:
    skill = 1 - losses.mean() / naive.mean() if naive.mean() > 0 else float("nan")
    return Check(
        name="not too good to be true",
        passed=bool(skill <= settings.gate.max_skill),
        seen=f"saves {skill:.1%} of the naive baseline's loss, more than {settings.gate.max_skill:.0%} is a leak",
    )


def _compare(
    name: str, rival: np.ndarray, losses: np.ndarray, blocks: Blocks, settings: Settings, *, require: str
) -> Check:
    gains = resample_means(rival - losses, blocks, resamples=settings.evaluate.resamples, seed=settings.seed)
    low = float(np.quantile(gains, 1 - settings.gate.confidence))
    needed = 0.0 if require == "better" else -settings.gate.margin * float(rival.mean())
    return Check(
        name=name,
        passed=low > needed,
        seen=f"{settings.objective.metric} better by {float((rival - losses).mean()):+.4f}; with "
        f"{settings.gate.confidence:.0%} confidence by more than {low:+.4f}, needed more than {needed:+.4f}",
    )


def _check_slices(judged: Judged, losses: np.ndarray, rival: np.ndarray, name: str, settings: Settings) -> Check:
    worse = []
    for part in slice_rows(judged.rows.features, settings.objective.slices):
        if part.rows.sum() < settings.gate.slice_min_rows:
            continue
        change = float(losses[part.rows].mean() / max(rival[part.rows].mean(), 1e-12) - 1)
        if not change <= part.tolerance:
            worse.append(f"{part.name} {change:+.1%} (allowed {part.tolerance:+.0%})")
    return Check(name="no slice is worse", passed=not worse, seen=", ".join(worse) or f"none is, against the {name}")


def _requirement(settings: Settings) -> str:
    gate = settings.gate
    return gate.require_after_drift if gate.reason == "drift" else gate.require
