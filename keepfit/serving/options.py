"""Options: how the service behaves, read from `KEEPFIT_*` environment variables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from keepfit.errors import SettingsError
from keepfit.section import Section, Share

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
    # Bytes of bodies of more than 10 kB that a worker holds at once.
    max_held: int = Field(default=64_000_000, ge=1_000)
    # Outcomes in one request to /feedback.
    max_outcomes: int = Field(default=10_000, ge=1)
    # Seconds for a request's body to arrive, and for an answer to begin.
    timeout: float = Field(default=5.0, gt=0)
    # Processes that answer.
    workers: int = Field(default=1, ge=1)
    # A folder in which the processes of one service tell each other what they counted; None: each tells its own.
    board: Path | None = None
    # The folder of the prediction log; None: nothing is logged. Its database is named by KEEPFIT_LOG_URL.
    log_folder: Path | None = None
    # Bytes of predictions and outcomes that may wait for the database; what comes beyond them is dropped.
    log_limit: int = Field(default=1_000_000_000, ge=100_000)
    # The file of the key with which columns marked `pii: hash` are hashed; None: one is made in the log's folder.
    pii_key: Path | None = None
    # Seconds between two looks for another champion, challenger or drift report; 0: none is looked for.
    watch: float = Field(default=2.0, ge=0)
    # A Bento, or the folder of a bundle, that is tried beside the champion; it may come and go.
    challenger: Path | None = None
    # The share of requests that the challenger scores too, unseen, and the share that it answers.
    shadow: Share = 1.0
    canary: Share = 0.0
    # Whether a request is drawn by its own id, or all requests of a key alike.
    canary_by: Literal["request", "key"] = "request"
    # When a canary falls back: errors above the champion's share, times as slow, of so many answers in so many seconds.
    canary_errors: Share = 0.02
    canary_slower: float = Field(default=3.0, gt=1)
    canary_answers: int = Field(default=200, ge=20)
    canary_seconds: float = Field(default=600.0, gt=0)
    # The file that tells other workers, and the next start, that a canary fell back; None: one in the log's folder.
    canary_file: Path | None = None
    # The report of the last drift check, for the metrics.
    drift_report: Path | None = None


def name_paths() -> list[str]:
    """Return the variables that name a file or a folder."""
    fields = ServiceOptions.model_fields
    return [f"{PREFIX}{name.upper()}" for name, field in fields.items() if field.annotation == Path | None]


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
