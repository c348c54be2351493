"""Remote: what the DVC remote holds, fetched and pushed with every byte checked against its hash."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from keepfit.errors import RemoteError

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc_data.hashfile.hash_info import HashInfo

PART = 1 << 20
LOCK = Path("dvc.lock")


def pull(targets: Sequence[str] = ()) -> None:
    """Fetch what dvc.lock names (or some of its paths), each file checked against its hash; raise RemoteError."""
    insist_on_hashes(remote_name())
    with _repository("pull") as repo:
        repo.pull(targets=list(targets) or list_stages(repo), force=True)


def list_stages(repo: "Repo") -> list[str]:
    """Return the stages' names: told no target, a checkout removes the outputs of all other datasets, Git's too."""
    return [stage.addressing for stage in repo.index.stages]


def push(*, before: str | None) -> int:
    """Push what dvc.lock names, and read back what the lock file `before` did not name; return how many files.

    Raises RemoteError where the remote refuses, lacks a file, or holds other bytes than the hash says.
    """
    remote_name()
    with _repository("push") as repo:
        repo.push()
        return _verify(repo, before)


def verify(*, before: str | None = None) -> int:
    """Check that the remote holds every file that dvc.lock names, and the bytes of those new since `before`."""
    remote_name()
    with _repository("push") as repo:
        return _verify(repo, before)


def insist_on_hashes(name: str) -> None:
    """Switch `verify` on in this clone: with it off, DVC takes a file of the right name for the right file."""
    from dvc.config import Config

    config = Config(dvc_dir=str(Path(".dvc").resolve()), validate=False)
    if not config["remote"].get(name, {}).get("verify"):
        with config.edit("local") as local:
            local.setdefault("remote", {}).setdefault(name, {})["verify"] = True


def _verify(repo: "Repo", before: str | None) -> int:
    kept = _hashes(before)
    fresh = tuple(path for path, value in _hashes(LOCK.read_text()).items() if kept.get(path) != value)
    odb = repo.cloud.get_remote_odb()
    objects = {each for group in repo.used_objs(push=True).values() for each in group}
    for each in sorted(objects, key=lambda found: str(found.obj_name)):
        _check(each, odb, whole=_is_under(str(each.obj_name), fresh))
    return len(objects)


@contextmanager
def _repository(doing: str) -> Iterator["Repo"]:
    """Yield DVC's repository; what it cannot do becomes a RemoteError of one line."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            yield repo
    except RemoteError:
        raise
    except Exception as error:
        # Each kind of remote has errors of its own, of as many libraries.
        if not isinstance(error, (DvcException, OSError)) and not _is_of_a_remote(error):
            raise
        causes = [" ".join(str(each).split()) for each in _causes(error)]
        raise RemoteError(f"dvc {doing}: {': '.join(dict.fromkeys(filter(None, causes)))[:400]}") from None


def _is_of_a_remote(error: BaseException) -> bool:
    libraries = ("botocore", "aiohttp", "asyncssh", "s3fs", "sshfs", "fsspec", "dvc_objects", "dvc_data")
    return type(error).__module__.split(".")[0] in libraries


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__


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
