"""Power: how often, and how soon, a change is heard, by Keepfit and by two peers on the same windows."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import peers
from benchmarks.calm import CHAINS, CHANGES, NONE, QUIET, WINDOWS, Change, Scene, inject, set_scene, sound
from keepfit.progress import progress

WITHIN = (1, 4, 8)
CONFIDENCE = 0.95


def watch(
    number: int, folder: Path, rows: Path, *, changes: tuple[Change, ...], beside: bool
) -> tuple[pd.DataFrame, float]:
    """Return the alarm of each tool at each window of a scene's chains under each change, and the shipped chance.

    `beside`: whether the peers are asked too. Evidently is slow: the windows of the first chain alone are left
    for it in `folder`.
    """
    scene, told, chance = set_scene(number, folder, rows), [], 0.0
    ask = peers.tabular_drift(scene) if beside else None
    for chain in range(CHAINS):
        for change in changes:
            table = inject(scene, chain, change)
            heard, chance = sound(scene, chain, table)
            if ask:
                heard["alibi-detect TabularDrift"] = ask(table)
            if beside and not chain:
                place = folder / peers.place_of(number, chain, str(change))
                peers.leave_windows(place, scene, table, skip=0 if change == NONE else QUIET)
            told.append(_rows(scene, chain, change, heard))
    return pd.concat(told, ignore_index=True), chance


def _rows(scene: Scene, chain: int, change: Change, heard: dict[str, np.ndarray]) -> pd.DataFrame:
    wide = pd.DataFrame(heard).assign(champion=scene.number, chain=chain, change=str(change), window=range(WINDOWS))
    keys = ["champion", "chain", "change", "window"]
    return wide.melt(id_vars=keys, var_name="tool", value_name="alarm")


def watch_all(
    champions: int, folder: Path, rows: Path, *, changes: tuple[Change, ...], beside: bool
) -> tuple[pd.DataFrame, float]:
    """Return what `watch` returns of all champions; two processes, one champion at a time each."""
    look = partial(watch, folder=folder, rows=rows, changes=changes, beside=beside)
    found = []
    with (
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool,
        progress("checking champions", champions) as advance,
    ):
        for each in pool.map(look, range(champions)):
            found.append(each)
            advance()
    return pd.concat([alarms for alarms, _ in found], ignore_index=True), found[0][1]


def summarise_calm(alarms: pd.DataFrame, budgets: dict[str, float]) -> list[dict[str, Any]]:
    """Return, for each alarm and its chance a window, how often it sounded on untouched rows."""
    told = []
    for tool, chance in budgets.items():
        mine = alarms[(alarms.tool == tool) & (alarms.change == str(NONE))]
        first = mine[mine.window == 0]
        champions = mine.groupby("champion").alarm.mean()
        interval = binomial_interval(mine.alarm)
        told.append(
            {
                "alarm": tool,
                "chance": chance,
                "windows": len(mine),
                "share": float(mine.alarm.mean()),
                "interval": interval,
                "within": interval[0] <= chance,
                "chain_starts": len(first),
                "share_at_start": float(first.alarm.mean()),
                "interval_at_start": binomial_interval(first.alarm),
                "champions": len(champions),
                "interval_by_champion": _interval_of_mean(champions),
                "share_by_window": [float(each) for each in mine.groupby("window").alarm.mean()],
            }
        )
    return told


def binomial_interval(alarms: pd.Series) -> list[float]:
    """Return the exact two-sided interval (Clopper and Pearson, 1934) of the share of alarms."""
    from scipy.stats import binomtest

    found = binomtest(int(alarms.sum()), len(alarms)).proportion_ci(CONFIDENCE)
    return [float(found.low), float(found.high)]


def _interval_of_mean(shares: pd.Series) -> list[float]:
    from scipy.stats import t

    reach = t(len(shares) - 1).isf((1 - CONFIDENCE) / 2) * shares.sem() if len(shares) > 1 else float("inf")
    return [max(float(shares.mean() - reach), 0.0), min(float(shares.mean() + reach), 1.0)]


def add_either(alarms: pd.DataFrame) -> pd.DataFrame:
    """Return the alarms with Keepfit's: retrain or alert, at the budget as shipped and at 2.5 % for each of them."""
    keys = ["champion", "chain", "change", "window"]
    told = [alarms]
    for name, parts in {
        "keepfit, retrain or alert": ["retrain", "alert"],
        "keepfit at 2.5 % each": ["retrain at 2.5 %", "alert at 2.5 %"],
    }.items():
        either = alarms[alarms.tool.isin(parts)].groupby(keys, as_index=False).alarm.any()
        told.append(either.assign(tool=name))
    return pd.concat(told, ignore_index=True)


def summarise_power(alarms: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a row for each tool and change: share of chains heard within 1, 4 and 8 windows, and the median delay.

    The delay counts windows, 1 for the first changed one; None where half of the chains were not heard.
    """
    told = []
    order = [str(change) for change in CHANGES]
    for (tool, change), mine in alarms.groupby(["tool", "change"], sort=False):
        changed = mine[mine.window >= QUIET].pivot_table(
            index=["champion", "chain"], columns="window", values="alarm", aggfunc="any"
        )
        heard = changed.to_numpy(dtype=bool)
        delays = np.where(heard.any(axis=1), heard.argmax(axis=1) + 1, np.inf)
        untouched = alarms[(alarms.tool == tool) & (alarms.change == str(NONE))]
        told.append(
            {
                "tool": tool,
                "change": change,
                "chains": len(delays),
                **{f"within_{count}": float((delays <= count).mean()) for count in WITHIN},
                "median_delay": None if np.isinf(np.median(delays)) else float(np.median(delays)),
                "false_alarms": float(untouched.alarm.mean()),
            }
        )
    return sorted(told, key=lambda row: (order.index(row["change"]), row["tool"]))
