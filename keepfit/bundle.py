"""Bundle: the folder of one model, and the check that it is what its passport says.

The passport lists the SHA-256 of every other file; the bundle's digest is that of the passport.
"""

import shutil
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import ValidationError

from keepfit.errors import BundleError
from keepfit.files import hash_file, read_json, read_table, replacing, write_json, write_table
from keepfit.modelfile import read_model, write_model
from keepfit.passport import FORMAT, Passport

if TYPE_CHECKING:
    import pandas as pd

    from keepfit.profile import Profile

PASSPORT, NONE, REFERENCE, HISTORY = "passport.json", "none.json", "reference.parquet", "history.parquet"
MODEL, HOLDOUT_MODEL, SCHEMA, PROFILE = "model.skops", "holdout_model.skops", "schema.json", "profile.json"


@dataclass(frozen=True)
class Bundle:
    """A verified bundle; its models are loaded when they are asked for."""

    folder: Path
    passport: Passport
    digest: str

    def __reduce__(self) -> tuple[Any, ...]:
        # A process that is sent a bundle opens its files, once.
        return _reopen, (self.folder, self.digest)

    @cached_property
    def model(self) -> Any:
        """The estimator that serves."""
        return read_model(self.folder / MODEL)

    @cached_property
    def holdout_model(self) -> Any:
        """The same recipe fitted without the holdout: what `evaluate` and `gate` judge."""
        path = self.folder / HOLDOUT_MODEL
        return read_model(path) if path.exists() else self.model

    @cached_property
    def reference(self) -> "pd.DataFrame":
        """Out-of-sample rows with `score` and `loss`, in time order."""
        return read_table(self.folder / REFERENCE)

    @cached_property
    def history(self) -> "pd.DataFrame":
        """Each statistic of the drift check in each window of the reference, from which alarms get their thresholds."""
        return read_table(self.folder / HISTORY)

    @cached_property
    def profile(self) -> "Profile":
        """What the raw columns held in training."""
        from keepfit.profile import Profile

        return Profile.model_validate(read_json(self.folder / PROFILE))


@lru_cache(maxsize=2)
def _reopen(folder: Path, digest: str) -> Bundle:
    return read_bundle(folder, digest=digest, only=())


class Parts(Protocol):
    """What a bundle is written from: `Trained`, or another bundle."""

    @property
    def model(self) -> Any:
        """The estimator that serves."""

    @property
    def holdout_model(self) -> Any:
        """The one that is judged, or None where it is the same."""

    @property
    def reference(self) -> "pd.DataFrame":
        """Its out-of-sample rows."""

    @property
    def history(self) -> "pd.DataFrame":
        """Its statistics window by window."""


def write_bundle(folder: Path, passport: Passport, parts: Parts, profile: "Profile") -> None:
    """Write a whole bundle, or nothing."""
    with replacing(folder) as partial:
        partial.mkdir()
        write_model(partial / MODEL, parts.model)
        if parts.holdout_model is not None:
            write_model(partial / HOLDOUT_MODEL, parts.holdout_model)
        write_table(partial / REFERENCE, parts.reference)
        write_table(partial / HISTORY, parts.history)
        write_json(partial / PROFILE, profile.model_dump(mode="json", exclude_none=True))
        write_json(partial / SCHEMA, passport.request.model_dump(mode="json", exclude_none=True))
        files = {path.name: hash_file(path) for path in sorted(partial.iterdir())}
        stamped = passport.model_copy(update={"files": files})
        write_json(partial / PASSPORT, stamped.model_dump(mode="json", exclude_none=True))


def read_bundle(folder: Path, *, digest: str | None = None, only: tuple[str, ...] | None = None) -> Bundle:
    """Read a bundle after checking every file (or those of `only`) against the passport, and it against `digest`.

    Raises BundleError.
    """
    path = folder / PASSPORT
    try:
        passport = Passport.model_validate(read_json(path) or {})
    except (ValidationError, ValueError) as error:
        raise BundleError(f"{path}: not a passport of format {FORMAT}: {' '.join(str(error).split())[:200]}") from None
    found = hash_file(path)
    if digest is not None and digest != found:
        raise BundleError(f"{folder}: digest is {found}, expected {digest}")
    for name, expected in passport.files.items():
        if only is not None and name not in only:
            continue
        file = folder / name
        if not file.exists() or hash_file(file) != expected:
            state = "changed" if file.exists() else "missing"
            raise BundleError(f"{file}: {state}; its passport says SHA-256 {expected}")
    return Bundle(folder=folder, passport=passport, digest=found)


def read_champion(folder: Path) -> Bundle | None:
    """Read the champion, or None where there is none yet; raise BundleError where it is broken."""
    if not folder.exists() or (folder / NONE).exists():
        return None
    return read_bundle(folder)


def copy_bundle(bundle: Bundle, folder: Path) -> None:
    """Put a copy of the bundle in the place of `folder`, whole or not at all."""
    with replacing(folder) as partial:
        shutil.copytree(bundle.folder, partial)


def write_none(folder: Path, why: str) -> None:
    """Write a folder that says that there is no champion yet."""
    with replacing(folder) as partial:
        partial.mkdir()
        write_json(partial / NONE, {"champion": None, "why": why})
