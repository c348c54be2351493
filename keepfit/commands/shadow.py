"""The challenger beside the champion: how they compare on what was served, and a canary that is to answer again."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keepfit.commands.terminal import PARAMS, one_line_errors, say, show_lines

if TYPE_CHECKING:
    from keepfit.rivals import Comparison, LossGap

app = typer.Typer(no_args_is_help=True, help="The challenger beside the champion.")
Folder = Annotated[Path | None, typer.Option(help="The folder of the log; else KEEPFIT_LOG_FOLDER, else .keepfit.")]


@app.command()
def report(
    folder: Folder = None,
    since: Annotated[str | None, typer.Option(help="How far back, such as 7D or 12h; else all that is kept.")] = None,
    challenger: Annotated[str | None, typer.Option(help="The start of its digest; else the newest.")] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Compare champion and challenger on the requests that both have scored, by the prediction log."""
    import time

    import pandas as pd

    from keepfit.errors import LogError
    from keepfit.rivals import compare
    from keepfit.serving.location import read_folder, read_url
    from keepfit.serving.pairs import read_pairs
    from keepfit.serving.tables import open_log, prepare
    from keepfit.settings import load_settings

    with one_line_errors():
        settings = load_settings(PARAMS)
        try:
            start = time.time_ns() - pd.Timedelta(since).value if since else 0
        except ValueError:
            raise LogError(f"--since {since}: allowed: a length of time, such as 7D or 12h") from None
        engine = open_log(read_url(os.environ, folder or read_folder(os.environ)))
        prepare(engine)
        pairs = read_pairs(engine, settings.dataset, since_ns=start, challenger=challenger)
        found = compare(*pairs, settings)
        if json:
            say(found.model_dump_json(indent=2))
        else:
            show_lines(tell(found))


@app.command()
def resume(
    file: Annotated[
        Path | None, typer.Argument(help="The file of the fall-back; else the one in the log's folder.")
    ] = None,
) -> None:
    """Let a canary answer again that fell back to the champion: in every worker, within seconds."""
    from keepfit.errors import LogError
    from keepfit.serving.canary import MARKER, read_fallback
    from keepfit.serving.location import read_folder

    with one_line_errors():
        named = file or Path(os.environ.get("KEEPFIT_CANARY_FILE") or read_folder(os.environ) / MARKER)
        fallback = read_fallback(named)
        if fallback is None:
            raise LogError(f"{named}: no fall-back is told of there")
        named.unlink()
        say(f"{fallback.digest[:12]} answers again; it fell back at {fallback.at}: {fallback.why}")


def tell(found: "Comparison") -> list[tuple[str, str]]:
    """Return the lines of the report."""
    flips = "none: a regression decides nothing" if found.flips is None else f"{found.flips:,} ({_share(found)})"
    ours, theirs = found.speed["champion"], found.speed["challenger"]
    return [
        ("champion", found.champion),
        ("challenger", found.challenger),
        ("rows", f"{found.rows:,} from {found.first[:19]} to {found.last[:19]} UTC"),
        (
            "scores differ by",
            f"{found.mean_difference:.4g}; 95 % by {found.p95_difference:.4g} at most; {_extremes(found)}",
        ),
        ("decisions flip", flips),
        *((f"  {which}", f"{count:,}") for which, count in found.flipped.items()),
        ("median time", f"{ours.median:.3g} ms, challenger {theirs.median:.3g} ms"),
        ("95 % within", f"{ours.p95:.3g} ms, challenger {theirs.p95:.3g} ms"),
        *(_tell_loss(found.loss) if found.loss else [("loss", "unknown: no outcome has come yet")]),
    ]


def _share(found: "Comparison") -> str:
    return f"{(found.flips or 0) / found.rows:.2%}"


def _extremes(found: "Comparison") -> str:
    return f"the largest {found.largest_difference:.4g}; {found.equal:,} are equal"


def _tell_loss(loss: "LossGap") -> list[tuple[str, str]]:
    interval = f" ({loss.low:+.4g} to {loss.high:+.4g})" if loss.low is not None else ""
    return [
        (loss.metric, f"{loss.champion:.4g}, challenger {loss.challenger:.4g}, on {loss.rows:,} rows with an outcome"),
        ("  challenger's more", f"{loss.gap:+.4g}{interval}"),
        ("  so", loss.verdict),
    ]
