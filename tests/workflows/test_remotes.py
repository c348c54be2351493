"""Each kind of remote that is documented takes what a stage made and gives it back, with every byte checked."""

import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepfit import remote
from keepfit.errors import RemoteError
from tests.repositories import commit, run
from tests.workflows.bucket import KEYS, Bucket, free_port

pytestmark = pytest.mark.slow

GRAPH = "stages:\n  make:\n    cmd: mkdir -p out && echo one > out/one && echo two > out/two\n    outs: [out]\n"
SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose one stage has run."""
    path = tmp_path / "work"
    run(tmp_path, "init", "--quiet", str(path))
    run(path, "config", "user.name", "Ann")
    run(path, "config", "user.email", "ann@example.com")
    monkeypatch.chdir(path)
    (path / "dvc.yaml").write_text(GRAPH)
    dvc("init", "--quiet")
    dvc("repro", "--quiet")
    commit(path, "feat: begin")
    return path


def dvc(*arguments: str) -> None:
    subprocess.run(["dvc", *arguments], check=True, capture_output=True)


@pytest.fixture
def folder(tmp_path: Path, work: Path) -> Path:
    dvc("remote", "add", "--default", "storage", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def s3(bucket: Bucket, work: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "writer")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS["writer"])
    dvc("remote", "add", "--default", "storage", "s3://keepfit/small")
    dvc("remote", "modify", "storage", "endpointurl", bucket.address)
    return "keepfit/small"


@pytest.fixture
def ssh(tmp_path: Path, work: Path) -> Iterator[str]:
    if not Path(SSHD).exists():
        pytest.skip("sshd is not installed (Debian: openssh-server); the SSH remote is not tried here")
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(keys / name)], check=True)
    port = free_port()
    (keys / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {keys / 'host'}\nAuthorizedKeysFile {keys / 'user.pub'}\n"
        f"PidFile {keys / 'pid'}\nStrictModes no\nPasswordAuthentication no\nSubsystem sftp internal-sftp\n"
        "PermitRootLogin prohibit-password\nUsePAM no\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True) if os.geteuid() == 0 else None
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", str(keys / "sshd_config")], stderr=subprocess.PIPE)
    assert any(b"listening" in line for line in server.stderr)
    dvc("remote", "add", "--default", "storage", f"ssh://{getpass.getuser()}@127.0.0.1:{port}{tmp_path}/ssh-store")
    dvc("remote", "modify", "storage", "keyfile", str(keys / "user"))
    yield "ssh"
    server.terminate()
    server.wait(30)


def forget(work: Path) -> None:
    """Lose what a fresh clone would not have."""
    shutil.rmtree(work / "out")
    shutil.rmtree(work / ".dvc/cache")


@pytest.mark.parametrize("kind", ["folder", "s3", "ssh"])
def test_what_is_pushed_comes_back(kind, work, request):
    request.getfixturevalue(kind)
    assert remote.push(before=None) == 3
    forget(work)
    remote.pull()
    assert ((work / "out/one").read_text(), (work / "out/two").read_text()) == ("one\n", "two\n")


def test_other_bytes_in_the_remote_are_refused_by_name_both_ways(work, folder):
    remote.push(before=None)
    (file,) = [file for file in folder.rglob("*") if file.is_file() and file.read_text() == "one\n"]
    file.chmod(0o644)
    file.write_text("ome\n")
    with pytest.raises(RemoteError, match=r"out/one: .* holds other bytes"):
        remote.verify()
    forget(work)
    with pytest.raises(RemoteError, match="dvc pull"):
        remote.pull()
    assert not (work / "out/one").exists() or (work / "out/one").read_text() == "one\n"


def test_a_file_that_the_remote_lost_is_named(work, folder):
    remote.push(before=None)
    (file,) = [file for file in folder.rglob("*") if file.is_file() and file.read_text() == "two\n"]
    file.unlink()
    with pytest.raises(RemoteError, match="out/two: not in the remote"):
        remote.verify(before=(work / "dvc.lock").read_text())


def test_without_a_remote_the_error_says_how_to_make_one(work):
    with pytest.raises(RemoteError, match="dvc remote add -d"):
        remote.pull()


def test_a_pull_leaves_what_other_datasets_left_to_git(work, folder):
    (work / "dvc.yaml").write_text(GRAPH.replace("outs: [out]", "outs: [out: {cache: false}]"))
    dvc("repro", "--quiet")
    commit(work, "feat: one dataset")
    (work / "dvc.yaml").write_text(GRAPH.replace("out", "other").replace("others:", "outs:"))
    dvc("repro", "--quiet")
    remote.push(before=None)
    remote.pull()
    assert (work / "out/one").exists()
    assert (work / "other/one").exists()
