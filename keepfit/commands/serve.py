"""Serving the champion."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from keepfit.commands.keys import where
from keepfit.commands.terminal import PARAMS, one_line_errors

app = typer.Typer()


@app.command()
def serve(
    bento: Annotated[Path | None, typer.Argument(help="The Bento; else that of this use case.")] = None,
    host: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 is everywhere.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port.")] = 3000,
    workers: Annotated[int, typer.Option(help="Processes that answer.")] = 1,
    insecure: Annotated[bool, typer.Option("--insecure", help="Let every request in, without a key.")] = False,
) -> None:
    """Answer requests with the champion, by BentoML. KEEPFIT_* variables set what docs/SERVING.md lists."""
    from keepfit.serving.start import serving_command, serving_environment, tell_start

    with one_line_errors():
        folder = bento or _own_bento()
        env = serving_environment(os.environ, keys=where(None), workers=workers, insecure=insecure)
        command = serving_command(folder, host=host, port=port)
        for line in tell_start(env, host=host, port=port):
            sys.stderr.write(line + "\n")
        sys.stderr.flush()
        # The signals that stop this process are the server's own.
        os.execvpe(command[0], command, env)  # noqa: S606 - by its full path


def _own_bento() -> Path:
    from keepfit.settings import load_settings

    return Path("models", load_settings(PARAMS).dataset.name, "bento")
