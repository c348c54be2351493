"""The keys that the service lets in."""

import os
from pathlib import Path
from typing import Annotated

import typer

from keepfit.commands.terminal import one_line_errors, say

app = typer.Typer(help="The API keys that the service lets in.", no_args_is_help=True)

KEYS = Path("outputs/serving/keys.json")
# What an application needs.
ROLE = ("predict", "feedback")
File = Annotated[
    Path | None, typer.Option("--file", help=f"The file of the keys' hashes; else KEEPFIT_KEYS, else {KEYS}.")
]
Name = Annotated[str, typer.Argument(help="The key's id: the twelve digits after kf_.")]


@app.command()
def create(
    scope: Annotated[
        list[str] | None,
        typer.Option(help="predict, feedback, read or admin; several times; else predict and feedback."),
    ] = None,
    rate: Annotated[float, typer.Option(help="Requests a second.")] = 1000.0,
    days: Annotated[float | None, typer.Option(max=36_500, help="Days until it expires; else never.")] = None,
    note: Annotated[str, typer.Option(help="Whose it is.")] = "",
    file: File = None,
) -> None:
    """Make a key. It is shown once: the file has its SHA-256 alone."""
    from datetime import timedelta

    from keepfit.serving.keys import create_key

    with one_line_errors():
        lifetime = None if days is None else timedelta(days=days)
        _, token = create_key(where(file), tuple(scope or ROLE), rate=rate, lifetime=lifetime, note=note)  # type: ignore[arg-type]
        say(token)


@app.command(name="list")
def show(file: File = None) -> None:
    """List the keys: id, scopes, rate, when made, until when, whose."""
    import pandas as pd

    from keepfit.commands.terminal import show_table
    from keepfit.serving.keys import read_keys

    with one_line_errors():
        keys = read_keys(where(file))
        if not keys:
            say(f"{where(file)}: no keys; `keepfit keys create` makes one")
            return
        told = [
            {
                "id": key.id,
                "scopes": ",".join(key.scopes),
                "rate": f"{key.rate:g}",
                "created": f"{key.created:%Y-%m-%d %H:%M}",
                "expires": f"{key.expires:%Y-%m-%d %H:%M}" if key.expires else "never",
                "note": key.note,
            }
            for key in keys
        ]
        show_table(pd.DataFrame(told))


@app.command()
def revoke(name: Name, file: File = None) -> None:
    """Take a key out: services that run let it in no longer, within a second."""
    from keepfit.serving.keys import revoke_key

    with one_line_errors():
        revoke_key(where(file), name)
        say(f"{name} revoked")


@app.command()
def rotate(
    name: Name,
    grace: Annotated[float, typer.Option(help="Hours for which the old one is good beside the new one.")] = 24.0,
    file: File = None,
) -> None:
    """Make a key with the rights of another one, which expires after a while."""
    from datetime import timedelta

    from keepfit.serving.keys import rotate_key

    with one_line_errors():
        _, token = rotate_key(where(file), name, grace=timedelta(hours=grace))
        say(token)


def where(file: Path | None) -> Path:
    """Return the file of the keys: the one named, or the environment's, or the repository's."""
    return file or Path(os.environ.get("KEEPFIT_KEYS") or KEYS)
