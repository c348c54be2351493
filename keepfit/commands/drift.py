"""The drift check: of the newest rows, of a file, and of faults put in on purpose."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keepfit.commands.terminal import PARAMS, one_line_errors, say, show_lines, show_table

if TYPE_CHECKING:
    from keepfit.bundle import Bundle
    from keepfit.settings import Settings

app = typer.Typer()


@app.command()
def check(
    rows: Annotated[
        str | None,
        typer.Option("--from", help="Check these raw rows (CSV, Parquet, JSON lines), or `log`: what was served."),
    ] = None,
) -> None:
    """Check the rows newer than the champion's training.

    Ends with status 0 for ok or alert, 3 for retrain, 4 for fix-data and 5 for too few rows.
    """
    from keepfit.reproduction import check_newest

    with one_line_errors():
        match rows:
            case None:
                said = check_newest(PARAMS)
            case "log":
                said = _check_log()
            case _:
                said = _check_file(Path(rows))
        from keepfit.drift_summary import tell

        show_lines(tell(said))
        raise typer.Exit(said["status"])


@app.command()
def drill(
    faults: Annotated[list[str] | None, typer.Argument(help="Which faults; all where none is named.")] = None,
    feature: Annotated[str | None, typer.Option(help="Where shift and scale go; the strongest else.")] = None,
) -> None:
    """Put faults into calm real rows and show what the check says to each.

    Ends with status 1 where one is not as expected.
    """
    import pandas as pd

    from keepfit.drill import FAULTS, run_drill, set_scene, strongest_feature
    from keepfit.errors import DrillError
    from keepfit.files import read_table
    from keepfit.progress import progress

    with one_line_errors():
        settings, bundle = _champion()
        valid = read_table(Path("data", settings.dataset.name, "valid.parquet"))
        names = faults or list(FAULTS)
        told = []
        with progress("drilling", len(names)) as advance:
            scene = set_scene(bundle, valid, settings, feature=feature or strongest_feature(bundle, settings))
            for name in names:
                try:
                    said = run_drill(name, scene).report
                except DrillError as error:
                    if faults:
                        raise
                    told.append((name, "", "", str(error), "not possible"))
                else:
                    expected = FAULTS[name].expected
                    seen = "as expected" if said["verdict"] in expected else f"expected {' or '.join(expected)}"
                    told.append((name, said["verdict"], said["action"], said["why"][:90], seen))
                advance()
        first, last = scene.rows[settings.dataset.time].iloc[[0, -1]]
        say(f"{len(scene.rows)} rows from {first} to {last}, the calmest window of the holdout")
        say(f"shift and scale go into {scene.feature}, missing-column and unit-change into {scene.column}")
        show_table(pd.DataFrame(told, columns=["fault", "verdict", "action", "why", ""]))
        if any(seen.startswith("expected") for *_, seen in told):
            raise typer.Exit(1)


def _check_file(path: Path) -> dict[str, Any]:
    from keepfit.incoming import examine_raw, read_rows
    from keepfit.progress import working
    from keepfit.tables import Table

    settings, bundle = _champion()
    valid = Path("data", settings.dataset.name, "valid.parquet")
    raw = read_rows(path, settings.dataset)
    past = Table(valid) if valid.exists() else raw.iloc[:0]
    with working("checking"):
        return examine_raw(raw, past, bundle, settings).report


def _check_log() -> dict[str, Any]:
    from sqlalchemy.exc import SQLAlchemyError

    from keepfit.errors import LogError
    from keepfit.progress import working
    from keepfit.served_rows import examine_served, read_served
    from keepfit.serving.drainer import first_line
    from keepfit.serving.location import read_folder, read_url
    from keepfit.serving.tables import open_log, tell_where

    settings, bundle = _champion()
    folder = read_folder(os.environ)
    engine = open_log(read_url(os.environ, folder))
    with working("checking"):
        try:
            served = read_served(engine)
        except SQLAlchemyError as error:
            raise LogError(f"{tell_where(engine)}: {first_line(error)}") from None
        return examine_served(served, bundle, settings).report


def _champion() -> "tuple[Settings, Bundle]":
    from keepfit.bundle import read_champion
    from keepfit.errors import ChampionMissing
    from keepfit.settings import load_settings

    settings = load_settings(PARAMS)
    folder = Path("models", settings.dataset.name, "champion")
    bundle = read_champion(folder)
    if bundle is None:
        raise ChampionMissing(f"{folder}: no champion there; `make repro` trains one, `dvc pull {folder}` fetches it")
    return settings, bundle
