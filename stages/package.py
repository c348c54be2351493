"""Package: the Bento of the champion."""

from pathlib import Path
from tempfile import TemporaryDirectory

from keepfit import stage
from keepfit.bundle import read_champion, write_none
from keepfit.package import build_bento, must_be_kept, prepare_serving
from keepfit.progress import working
from keepfit.settings import Settings
from keepfit.tables import Table


def main(_: Settings, valid: Path, champion: Path, requirements: Path, bento: Path) -> None:
    current = read_champion(champion)
    if current is None:
        write_none(bento, "no champion yet: the gate refused every challenger")
        return
    rows = Table(valid)
    if must_be_kept(current, rows, bento):
        return
    with working("building the Bento"), TemporaryDirectory() as folder:
        prepare_serving(current, rows, Path(folder))
        build_bento(current, Path(folder), requirements, bento, root=Path())


if __name__ == "__main__":
    stage.run(main)
