"""Compose: `params.yaml` is what Hydra makes of `conf/`, checked before any stage runs.

DVC composes on `dvc exp run` only, never on `dvc repro`; this calls the function that DVC calls, so
that both write the same bytes.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from keepfit.errors import SettingsError
from keepfit.files import replacing
from keepfit.settings import check_settings

# `now` gives a new value every run, the others bake the machine into a versioned file.
FORBIDDEN = re.compile(r"\$\{\s*(now|oc\.env|hydra)[:.]")
GROUPS = ("dataset", "objective", "model", "search", "drift", "engine")
UNSET = re.compile(r"^[\s-]*([^\s:]+):\s*(['\"]?)\?\?\?\2\s*(#.*)?$", re.MULTILINE)
NAME = re.compile(r"^name:\s*['\"]?([^\s'\"]+)", re.MULTILINE)
DEFAULT_DATASET = re.compile(r"^([ \t]*-[ \t]*dataset:[ \t]*)\S+", re.MULTILINE)


def compose(conf: Path, *, overrides: list[str]) -> str:
    """Return the text of the parameter file that `conf` and the overrides compose; raise SettingsError."""
    refuse_unstable(conf)
    _refuse_borrowed_names(conf)
    with TemporaryDirectory() as folder:
        output = Path(folder, "params.yaml")
        _compose_as_dvc_does(output, conf, overrides)
        text = output.read_text()
    _refuse_unset(text, conf)
    values = yaml.load(text, Loader=yaml.CSafeLoader)
    check_settings(values, file=_files(conf, overrides))
    _refuse_missing_files(values, conf)
    return text


def refuse_unstable(conf: Path) -> None:
    """Raise SettingsError where a file of `conf` uses a resolver whose value depends on the machine or the time."""
    for place, line in _lines(conf):
        if found := FORBIDDEN.search(line):
            raise SettingsError(
                f"{place}: {found.group()}…}} gives another value on another machine or "
                "run; allowed: plain values and ${key} of the same configuration"
            )


def choose_dataset(conf: Path, name: str) -> str:
    """Return the text of `conf/config.yaml` with `name` as its dataset; raise SettingsError."""
    known = sorted(file.stem for file in (conf / "dataset").glob("*.yaml"))
    if name not in known:
        raise SettingsError(f"{conf}/dataset: no {name}.yaml; there are: {', '.join(known)}")
    text, count = DEFAULT_DATASET.subn(rf"\g<1>{name}", (conf / "config.yaml").read_text())
    if count != 1:
        raise SettingsError(f"{conf}/config.yaml: {count} lines `- dataset: NAME` among its defaults; allowed: 1")
    return text


def write_params(conf: Path, params: Path, *, dataset: str | None) -> None:
    """Compose `conf` into `params`, and make `dataset` the default where one is named."""
    overrides = []
    config = None
    if dataset is not None:
        config = choose_dataset(conf, dataset)
        overrides = [f"dataset={dataset}"]
    text = compose(conf, overrides=overrides)
    if config is not None and config != (conf / "config.yaml").read_text():
        with replacing(conf / "config.yaml") as partial:
            partial.write_text(config)
    if not params.exists() or params.read_text() != text:
        with replacing(params) as partial:
            partial.write_text(text)


def check_params(conf: Path, params: Path) -> None:
    """Raise SettingsError where `params` is not, byte by byte, what `conf` composes."""
    if not params.exists() or params.read_text() != compose(conf, overrides=[]):
        raise SettingsError(f"{params} is not what {conf}/ composes; `make params` writes it")


def _lines(conf: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(conf.rglob("*.yaml")):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            yield f"{file}:{number}", line


def _refuse_borrowed_names(conf: Path) -> None:
    # Paths carry the name: a copied file that kept its name would overwrite the other dataset's champion.
    for file in sorted((conf / "dataset").glob("*.yaml")):
        found = NAME.search(file.read_text())
        if found is None or found[1] != file.stem:
            raise SettingsError(f"{file}: name: {found and found[1]}; allowed: {file.stem}, the name of the file")


def _refuse_unset(text: str, conf: Path) -> None:
    unset = {found[1] for found in UNSET.finditer(text)}
    places = [place for place, line in _lines(conf) if (found := UNSET.match(line)) and found[1] in unset]
    if unset:
        raise SettingsError(
            f"{', '.join(places) or conf}: no value for {', '.join(sorted(unset))}; ??? must be replaced"
        )


def _compose_as_dvc_does(output: Path, conf: Path, overrides: list[str]) -> None:
    from dvc.exceptions import DvcException
    from dvc.utils.hydra import compose_and_dump
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        compose_and_dump(str(output), str(conf.resolve()), None, "config", "", overrides)
    except (DvcException, HydraException, OmegaConfBaseException, yaml.YAMLError) as error:
        raise SettingsError(f"{conf}/: {' '.join(str(error).split())}") from None


def _files(conf: Path, overrides: list[str]) -> Callable[[str], str]:
    """Return what names the file of `conf` that holds the key with which a problem begins."""
    listed = yaml.load((conf / "config.yaml").read_text(), Loader=yaml.CSafeLoader).get("defaults") or []
    choices = {key: value for each in listed if isinstance(each, dict) for key, value in each.items()}
    choices |= {key.lstrip("+"): value for key, _, value in (each.partition("=") for each in overrides)}

    def name(problem: str) -> str:
        group = re.split(r"\W", problem, maxsplit=1)[0]
        if group not in GROUPS:
            return f"{conf}/config.yaml"
        choice = str(choices.get(group)).replace("${dataset}", str(choices.get("dataset")))
        file = conf / group / f"{choice}.yaml"
        return str(file) if file.exists() else f"{conf}/{group}/"

    return name


def _refuse_missing_files(values: dict, conf: Path) -> None:
    dataset = values["dataset"]
    for key, file in {
        "dataset.features.module": f"features/{dataset['features']['module']}.py",
        "dataset.source.watch": dataset["source"]["watch"],
    }.items():
        if not Path(conf.parent, file).exists():
            raise SettingsError(f"{conf}/dataset/{dataset['name']}.yaml: {key}: no file {file}")
