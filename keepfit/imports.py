"""Imports: which of the project's files a module's behaviour comes from."""

import ast
import hashlib
from pathlib import Path

PACKAGES = ("keepfit", "features", "service", "stages")


def imported_files(start: Path, root: Path) -> list[Path]:
    """Return the project's files that `start` imports, directly or not, itself first, relative to `root`."""
    found: dict[Path, None] = {}
    waiting = [start]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found[file] = None
            waiting += [name for name in _imports(root / file, root) if name not in found]
    return [start, *sorted(file for file in found if file != start)]


def hash_code(start: Path, root: Path, *, extra: tuple[Path, ...] = ()) -> str:
    """Return one SHA-256 over `start`, the `extra` files and all that they import."""
    digest = hashlib.sha256()
    files = [file for each in (start, *extra) for file in imported_files(each, root)]
    for file in dict.fromkeys(files):
        digest.update(file.as_posix().encode() + b"\0" + (root / file).read_bytes() + b"\0")
    return digest.hexdigest()


def _imports(file: Path, root: Path) -> list[Path]:
    names = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    paths = [Path(*name.split(".")).with_suffix(".py") for name in names if name.split(".")[0] in PACKAGES]
    return [path for path in paths if (root / path).exists()]
