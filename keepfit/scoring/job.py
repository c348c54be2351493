"""Job: the parts of one scoring, each whole or not there, and what is made of them in the end.

Parts stand in a folder beside the output, a number each; the mark of a part is written when its tables are.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keepfit.errors import ScoringError
from keepfit.files import read_json, remove, replacing, write_json
from keepfit.scoring.chunks import kind_of
from keepfit.section import Section

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class Order(Section):
    """What is scored, by what, and how it is cut: another order is another job."""

    digest: str
    files: tuple[tuple[str, int, int], ...]
    keep: tuple[str, ...]
    size: int


class Mark(Section):
    """What became of the rows of one part: read, scored, set aside, and read as history alone."""

    chunk: int
    file: int
    rows: int
    scored: int
    quarantined: int
    history: int


@dataclass(frozen=True)
class Job:
    """The folder of the parts, and the output that is made of them."""

    out: Path

    @property
    def folder(self) -> Path:
        """Where the parts are."""
        return self.out.with_name(f"{self.out.name}.parts")

    @property
    def quarantine(self) -> Path:
        """Where the rows go that could not be scored."""
        return self.out.with_name(f"{self.out.stem}.quarantine{self.out.suffix}")

    @property
    def _done(self) -> Path:
        # Parts that are in the output: never those of a job that can go on, whatever of them is left.
        return self.out.with_name(f".{self.out.name}.parts.done")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs from the output for as long as the block takes; raise ScoringError where one is at work."""
        lock = self.out.with_name(f".{self.out.name}.lock")
        lock.parent.mkdir(parents=True, exist_ok=True)
        with lock.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ScoringError(f"{self.out}: another `keepfit score` is writing it") from None
            # Removed by one that ended just now, it would keep nobody out who comes later.
            if not (lock.exists() and os.path.samestat(os.fstat(file.fileno()), lock.stat())):
                raise ScoringError(f"{self.out}: another `keepfit score` was writing it a moment ago; try again")
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)

    def refuse(self, files: list[Path]) -> None:
        """Raise ScoringError where a file is one that the job writes, or is among its parts."""
        for file in files:
            here = file.resolve()
            if here == self.out.resolve():
                raise ScoringError(f"{self.out}: is one of the inputs")
            if here == self.quarantine.resolve() or self.folder.resolve() in here.parents:
                raise ScoringError(f"{file}: is what is written for {self.out}; give one of them another name")

    def begin(self, order: Order) -> dict[tuple[int, int], Mark]:
        """Return what is done already, by file and chunk; raise ScoringError where the parts are of another order."""
        kind_of(self.out)
        remove(self._done)
        self.folder.mkdir(parents=True, exist_ok=True)
        if (begun := read_json(self.folder / "order.json")) is None:
            if any(self.folder.glob("[!.]*")):
                raise ScoringError(f"{self.folder}: not the parts of a job that can go on; remove it to begin anew")
            write_json(self.folder / "order.json", order.model_dump(mode="json"))
        elif Order.model_validate(begun) != order:
            raise ScoringError(
                f"{self.folder}: parts of another job (other files, champion or columns); remove it to begin anew"
            )
        return {(mark.file, mark.chunk): mark for mark in self.marks()}

    def marks(self) -> list[Mark]:
        """Return the marks of the parts that are whole, in the order of the rows."""
        return [Mark.model_validate(read_json(file)) for file in sorted(self.folder.glob("*.mark.json"))]

    def write(self, mark: Mark, scores: "pa.Table", quarantine: "pa.Table", tail: "pd.DataFrame | None") -> None:
        """Write a part, its mark last."""
        for name, table in (("scores", scores), ("quarantine", quarantine)):
            if table.num_rows:
                with replacing(self._part(mark.file, mark.chunk, f"{name}.arrow")) as partial:
                    _write(partial, table)
        if tail is not None:
            with replacing(self._part(mark.file, mark.chunk, "tail.parquet")) as partial:
                tail.to_parquet(partial)
        write_json(self._part(mark.file, mark.chunk, "mark.json"), mark.model_dump(mode="json"))

    def read_tail(self, file: int, chunk: int) -> "pd.DataFrame":
        """Return the rows on which the next chunk looks back."""
        import pandas as pd

        return pd.read_parquet(self._part(file, chunk, "tail.parquet"))

    def finish(self) -> None:
        """Make the output and the quarantine of all parts, and remove them; raise ScoringError where one is gone."""
        if not (self.folder / "order.json").exists():
            raise ScoringError(f"{self.folder}: removed while it was at work")
        marks = self.marks()
        self._merge("scores", self.out, [mark for mark in marks if mark.scored])
        self._merge("quarantine", self.quarantine, [mark for mark in marks if mark.quarantined])
        # At once: what a kill leaves of them is no job.
        self.folder.replace(self._done)
        remove(self._done)

    def _merge(self, name: str, out: Path, marks: list[Mark]) -> None:
        parts = [self._part(mark.file, mark.chunk, f"{name}.arrow") for mark in marks]
        if missing := [part for part in parts if not part.exists()]:
            raise ScoringError(f"{missing[0]}: gone; remove {self.folder} to begin anew")
        if not parts:
            out.unlink(missing_ok=True)
            return
        with replacing(out) as partial, _Writer(partial, kind_of(out), _read(parts[0])) as write:
            for part in parts:
                write(_read(part))

    def _part(self, file: int, chunk: int, name: str) -> Path:
        return self.folder / f"{file:05}-{chunk:07}.{name}"


# A part is read once and removed: what it takes to write counts, not its size.
def _write(part: Path, table: "pa.Table") -> None:
    import pyarrow as pa

    with pa.OSFile(str(part), "wb") as file, pa.ipc.new_file(file, table.schema) as sink:
        sink.write_table(table)


def _read(part: Path) -> "pa.Table":
    import pyarrow as pa

    with pa.memory_map(str(part)) as file:
        return pa.ipc.open_file(file).read_all()


class _Writer:
    """A file to which tables of one schema are written."""

    def __init__(self, path: Path, kind: str, first: "pa.Table") -> None:
        import pyarrow as pa
        import pyarrow.csv as pc
        import pyarrow.parquet as pq

        schema = first.schema.remove_metadata()
        texts = [each.name for each in schema if pa.types.is_dictionary(each.type)]
        if kind == "csv":
            schema = pa.schema([(each.name, _plain(each.type)) for each in schema])
            self._sink = pc.CSVWriter(path, schema)
        else:
            # No two scores are equal, and no two places.
            self._sink = pq.ParquetWriter(path, schema, use_dictionary=texts)
        self._schema = schema

    def __enter__(self):
        return lambda table: self._sink.write_table(table.select(self._schema.names).cast(self._schema))

    def __exit__(self, *_: object) -> None:
        self._sink.close()


def _plain(kind: "pa.DataType") -> "pa.DataType":
    import pyarrow.types as types

    return kind.value_type if types.is_dictionary(kind) else kind
