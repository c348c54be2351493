"""Gate: whether the challenger becomes the champion."""

from pathlib import Path

from keepfit import stage
from keepfit.bundle import read_bundle
from keepfit.evaluate import read_judged
from keepfit.files import read_json, read_table
from keepfit.gate import decide
from keepfit.settings import Settings
from keepfit.succession import find_champion, stands, succeed
from keepfit.workspace import has_remote


def main(settings: Settings, holdout: Path, metrics: Path, challenger: Path, champion: Path, record: Path) -> None:
    candidate = read_bundle(challenger)
    current = find_champion(champion, record, candidate, may_be_fetched=has_remote)
    if stands(record, candidate, current):
        return
    judged = read_judged(read_table(holdout), settings)
    measured = read_json(metrics)["challenger"]
    decision = decide(judged, candidate, current, settings, measured=measured)
    succeed(decision, candidate, current, folder=champion, record=record)


if __name__ == "__main__":
    stage.run(main)
