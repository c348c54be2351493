"""Calm rows: those of sp500 with their order in time shuffled away, so that nothing can drift.

A champion learns from the first rows of a shuffle; the later ones come in chains of windows, and each chain is
checked as if it were all that came since the training. A change may be put into a chain from one window on.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import yaml

from keepfit.alarms import chance_a_window
from keepfit.batch import score_batch
from keepfit.bundle import Bundle, read_bundle, write_bundle
from keepfit.compose import compose
from keepfit.curves import measure_importance
from keepfit.detectors import load_detectors
from keepfit.drift import Findings, check, judge
from keepfit.evidence import DAYS_A_YEAR, FOLD
from keepfit.examples import Examples
from keepfit.features import LABEL, load_module
from keepfit.files import read_table
from keepfit.monitoring import Drift
from keepfit.profile import draw_profile
from keepfit.provenance import issue_passport
from keepfit.rehearsal import TABLE, VALID, prepare
from keepfit.settings import Settings, check_settings
from keepfit.train import fit

# Chains of windows after each champion; a change comes at the window after the quiet ones.
CHAINS, WINDOWS, QUIET = 2, 12, 4
STRONGEST = 10
# Beside the shipped budget: half of what the peers' 0.05 allows for each of the two alarms.
STRICT = 0.025
NOTHING = pd.Series([], dtype="datetime64[ns]")


@dataclass(frozen=True)
class Change:
    """What is put into the rows: `size` standard deviations of a feature, or that share of the labels."""

    kind: Literal["none", "shift", "flip"]
    size: float = 0.0

    def __str__(self) -> str:
        told = {
            "none": "untouched",
            "shift": f"shift of {self.size:g} sd",
            "flip": f"{self.size:.0%} of labels flipped",
        }
        return told[self.kind]


NONE = Change("none")
CHANGES = (NONE, *(Change("shift", size) for size in (0.25, 0.5, 1.0)), *(Change("flip", s) for s in (0.05, 0.1, 0.2)))


@dataclass(frozen=True)
class Scene:
    """A champion of calm rows, and the table and the raw rows of each chain that follows."""

    number: int
    bundle: Bundle
    settings: Settings
    chains: list[tuple[pd.DataFrame, pd.DataFrame]]

    @property
    def features(self) -> list[str]:
        """The champion's features."""
        return list(self.bundle.passport.features)

    @cached_property
    def strongest(self) -> list[str]:
        """The ten features that the champion leans on most, by permutation on its holdout."""
        rows = self.bundle.reference[self.bundle.reference[FOLD] == "holdout"]
        examples = Examples(rows[self.features], rows[LABEL].to_numpy(), rows[self.settings.dataset.time])
        return list(measure_importance(examples, self.bundle.holdout_model, self.settings).feature[:STRONGEST])

    def feature_of(self, chain: int) -> str:
        """Return the feature that a shift goes into: the ten take turns from chain to chain."""
        return self.strongest[(self.number * CHAINS + chain) % STRONGEST]


def settings_of(dataset: str, *overrides: str) -> Settings:
    """Return the shipped settings of a dataset, without a search and with the scipy backend."""
    chosen = [f"dataset={dataset}", "search=none", "drift.backend=scipy", *overrides]
    return check_settings(yaml.safe_load(compose(Path("conf"), overrides=chosen)), file="conf")


def prepare_rows(folder: Path, dataset: str) -> Path:
    """Write the feature table and the typed raw rows of a whole history, and return their folder."""
    return prepare(folder, settings_of(dataset), None, start=pd.Timestamp(0), step=1).folder


def set_scene(number: int, folder: Path, rows: Path) -> Scene:
    """Shuffle, train and return the scene of this number; the bundle goes into `folder`."""
    settings = settings_of("sp500", "train.jobs=1")
    table, valid = shuffle(read_table(rows / TABLE), read_table(rows / VALID), settings, seed=settings.seed + number)
    later = CHAINS * WINDOWS * int(settings.drift.window)
    early = len(table) - later
    bundle = train(table[:early], valid[:early], settings, folder / f"bundle-{number}")
    starts = range(early, len(table), later // CHAINS)
    cuts = [slice(start, start + later // CHAINS) for start in starts]
    chains = [tuple(frame.iloc[cut].reset_index(drop=True) for frame in (table, valid)) for cut in cuts]
    return Scene(number, bundle, settings, chains)


def shuffle(
    table: pd.DataFrame, valid: pd.DataFrame, settings: Settings, *, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both without incomplete rows, the rows in one random order and the times as they were."""
    whole, time = table.notna().all(axis=1).to_numpy(), settings.dataset.time
    order = np.random.default_rng(seed).permutation(int(whole.sum()))
    kept = [frame[whole].reset_index(drop=True) for frame in (table, valid)]
    mixed = [each.iloc[order].reset_index(drop=True).assign(**{time: each[time]}) for each in kept]
    return mixed[0], mixed[1]


def train(table: pd.DataFrame, valid: pd.DataFrame, settings: Settings, folder: Path) -> Bundle:
    """Train on the table, and return the bundle, written and read back."""
    trained, module = fit(table, settings), load_module(settings.dataset.features.module)
    passport = issue_passport(trained, settings, module, rows="", table="", code="")
    profile = draw_profile(valid, settings.dataset, list(passport.request.columns), settings.drift.window)
    write_bundle(folder, passport, trained, profile)
    return read_bundle(folder)


def inject(scene: Scene, chain: int, change: Change) -> pd.DataFrame:
    """Return the table of a chain with a change in every row after the quiet windows."""
    table, rng = scene.chains[chain][0].copy(), np.random.default_rng([scene.settings.seed, scene.number, chain])
    changed = np.arange(len(table)) >= QUIET * int(scene.settings.drift.window)
    if change.kind == "shift":
        name = scene.feature_of(chain)
        table.loc[changed, name] += change.size * scene.bundle.reference[name].std(ddof=0)
    if change.kind == "flip":
        changed &= rng.uniform(size=len(table)) < change.size
        table.loc[changed, LABEL] = 1 - table.loc[changed, LABEL]
    return table


def sound(scene: Scene, chain: int, table: pd.DataFrame) -> tuple[dict[str, np.ndarray], float]:
    """Return the alarms of each group window by window, at the budget as shipped and at 2.5 %, and the shipped chance.

    The chance is that of an alarm at a window, k of n windows included. One check tells all windows of a chain: an
    alarm depends on no later window.
    """
    batch = score_batch(table, scene.chains[chain][1], scene.bundle, scene.settings, set_aside=NOTHING)
    findings, drift = check(batch, scene.bundle, scene.settings, load_detectors("scipy")), scene.settings.drift
    if len(findings.seen) != WINDOWS:
        raise RuntimeError(f"{len(findings.seen)} of {WINDOWS} windows were checked: {findings.ruling.why}")
    heard = {}
    for name, checks in {"retrain": drift.retrain_on, "alert": drift.alert_on}.items():
        heard[name] = _in_alarm(findings.groups[name].alarms, drift)
        heard[f"{name} at 2.5 %"] = _in_alarm(_judge_strictly(checks, findings, scene), drift)
    return heard, chance_a_window(drift.false_alarms_per_year, findings.days, k=1, n=1)


def _judge_strictly(checks: tuple[str, ...], findings: Findings, scene: Scene) -> pd.DataFrame:
    history, settings = scene.bundle.history, scene.settings
    a_year = STRICT * DAYS_A_YEAR / findings.days
    chance = chance_a_window(a_year, findings.days, k=settings.drift.k, n=settings.drift.of)
    return judge(checks, findings.seen, findings.tests, history, settings, chance=chance).alarms


def _in_alarm(alarms: pd.DataFrame, drift: Drift) -> np.ndarray:
    counts = alarms.rolling(drift.of, min_periods=1).sum()
    return (counts >= drift.k).any(axis=1).to_numpy()
