"""Remote: what the DVC remote holds, fetched and pushed with every byte checked against its hash."""

import hashlib
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from keepfit.errors import RemoteError
from keepfit.repository import last_words

if TYPE_CHECKING:
    from dvc_data.hashfile.hash_info import HashInfo

PART = 1 << 20
LOCK = Path("dvc.lock")


def pull(targets: Iterable[str] = ()) -> None:
    """Fetch what dvc.lock names (or some of its paths), each file checked against its hash; raise RemoteError."""
    # With `verify` off, which is the default of most remotes, DVC takes a file of the right name for the right file.
    name = remote_name()
    _run_dvc("remote", "modify", "--local", name, "verify", "true")
    _run_dvc("pull", "--force", *targets)


def push(*, before: str | None) -> int:
    """Push what dvc.lock names, and read back what the lock file `before` did not name; return how many files.

    Raises RemoteError where the remote refuses, lacks a file, or holds other bytes than the hash says.
    """
    _run_dvc("push")
    return verify(before=before)


def verify(*, before: str | None = None) -> int:
    """Check that the remote holds every file that dvc.lock names, and the bytes of those new since `before`."""
    from dvc.repo import Repo

    kept = _hashes(before)
    fresh = tuple(path for path, value in _hashes(LOCK.read_text()).items() if kept.get(path) != value)
    with Repo() as repo:
        odb = repo.cloud.get_remote_odb()
        objects = {each for group in repo.used_objs(push=True).values() for each in group}
        for each in sorted(objects, key=lambda found: str(found.obj_name)):
            _check(each, odb, whole=_is_under(str(each.obj_name), fresh))
    return len(objects)


def remote_name() -> str:
    """Return the name of the default DVC remote; raise RemoteError where there is none."""
    from dvc.config import Config

    config = Config(dvc_dir=str(Path(".dvc").resolve()), validate=False)
    name = config["core"].get("remote")
    if not name:
        raise RemoteError("there is no default DVC remote; `dvc remote add -d storage /a/folder` makes one")
    return str(name)


def _check(found: "HashInfo", odb: Any, *, whole: bool) -> None:
    path = odb.oid_to_path(found.value)
    if not odb.fs.exists(path):
        raise RemoteError(f"{found.obj_name}: not in the remote ({path}); `dvc push` again")
    if not whole:
        return
    digest = hashlib.md5(usedforsecurity=False)
    with odb.fs.open(path, "rb") as stream:
        while part := stream.read(PART):
            digest.update(part)
    if digest.hexdigest() != str(found.value).removesuffix(".dir"):
        raise RemoteError(f"{found.obj_name}: {path} holds other bytes than its hash says; delete it, then `dvc push`")


def _is_under(path: str, roots: tuple[str, ...]) -> bool:
    return any(path == root or path.startswith(f"{root}/") for root in roots)


def _hashes(lock: str | None) -> dict[str, str]:
    stages = (yaml.safe_load(lock or "") or {}).get("stages", {})
    outputs = [out for stage in stages.values() for out in stage.get("outs", [])]
    return {out["path"]: out["md5"] for out in outputs}


def _run_dvc(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        words = last_words(done.stderr or done.stdout)
        raise RemoteError(f"dvc {arguments[0]} ended with status {done.returncode}: {words}")
