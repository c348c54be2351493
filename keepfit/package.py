"""Package: a Bento of the champion, built offline from the service's own lock."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from keepfit.bundle import MODEL, PASSPORT, PROFILE, SCHEMA, Bundle
from keepfit.errors import PackageError
from keepfit.files import hash_file, replacing, write_json
from keepfit.imports import imported_files
from keepfit.servable import SERVING, Servable, describe, read_servable

if TYPE_CHECKING:
    from keepfit.rows import Rows

SERVICE = Path("service/service.py")
# Where a Bento has the champion.
CHAMPION = Path("src/champion")
BUILD = """\
service: service.service:Keepfit
include: ["**"]
exclude: [requirements.txt, bentofile.yaml]
labels: {{dataset: {dataset}, version: {version}, digest: {digest}}}
python: {{requirements_txt: requirements.txt, lock_packages: false}}
"""
# What a lock has beside the pins.
NOT_PINS = re.compile(r" \\\n +--hash=\S+|^ *#.*\n|^\n", re.MULTILINE)


def package_files(features: str, root: Path) -> list[Path]:
    """Return the project's files that the service needs, those of the features module among them."""
    module = Path("features", f"{features}.py")
    files = {*imported_files(SERVICE, root), *imported_files(module, root)}
    pages = {page.relative_to(root) for page in (root / "keepfit/serving").glob("*.html")}
    return sorted({*files, *pages, *(file.parent / "__init__.py" for file in files)})


def must_be_kept(champion: Bundle, valid: "Rows", bento: Path) -> bool:
    """Whether the rows lost a column that the champion reads, so that its Bento can be kept, but not made again.

    Raises PackageError where they did, and there is no Bento of this champion to keep.
    """
    passport = champion.passport
    gone = [name for name in passport.request.columns if name not in valid.columns]
    packaged = bento / CHAMPION / PASSPORT
    if gone and not (packaged.exists() and hash_file(packaged) == champion.digest):
        raise PackageError(
            f"champion {passport.version} needs {', '.join(gone)}, which the rows no longer have: keep its columns in "
            "dataset.columns until it is replaced"
        )
    return bool(gone)


def prepare_serving(champion: Bundle, valid: "Rows", folder: Path) -> Servable:
    """Write what the service needs beside the champion: `serving.json`, and the plan that it names."""
    from keepfit.compiled.packing import pack_scorer

    parity, files = pack_scorer(champion, valid, folder)
    servable = describe(champion, valid, parity).model_copy(update={"files": files})
    write_json(folder / SERVING, servable.model_dump(mode="json"))
    return servable


def build_bento(champion: Bundle, serving: Path, requirements: Path, destination: Path, *, root: Path) -> None:
    """Build the Bento into `destination`; the same champion gives the same bytes. Raises PackageError.

    `serving` is the folder that `prepare_serving` wrote, or the champion's of a Bento that was packaged before.

    Its creation time is set to that of the newest row the champion learned from: the time and the
    commit of a release belong to the release's tag.
    """
    passport = champion.passport
    with TemporaryDirectory() as folder:
        context, home = Path(folder, "context"), Path(folder, "home")
        for file in package_files(passport.request.module, root):
            (context / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / file, context / file)
        (context / "champion").mkdir()
        for name in (MODEL, PASSPORT, PROFILE, SCHEMA):
            shutil.copy(champion.folder / name, context / "champion" / name)
        for name in (SERVING, *read_servable(serving).files):
            shutil.copy(serving / name, context / "champion" / name)
        shutil.copy(requirements, context / "requirements.txt")
        labels = {"dataset": passport.dataset, "version": passport.version, "digest": champion.digest}
        (context / "bentofile.yaml").write_text(BUILD.format(**labels))
        bento = _run_build(context, home, f"keepfit_{passport.dataset}", champion.digest[:12])
        _settle(bento / "bento.yaml", passport.trained_on.last)
        with replacing(destination) as partial:
            shutil.copytree(bento, partial)


def _run_build(context: Path, home: Path, name: str, version: str) -> Path:
    command = [sys.executable, "-m", "bentoml", "build", "--name", name, "--version", version, "--output", "tag"]
    done = subprocess.run(
        command,
        cwd=context,
        env={"PATH": "/usr/bin:/bin", "BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True", "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    bento = home / "bentos" / name / version
    if done.returncode or not bento.exists():
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise PackageError(f"bentoml build ended with status {done.returncode}: {' '.join(last)}")
    return bento


def _settle(file: Path, moment: str) -> None:
    import yaml

    told = yaml.safe_load(file.read_text())
    told["creation_time"] = f"{moment}+00:00"
    # BentoML reads this file three times at each start, a fifth of a second each with the lock's hashes in it. What
    # is installed is env/python/requirements.txt, which has them.
    told["image"]["python_requirements"] = NOT_PINS.sub("", told["image"]["python_requirements"])
    file.write_text(yaml.safe_dump(told, sort_keys=False))
