"""Features: the table that models learn from, proven free of look-ahead."""

from pathlib import Path

from keepfit import stage
from keepfit.audit import audit
from keepfit.features import assemble, load_module
from keepfit.files import read_table, write_table
from keepfit.settings import Settings


def main(settings: Settings, valid: Path, table: Path) -> None:
    rows = read_table(valid)
    module = load_module(settings.dataset.features.module)
    features = assemble(rows, settings.dataset, module)
    audit(rows, features, settings.dataset, module, cuts=settings.features.cuts)
    write_table(table, features)


if __name__ == "__main__":
    stage.run(main)
