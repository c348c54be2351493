"""Options: how the service behaves, read from `KEEPFIT_*` environment variables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from keepfit.errors import SettingsError
from keepfit.section import Section

PREFIX = "KEEPFIT_"


class ServiceOptions(Section):
    """Each field is the variable `KEEPFIT_` and its name in capitals."""

    # The bundle that is served; None: the one that the Bento holds.
    champion: Path | None = None
    # The file of the API keys' hashes; None: no request but the probes' is let in.
    keys: Path | None = None
    # Every request is let in, without a key.
    insecure: bool = False
    # Who may read /metrics: a key of scope `read`, any client on loopback, or anyone.
    metrics: Literal["key", "loopback", "open"] = "key"
    # Who may read /openapi.json, which has rows of the data as its example: any key, or anyone.
    docs: Literal["key", "open"] = "key"
    # Rows in a request, history included.
    max_rows: int = Field(default=10_000, ge=1)
    # Bytes in a request's body.
    max_body: int = Field(default=8_000_000, ge=1_000)
    # Outcomes in one request to /feedback.
    max_outcomes: int = Field(default=10_000, ge=1)
    # Seconds for a request's body to arrive, and for an answer to begin.
    timeout: float = Field(default=5.0, gt=0)
    # Processes that answer.
    workers: int = Field(default=1, ge=1)
    # A folder in which the processes of one service tell each other what they counted; None: each tells its own.
    board: Path | None = None


def read_options(environment: Mapping[str, str]) -> ServiceOptions:
    """Return the options that the environment sets; raise SettingsError."""
    given = {
        name: value for name in ServiceOptions.model_fields if (value := environment.get(f"{PREFIX}{name.upper()}"))
    }
    try:
        return ServiceOptions.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = f"{PREFIX}{str(first['loc'][0]).upper()}"
        raise SettingsError(f"{name}={first['input']!r}: {first['msg'].lower()}") from None
