"""Package: the Bento of the champion."""

from pathlib import Path

from keepfit import stage
from keepfit.bundle import read_champion, write_none
from keepfit.package import build_bento
from keepfit.progress import working
from keepfit.settings import Settings


def main(_: Settings, champion: Path, requirements: Path, bento: Path) -> None:
    current = read_champion(champion)
    if current is None:
        write_none(bento, "no champion yet: the gate refused every challenger")
        return
    with working("building the Bento"):
        build_bento(current, requirements, bento, root=Path())


if __name__ == "__main__":
    stage.run(main)
