"""Ask Evidently's data-drift preset of new rows, as its quickstart does: python FILE REFERENCE ROWS OUT."""

import sys

import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset

FEATURES = [
    *["carrier", "origin", "dest", "distance", "weekday", "temp", "dewp", "humid", "wind_speed", "precip", "pressure"],
    *["visib", "departure_minute", "scheduled_minutes", "gust", "wind_east", "wind_north"],
]


def main() -> None:
    """Write the preset's report as JSON."""
    reference, rows = (pd.read_parquet(path, columns=FEATURES) for path in sys.argv[1:3])
    for frame in (reference, rows):
        texts = frame.select_dtypes("category").columns
        frame[texts] = frame[texts].astype(str)
    Report([DataDriftPreset()]).run(rows, reference).save_json(sys.argv[3])


if __name__ == "__main__":
    main()
