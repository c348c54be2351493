"""Drift: what the rows newer than the champion's training say of it."""

from pathlib import Path

from keepfit import stage
from keepfit.batch import newer_in_file, newer_than_training
from keepfit.bundle import read_champion
from keepfit.checkup import Checkup, broken, examine, last_attempt, no_curves, without_champion
from keepfit.columns import parse
from keepfit.engine import start_engine
from keepfit.errors import MissingColumn
from keepfit.files import read_json, read_table, write_curves, write_json
from keepfit.settings import Settings
from keepfit.tables import Table


def main(
    settings: Settings,
    table: Path,
    valid: Path,
    quarantine: Path,
    champion: Path,
    gate: Path,
    record: Path,
    plots: Path,
) -> None:
    bundle, time = read_champion(champion), settings.dataset.time
    if bundle is None:
        found = Checkup(without_champion(settings), no_curves())
    else:
        newer = [newer_in_file(Table(path), bundle, time) for path in (table, valid)]
        aside = parse(read_table(quarantine, [time]), {time: settings.dataset.columns[time]})
        set_aside = newer_than_training(aside, bundle, time)[time]
        with start_engine(settings.engine) as engine:
            tried = last_attempt(read_json(gate))
            try:
                found = examine(*newer, bundle, settings, set_aside=set_aside, tried=tried, engine=engine)
            except MissingColumn as error:
                # The gate has said so and kept the champion: the run goes on to its end, and the verdict says it too.
                found = broken(error, settings)
    write_json(record, found.report)
    write_curves(plots, found.curves)


if __name__ == "__main__":
    stage.run(main)
