"""A PostgreSQL of its own on loopback, which can be killed and started again."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from keepfit.environment import free_port

# PostgreSQL refuses to be started by root.
NOBODY = "nobody" if os.getuid() == 0 else None


def find_binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, or None where it is not installed."""
    if (on_path := shutil.which("pg_ctl")) and Path(on_path).with_name("initdb").exists():
        return Path(on_path).parent
    return max((each.parent for each in Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None)


@dataclass
class Postgres:
    """A cluster in a folder of its own, with one database `keepfit`."""

    binaries: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"postgresql://keepfit@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        self.run("pg_ctl", "-D", "data", "-l", "log", "-w", "-o", options, "start")

    def kill(self) -> None:
        """Stop it as a crash would."""
        self.run("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")

    def run(self, program: str, *arguments: str) -> None:
        """Run one of its programs."""
        subprocess.run(
            [self.binaries / program, *arguments],
            cwd=self.folder,
            user=NOBODY,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )


@contextmanager
def running_postgres(binaries: Path) -> Iterator[Postgres]:
    """Make a cluster, start it, and remove it."""
    folder = Path(tempfile.mkdtemp(prefix="keepfit-postgres-"))
    if NOBODY:
        shutil.chown(folder, NOBODY)
    server = Postgres(binaries, folder, free_port())
    try:
        server.run("initdb", "-D", "data", "-A", "trust", "-U", "keepfit", "-E", "UTF8", "--no-sync")
        server.start()
        yield server
        server.kill()
    finally:
        shutil.rmtree(folder)
