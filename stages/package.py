"""Package: the Bento of the champion."""

from pathlib import Path

from keepfit import stage
from keepfit.bundle import read_champion, write_none
from keepfit.errors import BundleError
from keepfit.package import build_bento
from keepfit.progress import working
from keepfit.settings import Settings
from keepfit.workspace import in_experiment


def main(_: Settings, champion: Path, requirements: Path, bento: Path) -> None:
    current = read_champion(champion)
    if current is not None:
        with working("building the Bento"):
            build_bento(current, requirements, bento, root=Path())
    elif in_experiment():
        write_none(bento, "no champion yet")
    else:
        raise BundleError(f"{champion}: the gate refused the first challenger, so there is nothing to package")


if __name__ == "__main__":
    stage.run(main)
