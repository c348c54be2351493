"""Declare: a value written into a file of `conf/`, whose comments and layout stay."""

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from keepfit.errors import SettingsError
from keepfit.files import replacing

Leaf = tuple[str, ...]


def declare(file: Path, values: Mapping[Leaf, Any]) -> bool:
    """Set the keys of a YAML file, and return whether that changed it; raise SettingsError where a key is not there."""
    document, parser = read_document(file)
    for path, value in values.items():
        place = document
        for key in path[:-1]:
            place = place.get(key) if isinstance(place, dict) else None
        if not isinstance(place, dict) or path[-1] not in place:
            raise SettingsError(f"{file}: no key {'.'.join(path)}; write it there first")
        place[path[-1]] = value
    return write_document(file, document, parser)


def read_document(file: Path) -> tuple[Any, Any]:
    """Return a YAML file with its comments, and the parser that writes it back as it was."""
    from ruamel.yaml import YAML

    parser = YAML()
    parser.preserve_quotes = True
    parser.width = 4096
    parser.indent(mapping=2, sequence=4, offset=2)
    parser.representer.add_representer(
        type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    return parser.load(file.read_text()), parser


def write_document(file: Path, document: Any, parser: Any) -> bool:
    """Write what `read_document` gave, and return whether the file changed."""
    stream = StringIO()
    parser.dump(document, stream)
    if stream.getvalue() == file.read_text():
        return False
    with replacing(file) as partial:
        partial.write_text(stream.getvalue())
    return True
