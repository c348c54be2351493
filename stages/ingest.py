"""Ingest: the source up to the cut-off."""

from pathlib import Path

from keepfit import stage
from keepfit.engine import start_engine
from keepfit.files import hash_file, read_json, replacing, write_json
from keepfit.ingest import cut_parts, describe, refuse_backwards, refuse_nothing, write_cut
from keepfit.progress import working
from keepfit.settings import Settings
from keepfit.spool import spooling


def main(settings: Settings, raw: Path, record: Path) -> None:
    dataset = settings.dataset
    last = read_json(record) if raw.exists() else None
    with (
        working(f"reading {dataset.name}"),
        start_engine(settings.engine) as engine,
        spooling(raw) as spool,
        replacing(raw) as made,
    ):
        extent = write_cut(made, cut_parts(dataset, engine=engine, spool=spool))
        refuse_nothing(extent, dataset)
        refuse_backwards(extent, dataset, last)
    write_json(record, describe(extent, dataset, content=hash_file(raw)))


if __name__ == "__main__":
    stage.run(main)
