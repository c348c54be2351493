"""Frozen: the code of this process stays what it was at the start, whatever is put in the place of its files.

A Bento is replaced as a whole, its sources with it, and some modules are imported only once they are needed.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

from keepfit.errors import RolloverError


class FrozenSources(MetaPathFinder):
    """The sources of packages as they were when it was made; imports of them are served from memory."""

    def __init__(self, root: Path, packages: Iterable[str]) -> None:
        self._root = root
        self._sources: dict[Path, bytes] = {
            file: file.read_bytes() for package in packages for file in (root / package).rglob("*.py")
        }

    def require_unchanged(self) -> None:
        """Raise RolloverError where other code lies there by now."""
        for file, source in self._sources.items():
            if not file.exists() or file.read_bytes() != source:
                raise RolloverError(f"{file}: replaced while this process started with what was there: restart it")

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return the spec of a module of the packages, None of any other."""
        place = self._root.joinpath(*fullname.split("."))
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if file in self._sources:
                return spec_from_file_location(fullname, file, loader=_Loader(fullname, str(file), self._sources))
        return None


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, sources: Mapping[Path, bytes]) -> None:
        super().__init__(fullname, path)
        self._sources = sources

    def get_data(self, path: str) -> bytes:
        return self._sources[Path(path)]

    def path_stats(self, path: str) -> Mapping:
        # Bytecode on the disk may be of the new source.
        raise OSError(f"{path}: read from memory")


def freeze_code(root: Path, packages: Iterable[str]) -> FrozenSources:
    """Import packages under `root` from what is there now, from here on."""
    frozen = FrozenSources(root, packages)
    sys.meta_path.insert(0, frozen)
    return frozen
