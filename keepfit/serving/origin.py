"""Origin: which code a bundle's scores come from, so that a process never scores it with other code."""

from dataclasses import dataclass
from pathlib import Path

from keepfit.errors import RolloverError
from keepfit.imports import hash_code
from keepfit.passport import LIBRARIES, Passport, library_versions

ROOT = Path(__file__).resolve().parent.parent.parent
BASE = Path("keepfit/features.py")


@dataclass(frozen=True)
class Origin:
    """The code and the libraries with which this process scores, as they were when it started."""

    module: str
    features: str
    training: str
    dataset: str
    libraries: dict[str, str]

    def check(self, folder: Path, passport: Passport) -> None:
        """Refuse a bundle that other code, other libraries or another dataset made; raise RolloverError.

        Where the bundle lies in a Bento, the features' code beside it counts; else that of its training.
        """
        if passport.dataset != self.dataset:
            raise RolloverError(f"{folder}: of dataset {passport.dataset}; this service answers for {self.dataset}")
        for name in LIBRARIES:
            if (theirs := passport.libraries.get(name)) != (ours := self.libraries[name]):
                raise RolloverError(f"{folder}: made with {name} {theirs}, this process has {ours}: restart it")
        found = hash_features(folder.parent, passport.request.module)
        if passport.request.module != self.module or (found is not None and found != self.features):
            file = f"features/{passport.request.module}.py"
            raise RolloverError(f"{folder}: {file}, or what it imports, is not what this process runs: restart it")
        if found is None and passport.inputs.code != self.training:
            raise RolloverError(
                f"{folder}: trained by code {passport.inputs.code[:12]}, and no source beside it shows that its"
                f" features are those of {self.training[:12]}, which this process runs: restart it"
            )


def trace_origin(passport: Passport) -> Origin:
    """Return the origin of the champion with which this process starts."""
    module = passport.request.module
    return Origin(
        module=module,
        features=hash_features(ROOT, module) or "",
        training=passport.inputs.code,
        dataset=passport.dataset,
        libraries=library_versions(),
    )


def hash_features(root: Path, module: str) -> str | None:
    """Return one SHA-256 over the code that computes features under `root`; None where there is none."""
    file = Path("features", f"{module}.py")
    return hash_code(BASE, root, extra=(file,)) if (root / file).exists() and (root / BASE).exists() else None
