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


def list_contents(folder: ReleaseFolder, wheels: Path, pyproject: Path) -> dict[str, Any]:
    """Return the SBOM of a release; raise PackageError.

    The libraries are those whose wheels go into the image, by the wheel's own hash, with the lock's line for it
    as cyclonedx-bom reads it; the model has its digest, and the licence that `pyproject` declares.
    """
    bom = _read_lock(folder.requirements)
    hashes = hash_wheels(wheels)
    listed = {_key(each["name"], each["version"]): each for each in bom["components"]}
    if missing := sorted(set(hashes) - set(listed)):
        raise PackageError(f"{wheels}: {missing[0][0]} {missing[0][1]} is not in {folder.requirements}")
    libraries = [
        listed[key] | {"bom-ref": listed[key]["purl"], "hashes": [{"alg": "SHA-256", "content": digest}]}
        for key, digest in sorted(hashes.items())
    ]
    for library in libraries:
        # The lock's line with all its hashes: said better by the hash of the one wheel.
        library.pop("description", None)
    model, bento = _model(folder, pyproject), _bento(folder)
    inside = [model["bom-ref"], *(each["bom-ref"] for each in libraries)]
    dependencies = [{"ref": bento["bom-ref"], "dependsOn": sorted(inside)}, *({"ref": each} for each in sorted(inside))]
    metadata = bom["metadata"] | {"component": bento}
    return bom | {"metadata": metadata, "components": [model, *libraries], "dependencies": dependencies}


def hash_wheels(folder: Path) -> dict[tuple[str, str], str]:
    """Return the SHA-256 of each wheel of a folder, by the library's canonical name and version."""
    from packaging.utils import parse_wheel_filename

    found = {}
    for wheel in sorted(folder.glob("*.whl")):
        name, version, *_ = parse_wheel_filename(wheel.name)
        found[(str(name), str(version))] = hash_file(wheel)
    return found


def _read_lock(requirements: Path) -> dict[str, Any]:
    options = ["--output-reproducible", "--output-format", "JSON", "--spec-version", "1.6", "--output-file", "-"]
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", str(requirements), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackageError(f"cyclonedx-py ended with status {done.returncode}: {last_words(done.stderr)}")
    return json.loads(done.stdout)


def _model(folder: ReleaseFolder, pyproject: Path) -> dict[str, Any]:
    record = folder.read_record()
    licence = tomllib.loads(pyproject.read_text())["project"].get("license")
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{record.champion}",
        "name": f"{record.dataset} champion",
        "version": record.recipe,
        "hashes": [{"alg": "SHA-256", "content": hash_file(folder.bento / "src/champion" / MODEL)}],
        "properties": [{"name": "keepfit:champion", "value": record.champion}],
        **({"licenses": [{"expression": licence}]} if isinstance(licence, str) else {}),
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
