"""Spool: parts of a table on disk in files of their own, until all of them are known."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keepfit.files import remove, replacing

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Spool:
    """A folder of Arrow files, one a part, as large as the parts are in memory."""

    folder: Path

    def write(self, number: int, part: "pa.Table") -> None:
        """Keep a part; a worker that begins again writes the same once more."""
        import pyarrow as pa

        with replacing(self._file(number)) as partial, pa.ipc.new_file(partial, part.schema) as writer:
            writer.write_table(part)

    def read(self, number: int, columns: list[str] | None = None) -> "pa.Table":
        """Return a part, or some of its columns."""
        import pyarrow as pa

        with pa.OSFile(str(self._file(number))) as file:
            names = pa.ipc.open_file(file).schema.names
            options = pa.ipc.IpcReadOptions(included_fields=[names.index(name) for name in columns or names])
            found = pa.ipc.open_file(file, options=options).read_all()
        return found if columns is None else found.select(columns)

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:06d}.arrow"


@contextmanager
def spooling(path: Path) -> Iterator[Spool]:
    """Yield a spool beside `path` that is gone afterwards, and with it what a killed run may have left."""
    folder = path.with_name(f".{path.name}.parts")
    remove(folder)
    folder.mkdir(parents=True)
    try:
        yield Spool(folder)
    finally:
        remove(folder)
