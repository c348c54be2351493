"""Ask alibi-detect's TabularDrift of new rows, as its documentation does: python drift_alibi.py REFERENCE ROWS OUT.

Categories go in as the numbers of the reference's, what is missing as the reference's median: one NaN and the test
says NaN.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from alibi_detect.cd import TabularDrift

FEATURES = [
    *["carrier", "origin", "dest", "distance", "weekday", "temp", "dewp", "humid", "wind_speed", "precip", "pressure"],
    *["visib", "departure_minute", "scheduled_minutes", "gust", "wind_east", "wind_north"],
]


def encode(rows: pd.DataFrame, reference: pd.DataFrame) -> np.ndarray:
    """Return the features as numbers."""
    columns = {}
    for name in FEATURES:
        if isinstance(reference[name].dtype, pd.CategoricalDtype):
            columns[name] = pd.Categorical(rows[name], categories=reference[name].cat.categories).codes
        else:
            columns[name] = rows[name].fillna(reference[name].median()).to_numpy()
    return pd.DataFrame(columns).to_numpy(float)


def main() -> None:
    """Write what it says of each feature."""
    reference, rows = (pd.read_parquet(path, columns=FEATURES) for path in sys.argv[1:3])
    categories = {
        at: None for at, name in enumerate(FEATURES) if isinstance(reference[name].dtype, pd.CategoricalDtype)
    }
    detector = TabularDrift(encode(reference, reference), p_val=0.05, categories_per_feature=categories)
    said = detector.predict(encode(rows, reference))["data"]
    told = {"drift": bool(said["is_drift"]), "p_values": dict(zip(FEATURES, said["p_val"].tolist(), strict=True))}
    Path(sys.argv[3]).write_text(json.dumps(told))


if __name__ == "__main__":
    main()
