"""Champion: the model that scores files, read from a copy of its folder, as what serves is."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keepfit.errors import ScoringError

if TYPE_CHECKING:
    from keepfit.bundle import Bundle
    from keepfit.compiled.scorer import Scorer


@dataclass(frozen=True)
class Champion:
    """The model that scores, and its scorer."""

    bundle: "Bundle"
    scorer: "Scorer"


def load_champion(folder: Path) -> Champion:
    """Return the model of a packaged champion, its digest verified, with its scorer.

    What they read later is a copy too, whatever takes the champion's place. Raises KeepfitError.
    """
    from keepfit.servable import read_servable
    from keepfit.serving.copies import load_copy, remove_orphans

    remove_orphans()
    # What is no champion is not copied, whatever its size.
    read_servable(folder)
    try:
        return load_copy(folder, _load)
    except OSError as error:
        raise ScoringError(f"{folder}: not copied, try again: {' '.join(str(error).split())[:300]}") from None


def _load(folder: Path) -> Champion:
    from keepfit.bundle import MODEL, SCHEMA, read_bundle
    from keepfit.compiled.scorer import load_scorer
    from keepfit.servable import read_servable

    servable = read_servable(folder)
    bundle = read_bundle(folder, only=(MODEL, SCHEMA))
    return Champion(bundle, load_scorer(bundle, servable))
