"""An S3 server of the test's own."""

import json
import socket
import subprocess
import time
from pathlib import Path

KEYS = {"writer": "w-secret", "reader": "r-secret"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Bucket:
    """A SeaweedFS server with an S3 bucket, one key that may write and one that may only read."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        folder.mkdir(parents=True)
        identities = [
            {"name": "writer", "actions": ["Admin", "Read", "Write", "List"]},
            {"name": "reader", "actions": ["Read", "List"]},
        ]
        for each in identities:
            each["credentials"] = [{"accessKey": each["name"], "secretKey": KEYS[each["name"]]}]
        (folder / "s3.json").write_text(json.dumps({"identities": identities}))
        ports = [f"-{name}={free_port()}" for name in ("master.port", "volume.port", "filer.port")]
        for name in ("master", "volume", "filer"):
            ports.append(f"-{name}.port.grpc={free_port()}")
        # SeaweedFS finds its servers by the address of this machine's network else.
        command = ["weed", "-logtostderr=true", "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
        command += ["-s3", f"-s3.port={self.port}", f"-s3.config={folder / 's3.json'}", *ports]
        command += [
            f"-s3.port.grpc={free_port()}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-master.telemetry=false",
            "-volume.max=20",
            "-master.volumeSizeLimitMB=64",
        ]
        self.log = (folder / "weed.log").open("w")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        self._make()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, who: str = "writer"):
        import s3fs

        return s3fs.S3FileSystem(
            key=who, secret=KEYS[who], endpoint_url=self.address, use_listings_cache=False, skip_instance_cache=True
        )

    def _make(self) -> None:
        from botocore.exceptions import BotoCoreError

        end = time.monotonic() + 60
        while time.monotonic() < end:
            assert self.process.poll() is None, (self.folder / "weed.log").read_text()[-2000:]
            try:
                self.client().mkdir("keepfit")
            except (OSError, BotoCoreError):
                time.sleep(0.5)
            else:
                return
        raise AssertionError((self.folder / "weed.log").read_text()[-2000:])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self.log.close()
