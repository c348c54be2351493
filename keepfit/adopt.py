"""Adopt: what an experiment changed, written back to `conf/`, so that it and `params.yaml` agree.

`dvc exp run -S` leaves its overrides in params.yaml alone, and composing loses them (treeverse/dvc#8355).
"""

from pathlib import Path
from typing import Any

import yaml

from keepfit.compose import compose
from keepfit.declare import read_document, write_document
from keepfit.errors import SettingsError
from keepfit.files import replacing

# In this order, since other sections may take their values from the dataset's.
FIRST = ("dataset", "objective")
GONE = object()
Leaves = dict[tuple[str, ...], Any]


def flatten(values: dict[str, Any]) -> Leaves:
    """Return the leaves of nested mappings by their path; lists and empty mappings are leaves."""
    leaves: Leaves = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            leaves |= {(str(key), *path): leaf for path, leaf in flatten(value).items()}
        else:
            leaves[(str(key),)] = value
    return leaves


def find_changes(before: dict[str, Any], after: dict[str, Any]) -> Leaves:
    """Return the leaves that `after` has otherwise, GONE for those that it has no more."""
    old, new = flatten(before), flatten(after)
    changed = {path: value for path, value in new.items() if path not in old or old[path] != value}
    return changed | {path: GONE for path in old if path not in new}


def adopt(conf: Path, before: dict[str, Any], after: dict[str, Any]) -> list[Path]:
    """Change the files of `conf` so that they compose what differs between `before` and `after`; return them.

    Comments stay. Where the files cannot be made to compose it, they are left as they were, and SettingsError is
    raised.
    """
    wanted = find_changes(before, after)
    files = {file: file.read_text() for file in sorted(conf.rglob("*.yaml"))}
    try:
        _choose_groups(conf, wanted, after)
        left = _missing(conf, wanted)
        for group in [*FIRST, *(name for name in _choices(conf) if name not in FIRST), None]:
            if _write_leaves(conf, group, left):
                left = _missing(conf, wanted)
        if left:
            names = ", ".join(".".join(path) for path in left)
            raise SettingsError(f"{conf}/ cannot be made to compose {names}: write them by hand")
    except BaseException:
        for file, text in files.items():
            if file.read_text() != text:
                _replace(file, text)
        raise
    return [file for file, text in files.items() if file.read_text() != text]


def _missing(conf: Path, wanted: Leaves) -> Leaves:
    found = flatten(yaml.load(compose(conf, overrides=[]), Loader=yaml.CSafeLoader))
    return {path: value for path, value in wanted.items() if found.get(path, GONE) != value}


def _choices(conf: Path) -> dict[str, str]:
    listed = yaml.load((conf / "config.yaml").read_text(), Loader=yaml.CSafeLoader)["defaults"]
    return {key: str(value) for each in listed if isinstance(each, dict) for key, value in each.items()}


def _choose_groups(conf: Path, wanted: Leaves, after: dict[str, Any]) -> None:
    # A group's file is chosen where it explains more of what changed than the present one does.
    document, parser = read_document(conf / "config.yaml")
    for group, present in _choices(conf).items():
        if group in FIRST or not any(path[0] == group for path in wanted):
            continue
        options = {
            file.stem: yaml.load(file.read_text(), Loader=yaml.CSafeLoader)
            for file in sorted((conf / group).glob("*.yaml"))
        }
        distance = {name: len(find_changes(values, after[group])) for name, values in options.items()}
        best = min(distance, key=lambda name: (distance[name], name != present))
        for each in document["defaults"]:
            if isinstance(each, dict) and group in each:
                each[group] = best
    write_document(conf / "config.yaml", document, parser)


def _write_leaves(conf: Path, group: str | None, leaves: Leaves) -> bool:
    """Write the leaves of a group into its file, those of none into config.yaml; tell whether there were any."""
    chosen = _choices(conf)
    if group is None:
        file, part, depth = conf / "config.yaml", {p: v for p, v in leaves.items() if p[0] not in chosen}, 0
    else:
        name = chosen[group].replace("${dataset}", chosen["dataset"])
        file, part, depth = conf / group / f"{name}.yaml", {p: v for p, v in leaves.items() if p[0] == group}, 1
    if not part:
        return False
    document, parser = read_document(file)
    for path, value in part.items():
        *parents, last = path[depth:]
        place = document
        for key in parents:
            place = place.setdefault(key, {})
        if value is GONE:
            place.pop(last, None)
        else:
            place[last] = _flow(value)
    write_document(file, document, parser)
    return True


def _flow(value: Any) -> Any:
    from ruamel.yaml.comments import CommentedSeq

    if not isinstance(value, list):
        return value
    items = CommentedSeq(value)
    items.fa.set_flow_style()
    return items


def _replace(file: Path, text: str) -> None:
    with replacing(file) as partial:
        partial.write_text(text)
