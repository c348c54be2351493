"""Train: the challenger, and what dvclive logs of its folds."""

from pathlib import Path

from keepfit import stage
from keepfit.bundle import write_bundle
from keepfit.engine import start_engine
from keepfit.features import LABEL, columns_read, load_module
from keepfit.files import hash_file, read_table
from keepfit.imports import hash_code
from keepfit.live import log_training, timing_experiments
from keepfit.profile import draw_profile
from keepfit.progress import progress
from keepfit.provenance import issue_passport
from keepfit.settings import Settings
from keepfit.splits import split_table
from keepfit.tables import Table
from keepfit.train import count_fits, fit


def main(settings: Settings, valid: Path, table: Path, challenger: Path, folds: Path) -> None:
    splits = split_table(read_table(table, [settings.dataset.time, LABEL]), settings)
    steps = count_fits(settings)
    with start_engine(settings.engine) as engine, progress("training", steps) as advance, timing_experiments():
        trained = fit(Table(table).pick(splits.rows), settings, splits=splits, engine=engine, advance=advance)
    module = load_module(settings.dataset.features.module)
    features = Path("features", f"{settings.dataset.features.module}.py")
    passport = issue_passport(
        trained,
        settings,
        module,
        rows=hash_file(valid),
        table=hash_file(table),
        code=hash_code(Path("stages/train.py"), Path(), extra=(features,)),
    )
    # Whose a row is need be no input: a new customer is no fault of the data.
    names = columns_read(settings.dataset.features, module)
    profile = draw_profile(Table(valid), settings.dataset, names, settings.drift.window)
    write_bundle(challenger, passport, trained, profile)
    log_training(trained.folds, trained.trials, folds)


if __name__ == "__main__":
    stage.run(main)
