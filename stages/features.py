"""Features: the table that models learn from, proven free of look-ahead."""

from pathlib import Path

from keepfit import stage
from keepfit.audit import audit
from keepfit.engine import start_engine
from keepfit.feature_table import assemble_table
from keepfit.features import load_module
from keepfit.files import replacing
from keepfit.settings import Settings
from keepfit.tables import Table, pour_parts


def main(settings: Settings, valid: Path, table: Path) -> None:
    rows = Table(valid)
    module = load_module(settings.dataset.features.module)
    with replacing(table) as made:
        with start_engine(settings.engine) as engine:
            pour_parts(made, assemble_table(rows, settings.dataset, module, engine=engine))
        audit(rows, Table(made), settings.dataset, module, cuts=settings.features.cuts, size=settings.engine.rows)


if __name__ == "__main__":
    stage.run(main)
