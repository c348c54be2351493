"""Ingest: the source up to the cut-off."""

from pathlib import Path

from keepfit import stage
from keepfit.files import hash_file, read_json, write_json, write_table
from keepfit.ingest import cut, describe, refuse_backwards
from keepfit.progress import working
from keepfit.settings import Settings
from keepfit.sources import read_source


def main(settings: Settings, raw: Path, record: Path) -> None:
    with working(f"reading {settings.dataset.name}"):
        rows = cut(read_source(settings.dataset.source), settings.dataset)
    refuse_backwards(rows, settings.dataset, read_json(record) if raw.exists() else None)
    write_table(raw, rows)
    write_json(record, describe(rows, settings.dataset, content=hash_file(raw)))


if __name__ == "__main__":
    stage.run(main)
