"""Terminal: how a command reads the repository, speaks, and says what went wrong."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from keepfit.errors import KeepfitError

if TYPE_CHECKING:
    import pandas as pd

PARAMS, CONF = Path("params.yaml"), Path("conf")


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Show a KeepfitError as one line, and end with status 1."""
    try:
        yield
    except KeepfitError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        raise typer.Exit(1) from None


def say(text: str) -> None:
    """Write a line."""
    sys.stdout.write(text + "\n")


def show_lines(lines: list[tuple[str, str]]) -> None:
    """Write names and what belongs to them, in two columns."""
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in lines:
        table.add_row(name, value)
    Console().print(table, markup=False, highlight=False)


def show_table(frame: "pd.DataFrame") -> None:
    """Write a frame as an aligned table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*map(str, frame.columns), box=None)
    for row in frame.astype(str).itertuples(index=False):
        table.add_row(*row)
    # In a file or a pipe no line ends early.
    console = Console(width=None if sys.stdout.isatty() else 1000)
    console.print(table, markup=False, highlight=False)
