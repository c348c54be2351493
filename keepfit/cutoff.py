"""Cut-off: how far `dataset.until` moves in a run of the loop."""

from datetime import date, datetime, time, timedelta

from keepfit.errors import SettingsError
from keepfit.spans import parse_span

Moment = date | datetime


def next_cutoff(until: Moment | None, advance: int | str, *, today: date) -> Moment | None:
    """Return where the cut-off moves: to `today`, or `advance` further but never past it.

    None stays: such a source has no cut-off, and is pinned by its hash. A cut-off that lies ahead of today stays.
    Raises SettingsError where `advance` is a number of rows.
    """
    if until is None:
        return None
    if advance == "today":
        return max(until, today, key=_order)
    span = parse_span(advance)
    if isinstance(span, int):
        raise SettingsError(f"retrain.advance: {advance!r}: allowed: today, or a length of time such as 7D")
    if not isinstance(until, datetime):
        return max(until, min(until + timedelta(days=max(1, span.days)), today))
    return max(until, min(until + span.to_pytimedelta(), datetime.combine(today, time.max, until.tzinfo)))


def parse_cutoff(text: str) -> Moment:
    """Return the date or the moment that a person wrote; raise SettingsError."""
    try:
        return date.fromisoformat(text) if len(text) == len("2020-01-01") else datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"cut-off {text!r}: allowed: a date such as 2018-03-31, or a moment") from None


def _order(moment: Moment) -> datetime:
    return moment.replace(tzinfo=None) if isinstance(moment, datetime) else datetime.combine(moment, time.min)
