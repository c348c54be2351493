"""SBOM: what is inside a Bento, as CycloneDX's JSON: the wheels of its lock and the model. Same inputs, same bytes."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from keepfit.bundle import MODEL
from keepfit.errors import PackageError
from keepfit.files import hash_file
from keepfit.release import ReleaseFolder
from keepfit.repository import last_words


def list_contents(folder: ReleaseFolder, lock: dict[str, Any], wheels: Path, *, licence: str | None) -> dict[str, Any]:
    """Return the SBOM of a release; raise PackageError where a wheel is not in the lock.

    `lock` is the SBOM of the lock alone. The libraries are those whose wheels go into the image, by the wheel's own
    hash; the model has its digest, and the licence of the repository.
    """
    hashes = hash_wheels(wheels)
    listed = {_key(each["name"], each["version"]): each for each in lock["components"]}
    if missing := sorted(set(hashes) - set(listed)):
        raise PackageError(f"{wheels}: {missing[0][0]} {missing[0][1]} is not in the lock")
    libraries = [
        listed[key] | {"bom-ref": listed[key]["purl"], "hashes": [{"alg": "SHA-256", "content": digest}]}
        for key, digest in sorted(hashes.items())
    ]
    for library in libraries:
        # The lock's line with all its hashes: said better by the hash of the one wheel.
        library.pop("description", None)
    model, bento = _model(folder, licence), _bento(folder)
    inside = [model["bom-ref"], *(each["bom-ref"] for each in libraries)]
    dependencies = [{"ref": bento["bom-ref"], "dependsOn": sorted(inside)}, *({"ref": each} for each in sorted(inside))]
    metadata = lock["metadata"] | {"component": bento}
    return lock | {"metadata": metadata, "components": [model, *libraries], "dependencies": dependencies}


def hash_wheels(folder: Path) -> dict[tuple[str, str], str]:
    """Return the SHA-256 of each wheel of a folder, by the library's canonical name and version."""
    from packaging.utils import parse_wheel_filename

    found = {}
    for wheel in sorted(folder.glob("*.whl")):
        name, version, *_ = parse_wheel_filename(wheel.name)
        found[(str(name), str(version))] = hash_file(wheel)
    return found


def read_licence(pyproject: Path) -> str | None:
    """Return the licence that a project declares, as an SPDX expression, or None."""
    licence = tomllib.loads(pyproject.read_text())["project"].get("license")
    return licence if isinstance(licence, str) else None


def read_lock(requirements: Path) -> dict[str, Any]:
    """Return the SBOM of a lock alone, by cyclonedx-bom; raise PackageError."""
    options = ["--output-reproducible", "--output-format", "JSON", "--spec-version", "1.6", "--output-file", "-"]
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", str(requirements), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackageError(f"cyclonedx-py ended with status {done.returncode}: {last_words(done.stderr)}")
    return json.loads(done.stdout)


def _model(folder: ReleaseFolder, licence: str | None) -> dict[str, Any]:
    record = folder.read_record()
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{record.champion}",
        "name": f"{record.dataset} champion",
        "version": record.recipe,
        "hashes": [{"alg": "SHA-256", "content": hash_file(folder.bento / "src/champion" / MODEL)}],
        "properties": [{"name": "keepfit:champion", "value": record.champion}],
        **({"licenses": [{"expression": licence}]} if licence else {}),
    }


def _bento(folder: ReleaseFolder) -> dict[str, Any]:
    record = folder.read_record()
    reference = f"bento:{record.dataset}:{record.version}"
    return {
        "type": "application",
        "bom-ref": reference,
        "name": f"keepfit_{record.dataset}",
        "version": record.version,
        "properties": [
            {"name": "keepfit:commit", "value": record.commit},
            {"name": "keepfit:bento", "value": record.bento},
        ],
    }


def _key(name: str, version: str) -> tuple[str, str]:
    from packaging.utils import canonicalize_name
    from packaging.version import Version

    return canonicalize_name(name), str(Version(version))
