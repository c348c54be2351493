"""Files that are whole or not there: every write goes to a temporary name first."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# Rows of a Parquet file's row groups: what is read, written and held at a time.
GROUP = 2**18


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name; when the block ends well, what is there takes the place of `path`.

    A kill at any moment leaves the old file or folder, the new one, or (between the two renames of a
    folder) a copy of the old one that `restore` puts back.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    restore(path)
    partial = path.with_name(f".{path.name}.partial")
    remove(partial)
    try:
        yield partial
        if path.is_dir():
            path.replace(_previous(path))
        partial.replace(path)
    finally:
        restore(path)
        remove(partial)


def restore(path: Path) -> None:
    """Put a folder back that a failed or killed `replacing` had moved out of the way."""
    if _previous(path).exists() and not path.exists():
        _previous(path).replace(path)
    remove(_previous(path))


def _previous(path: Path) -> Path:
    return path.with_name(f".{path.name}.previous")


def remove(path: Path) -> None:
    """Remove a file or a folder, where there is one."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_table(path: Path, frame: "pd.DataFrame") -> None:
    """Write a frame as Parquet; equal frames give equal bytes."""
    with replacing(path) as partial:
        frame.to_parquet(partial, index=False, row_group_size=GROUP)


def read_table(path: Path, columns: list[str] | None = None) -> "pd.DataFrame":
    """Read a Parquet table, or some of its columns."""
    import pandas as pd

    return pd.read_parquet(path, columns=columns)


def write_curves(folder: Path, curves: "dict[str, pd.DataFrame]") -> None:
    """Write a folder of CSV files, one a table."""
    with replacing(folder) as partial:
        partial.mkdir()
        for name, curve in curves.items():
            curve.to_csv(partial / f"{name}.csv", index=False)


def write_json(path: Path, value: Any) -> None:
    """Write JSON that a person can read and that two runs write alike; NaN is refused."""
    with replacing(path) as partial:
        partial.write_text(json.dumps(value, indent=2, allow_nan=False, default=str) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file, or None where there is none."""
    return json.loads(path.read_text()) if path.exists() else None


def hash_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_json(value: Any) -> str:
    """The SHA-256 of a value's canonical JSON, in hexadecimal."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
