"""Gate: whether the challenger becomes the champion."""

from pathlib import Path

from keepfit import stage
from keepfit.bundle import read_bundle
from keepfit.evaluate import judge
from keepfit.files import read_table
from keepfit.gate import decide
from keepfit.settings import Settings
from keepfit.succession import find_champion, stands, succeed


def main(settings: Settings, table: Path, challenger: Path, champion: Path, record: Path) -> None:
    candidate = read_bundle(challenger)
    current = find_champion(champion, record, candidate)
    if stands(record, candidate, current):
        return
    decision = decide(judge(read_table(table), candidate, settings), candidate, current, settings)
    succeed(decision, candidate, current, folder=champion, record=record)


if __name__ == "__main__":
    stage.run(main)
