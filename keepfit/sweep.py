"""Sweep: a declared comparison of models and feature sets, paired on the same out-of-sample rows."""

import json
import re
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import yaml
from pydantic import Field, ValidationError

from keepfit.bootstrap import Blocks, cut_blocks, resample_means
from keepfit.errors import KeepfitError, SettingsError
from keepfit.evidence import FOLD, LOSS
from keepfit.features import LABEL
from keepfit.section import Section
from keepfit.settings import Settings


@dataclass(frozen=True)
class Trial:
    """An experiment of a sweep: its name, what is said of it, and its overrides as `dvc exp run -S` takes them."""

    name: str
    what: str
    overrides: tuple[str, ...]


class Plan(Section):
    """What a sweep compares: each combination of the values of `vary`, with the overrides `always` beside it.

    The values of a key are a list, or a mapping from a name for people to the value.
    """

    always: tuple[str, ...] = ()
    vary: Annotated[
        dict[str, Annotated[tuple[Any, ...] | dict[str, Any], Field(min_length=1)]],
        Field(min_length=1),
    ]

    def trials(self, sweep: str) -> list[Trial]:
        """Return the trials; the same choices have the same name, so that a sweep can go on. Raises SettingsError."""
        named = [
            [(name, f"{key}={_write(value)}") for name, value in _name(choices).items()]
            for key, choices in self.vary.items()
        ]
        found = [
            Trial(
                name=re.sub(r"[^a-z0-9]+", "-", "-".join([sweep, *(name for name, _ in chosen)]).lower()).strip("-"),
                what=", ".join(name for name, _ in chosen),
                overrides=(*self.always, *(override for _, override in chosen)),
            )
            for chosen in product(*named)
        ]
        if len({trial.name for trial in found}) < len(found):
            raise SettingsError(f"conf/sweep/{sweep}.yaml: vary: two trials have one name; give their values names")
        return found


def _name(choices: tuple[Any, ...] | dict[str, Any]) -> dict[str, Any]:
    return choices if isinstance(choices, dict) else {_write(value): value for value in choices}


def read_plan(file: Path) -> Plan:
    """Read a sweep of conf/sweep/; raise SettingsError."""
    try:
        return Plan.model_validate(yaml.safe_load(file.read_text()))
    except FileNotFoundError:
        known = ", ".join(sorted(each.stem for each in file.parent.glob("*.yaml")))
        raise SettingsError(f"{file}: no such sweep; there are: {known}") from None
    except (ValidationError, yaml.YAMLError) as error:
        raise SettingsError(f"{file}: {' '.join(str(error).split())}") from None


def rank(references: dict[str, pd.DataFrame], settings: Settings) -> pd.DataFrame:
    """Return the trials by their mean loss on the folds, with intervals, the smallest first.

    `references` are the out-of-sample rows of each trial; the holdout is left to the gate. `behind` is how much
    more a trial loses than the first one on the same rows, with an interval by block bootstrap of the
    differences; where that is all above 0 the difference is `real`, else it may be `noise`. Raises KeepfitError
    where the trials were not judged on the same rows.
    """
    rows = {name: each[each[FOLD] != "holdout"].reset_index(drop=True) for name, each in references.items()}
    _require_same_rows(rows, settings)
    losses = {name: each[LOSS].to_numpy() for name, each in rows.items()}
    order = sorted(losses, key=lambda name: float(losses[name].mean()))
    first = rows[order[0]]
    blocks = cut_blocks(first[settings.dataset.time], settings.evaluate.block)
    table = []
    for name in order:
        behind = losses[name] - losses[order[0]]
        (low, high), (least, most) = (_interval(each, blocks, settings) for each in (losses[name], behind))
        verdict = "first" if name == order[0] else "real" if least > 0 else "noise"
        table.append((name, losses[name].mean(), low, high, behind.mean(), least, most, verdict))
    names = ["trial", "loss", "low", "high", "behind", "behind_low", "behind_high", "difference"]
    return pd.DataFrame(table, columns=names)


def _interval(values: np.ndarray, blocks: Blocks, settings: Settings) -> tuple[float, float]:
    means = resample_means(values, blocks, resamples=settings.evaluate.resamples, seed=settings.seed)
    share = settings.evaluate.interval
    low, high = np.quantile(means, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def _require_same_rows(rows: dict[str, pd.DataFrame], settings: Settings) -> None:
    columns = [settings.dataset.time, LABEL, FOLD]
    (name, first), *others = rows.items()
    for other, each in others:
        if not first[columns].equals(each[columns]):
            raise KeepfitError(f"{name} and {other} were not judged on the same rows: compare one label and one split")


def _write(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
