"""Describe a table of one's own: what `make repro DATASET=NAME` needs."""

import os
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keepfit.commands.terminal import CONF, one_line_errors, say, show_lines, show_table
from keepfit.errors import KeepfitError, SourceError

if TYPE_CHECKING:
    from keepfit.propose import Proposal
    from keepfit.propose_splits import Bounds

app = typer.Typer()


@app.command()
def init(
    source: Annotated[
        str,
        typer.Argument(help="A CSV, Parquet or JSON-lines file, a glob in quotes, or a database URL or its variable."),
    ],
    target: Annotated[str, typer.Option(help="The column to predict.")],
    time: Annotated[str | None, typer.Option(help="The column that orders the rows in time.")] = None,
    task: Annotated[str | None, typer.Option(help="binary, multiclass or regression.")] = None,
    name: Annotated[str | None, typer.Option(help="What to call the dataset; the file's name by default.")] = None,
    query: Annotated[str | None, typer.Option(help="The query to run on a database, with an ORDER BY.")] = None,
    features: Annotated[bool, typer.Option("--features", help="Write features/NAME.py as well.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
) -> None:
    """Look at a table and write what to declare about it to conf/, to be read and mended."""
    from keepfit.progress import working
    from keepfit.propose import propose
    from keepfit.propose_label import as_task
    from keepfit.undeclared import read_undeclared

    with one_line_errors():
        asked = as_task(task)
        chosen = _choose_name(name, source)
        declared, url = _declare_source(source, query, chosen)
        if url:
            os.environ[declared.url_variable] = url
        paths = _paths(chosen, features=features)
        if taken := [str(path) for path in paths.values() if path.exists() and not force]:
            raise KeepfitError(
                f"{', '.join(taken)}: there already; --force writes over it, --name chooses another name"
            )
        bounds = _read_bounds()
        with working(f"looking at {source if not url else chosen}"):
            proposal = propose(
                read_undeclared(declared),
                name=chosen,
                source=declared,
                target=target,
                time=time,
                task=asked,
                bounds=bounds,
            )
        _write(proposal, paths, origin=declared.query if url else source)
        _tell(proposal, paths, url_variable=declared.url_variable if url else None)


def _choose_name(name: str | None, source: str) -> str:
    stem = re.split(r"[?*\[]", source.rpartition("://")[2])[0].rstrip("/")
    plain = unicodedata.normalize("NFKD", name or Path(stem).stem or "mine").encode("ascii", "ignore").decode()
    chosen = re.sub(r"\W+", "_", plain).strip("_").lower() or "mine"
    if name is not None and chosen != name:
        raise KeepfitError(f"--name {name}: allowed: small letters, digits and _, such as {chosen}")
    return f"t_{chosen}" if chosen[0].isdigit() else chosen


def _declare_source(source: str, query: str | None, name: str) -> "tuple[Any, str | None]":
    from keepfit.dataset import FileSource, SqlSource

    if query is not None:
        in_variable = source in os.environ
        variable = source if in_variable else f"{name.upper()}_URL"
        declared = SqlSource(
            kind="sql", url_variable=variable, query=query, watch=str(CONF / "dataset" / f"{name}.yaml")
        )
        return declared, os.environ[source] if in_variable else source
    if "://" in source and not source.startswith(("http", "s3", "gs", "abfs", "file", "ssh", "sftp")):
        raise SourceError(f"{source.partition('://')[0]}://…: a database needs --query 'select … order by …'")
    return FileSource(kind="file", path=source, watch=_watch(source, name)), None


def _watch(source: str, name: str) -> str:
    if "://" in source:
        return str(CONF / "dataset" / f"{name}.yaml")
    if not re.search(r"[*?\[]", source):
        return source
    folder = Path(re.split(r"[*?\[]", source)[0] + "x").parent
    if folder in (Path(), Path("data")):
        raise SourceError(
            f"{source}: put the files into a folder of their own, such as inbox/, whose change means new data"
        )
    return str(folder)


def _paths(name: str, *, features: bool) -> dict[str, Path]:
    written = {"dataset": CONF / "dataset" / f"{name}.yaml", "objective": CONF / "objective" / f"{name}.yaml"}
    return {**written, "features": Path("features", f"{name}.py")} if features else written


def _read_bounds() -> "Bounds":
    import yaml

    from keepfit.propose_splits import Bounds

    file = CONF / "config.yaml"
    if not file.exists():
        raise KeepfitError(f"{file}: not there; run this in the folder of a Keepfit repository")
    values = yaml.safe_load(file.read_text())
    return Bounds(
        min_rows=values["train"]["min_rows"],
        folds=values["train"]["folds"],
        judged_rows=values["gate"]["min_rows"],
        quota=values["validate"]["quota"],
    )


def _write(proposal: "Proposal", paths: dict[str, Path], *, origin: str) -> None:
    from keepfit.files import replacing
    from keepfit.scaffold import with_module, write_dataset, write_features, write_objective

    if "features" in paths:
        proposal = with_module(proposal)
    texts = {"dataset": write_dataset(proposal, origin=origin), "objective": write_objective(proposal)}
    if "features" in paths:
        texts["features"] = write_features(proposal)
    for key, path in paths.items():
        with replacing(path) as partial:
            partial.write_text(texts[key], encoding="utf-8")


def _tell(proposal: "Proposal", paths: dict[str, Path], *, url_variable: str | None) -> None:
    import pandas as pd

    show_table(pd.DataFrame([vars(each) for each in proposal.choices]))
    say("")
    lines = [("assumed", each) for each in proposal.assumed]
    lines += [("look at", each) for each in proposal.look_at]
    lines += [("wrote", str(path)) for path in paths.values()]
    if url_variable:
        lines.append(("set", f"{url_variable} to the database's URL, which is written nowhere"))
    show_lines([*lines, ("next", f"read the files above, then `make repro DATASET={proposal.dataset.name}`")])
