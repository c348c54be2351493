"""Release: the folder of one champion on its way to where it serves, and the record of what is in it."""

import re
from dataclasses import dataclass
from pathlib import Path

from keepfit.acceptance import Recorded
from keepfit.bundle import Bundle
from keepfit.errors import ReleaseError
from keepfit.files import hash_file, hash_json, read_json, replacing, write_json
from keepfit.package import CHAMPION, build_bento
from keepfit.section import Section

VERSION = re.compile(r"(?:champion@)?(v\d+\.\d+\.\d+)")
RELEASES = Path("outputs/release")


class ReleaseRecord(Section):
    """What a release is of: the champion's version, commit, recipe and digest, and the image by digest once pushed."""

    version: str
    commit: str
    dataset: str
    recipe: str
    champion: str
    bento: str
    image: str | None = None


@dataclass(frozen=True)
class ReleaseFolder:
    """Where the parts of a release lie; the signature lies beside the folder, since it is of all that is in it."""

    path: Path

    @property
    def bento(self) -> Path:
        """The Bento, as `bentoml serve` takes it."""
        return self.path / "bento"

    @property
    def requirements(self) -> Path:
        """The Bento's own lock."""
        return self.bento / "env/python/requirements.txt"

    @property
    def sbom(self) -> Path:
        """The list of what is inside, in CycloneDX's JSON."""
        return self.path / "sbom.cdx.json"

    @property
    def signature(self) -> Path:
        """The signature over every file of the folder."""
        return self.path.with_name(f"{self.path.name}.sig")

    @property
    def failure(self) -> Path:
        """What the smoke test said, where it failed."""
        return self.path.with_name(f"{self.path.name}.failure")

    def read_recorded(self) -> Recorded:
        """Return the rows and scores that were recorded; raise ReleaseError."""
        return Recorded.model_validate(self._read("recorded.json"))

    def read_record(self) -> ReleaseRecord:
        """Return what the release is of; raise ReleaseError."""
        return ReleaseRecord.model_validate(self._read("release.json"))

    def write_image(self, image: str) -> None:
        """Add the image, by digest, to the record."""
        record = self.read_record().model_copy(update={"image": image})
        write_json(self.path / "release.json", record.model_dump(mode="json"))

    def _read(self, name: str) -> dict:
        found = read_json(self.path / name)
        if found is None:
            raise ReleaseError(f"{self.path / name}: not there; `keepfit release build {self.path.name}` makes it")
        return found


def open_release(version: str) -> ReleaseFolder:
    """Return the folder of a version, `v0.2.0` or `champion@v0.2.0`; raise ReleaseError."""
    match = VERSION.fullmatch(version)
    if match is None:
        raise ReleaseError(f"version {version!r}: allowed: vX.Y.Z, as in `git tag --list 'champion@*'`")
    return ReleaseFolder(RELEASES / match[1])


def build_release(
    folder: ReleaseFolder, champion: Bundle, recorded: Recorded, *, commit: str, requirements: Path, packaged: Path
) -> ReleaseRecord:
    """Build the Bento anew, and write it with the record and the rows that it must score.

    Raises PackageError, and ReleaseError where the Bento differs from the one that the pipeline packaged.
    """
    with replacing(folder.path) as partial:
        partial.mkdir(parents=True)
        parts = ReleaseFolder(partial)
        build_bento(champion, packaged / CHAMPION, requirements, parts.bento, root=Path())
        refuse_other_bento(hash_files(parts.bento), packaged)
        record = ReleaseRecord(
            version=folder.path.name,
            commit=commit,
            dataset=champion.passport.dataset,
            recipe=champion.passport.version,
            champion=champion.digest,
            bento=hash_json(hash_files(parts.bento)),
        )
        write_json(partial / "release.json", record.model_dump(mode="json"))
        write_json(partial / "recorded.json", recorded.model_dump(mode="json"))
    return record


def hash_files(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file under a folder, by its path in it."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {file.relative_to(folder).as_posix(): hash_file(file) for file in files}


def refuse_other_bento(built: dict[str, str], packaged: Path) -> None:
    """Raise ReleaseError where a Bento's files, by their SHA-256, are not those of the packaged one."""
    expected = hash_files(packaged)
    if not expected:
        raise ReleaseError(f"{packaged}: no Bento there; `keepfit pull` fetches it")
    if other := sorted(name for name in built | expected if built.get(name) != expected.get(name)):
        raise ReleaseError(
            f"{packaged}: the Bento built from this commit differs from the packaged one in {', '.join(other[:3])}"
            f"{' and others' if other[3:] else ''}; `dvc repro package` where the code or the lock has changed"
        )
