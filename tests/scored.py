"""Files scored by the command, and what it says."""

from pathlib import Path

import pandas as pd
from typer.testing import CliRunner

from keepfit.bundle import Bundle
from keepfit.cli import app

FLIGHTS = ("flights", "hist_gradient_boosting", None)
SP500 = ("sp500", "hist_gradient_boosting", None)


def ask(*arguments: object, champion: Bundle) -> str:
    result = CliRunner().invoke(app, ["score", *map(str, arguments), "--champion", str(champion.folder)])
    assert result.exit_code == 0, result.output
    return result.output


def refuse(*arguments: object, champion: Bundle) -> str:
    result = CliRunner().invoke(app, ["score", *map(str, arguments), "--champion", str(champion.folder)])
    assert result.exit_code == 1, result.output
    return " ".join(result.output.split())


def read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    # A version such as 52045171e013 is no number.
    return pd.read_csv(path, float_precision="round_trip", dtype={"version": str, "digest": str})


def write(rows: pd.DataFrame, path: Path) -> Path:
    rows.to_parquet(path, index=False) if path.suffix == ".parquet" else rows.to_csv(path, index=False)
    return path
