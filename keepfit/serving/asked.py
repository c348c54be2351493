"""Asked: what a request to /predict asks for beside the scores, in its query string."""

from dataclasses import dataclass
from urllib.parse import parse_qsl

from keepfit.passport import Passport
from keepfit.servable import Servable
from keepfit.serving.problems import Refusal


@dataclass(frozen=True, slots=True)
class Asked:
    """How many reasons, and how wide an interval on either side of the score."""

    reasons: int = 0
    half_width: float | None = None


NOTHING = Asked()


def read_asked(query: bytes, passport: Passport, servable: Servable | None) -> Asked:
    """Return what a query string asks for; raise Refusal."""
    if not query:
        return NOTHING
    try:
        given = parse_qsl(query.decode(), keep_blank_values=True, max_num_fields=10)
    except ValueError:
        raise Refusal(422, "query string: not UTF-8, or more than 10 fields") from None
    names = [name for name, _ in given]
    other = next((name for name in names if name not in ("explain", "interval") or names.count(name) > 1), None)
    # A name may be empty.
    if other is not None:
        raise Refusal(422, f"query string: {other[:50]!r}; allowed: explain and interval, each once")
    asked = dict(given)
    return Asked(
        reasons=_read_reasons(asked["explain"], passport, servable) if "explain" in asked else 0,
        half_width=_read_width(asked["interval"], passport, servable) if "interval" in asked else None,
    )


def _read_reasons(text: str, passport: Passport, servable: Servable | None) -> int:
    if servable is None:
        raise Refusal(422, "explain: this champion was packaged without typical values")
    most = len(passport.features)
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= most):
        raise Refusal(422, f"explain: {text[:50]!r}; allowed: 1 to {most} features")
    return int(text)


def _read_width(text: str, passport: Passport, servable: Servable | None) -> float:
    if passport.task != "regression":
        raise Refusal(422, f"interval: for a regression; the task is {passport.task}, whose scores are probabilities")
    widths = servable.residuals if servable else {}
    try:
        return {float(level): width for level, width in widths.items()}[float(text)]
    except (KeyError, ValueError):
        raise Refusal(422, f"interval: {text[:50]!r}; allowed: {', '.join(widths) or 'none'}") from None
