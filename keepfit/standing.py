"""Standing: how every champion does on the newest labelled rows, today's beside those before it."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from keepfit.bundle import read_bundle
from keepfit.champions import Reign, fetch_champion
from keepfit.errors import ChampionMissing, KeepfitError, TooFewRows
from keepfit.evidence import cut_windows
from keepfit.examples import Examples, labelled_examples
from keepfit.gate import score_champion
from keepfit.metrics import measure
from keepfit.settings import Settings


@dataclass(frozen=True)
class Standing:
    """A champion's metrics on the newest rows, or why there are none."""

    metrics: dict[str, float]
    why: str = ""


def newest_rows(table: pd.DataFrame, settings: Settings) -> Examples:
    """Return the newest window of `drift.window` labelled rows; raise TooFewRows."""
    examples = labelled_examples(table, settings)
    windows = cut_windows(examples.times, settings.drift.window)
    if not windows:
        raise TooFewRows(f"{len(examples.labels)} labelled rows are less than a window of {settings.drift.window}")
    return examples.take(np.asarray(windows[-1]))


def measure_standing(reign: Reign, rows: Examples, settings: Settings) -> Standing:
    """Return a champion's metrics on these rows, by a model of its bundle that never saw them."""
    dataset = settings.dataset
    with TemporaryDirectory() as scratch:
        folder = Path(scratch, "champion")
        try:
            fetch_champion(reign, dataset.name, folder)
            bundle = read_bundle(folder, digest=reign.digest)
            scores = score_champion(rows, bundle, settings)
        except ChampionMissing:
            return Standing({}, "its files are gone")
        except KeepfitError as error:
            return Standing({}, str(error))
    threshold = bundle.passport.threshold
    return Standing(measure(rows.labels, scores, settings.objective, task=dataset.task, threshold=threshold))
