"""Containers for the release's tests: podman without systemd, a registry on loopback, what deploys."""

import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from keepfit.environment import free_port

DEPLOY = """\
#!/bin/sh
# Puts a container of the image in the place of the one that serves; where the version is to fail, none.
set -eu
echo "$VERSION $IMAGE" >> {log}
{podman} rm --force keepfit-{port} >/dev/null 2>&1 || true
test "$VERSION" != v0.2.0 || exit 0
{podman} run --detach --name keepfit-{port} {options} --volume {keys}:/etc/keepfit/keys:ro \\
    --env HOST=127.0.0.1 --env PORT={port} "$IMAGE" >/dev/null
"""
# As little as a container can be given.
OPTIONS = (
    "--pull=always --tls-verify=false --network=host --read-only --tmpfs /tmp:rw,size=64m --cap-drop ALL "
    "--security-opt no-new-privileges --ulimit nofile=1024:1024 --ulimit nproc=1024:1024"
)


def podman() -> list[str]:
    """podman with the runtime and the control groups that work without systemd."""
    return ["podman", *(["--runtime", "runc"] if shutil.which("runc") else []), "--cgroup-manager", "cgroupfs"]


@contextmanager
def start_registry(folder: Path) -> Iterator[str]:
    """A registry on loopback; yields its address."""
    address = f"127.0.0.1:{free_port()}"
    settings = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}},
        "http": {"addr": address},
    }
    (folder / "registry.yml").write_text(yaml.safe_dump(settings))
    with (folder / "registry.log").open("wb") as log:
        server = subprocess.Popen(["docker-registry", "serve", str(folder / "registry.yml")], stdout=log, stderr=log)
        try:
            _wait(f"http://{address}/v2/")
            yield address
        finally:
            server.terminate()
            server.wait(timeout=30)


def _wait(url: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"{url} does not answer")


def missing_parts() -> list[str]:
    """What of the container part is not installed here."""
    return [name for name in ("buildah", "podman", "mmdebstrap", "docker-registry") if shutil.which(name) is None]
