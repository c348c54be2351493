"""Location: where the prediction log is, as the environment names it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from keepfit.errors import LogError

FOLDER = Path(".keepfit")
URL, URL_FILE, FOLDER_VARIABLE = "KEEPFIT_LOG_URL", "KEEPFIT_LOG_URL_FILE", "KEEPFIT_LOG_FOLDER"
SQLITE = "sqlite:///"
# In the folder: the journal's segments, what the drainer tells, and the lock of the one that drains.
JOURNAL, STATUS, LOCK = "journal", "drain.json", ".drain.lock"


def read_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of the log: that of KEEPFIT_LOG_FOLDER, else .keepfit."""
    return Path(environment.get(FOLDER_VARIABLE) or FOLDER)


def settle(environment: Mapping[str, str], names: Iterable[str] = ()) -> dict[str, str]:
    """Return the environment with absolute paths in the variables of the log and in those that are named.

    Whoever serves, moves the log or reads it has another working directory.
    """
    settled = dict(environment)
    for name in (FOLDER_VARIABLE, URL_FILE, *names):
        if path := environment.get(name):
            settled[name] = str(Path(path).resolve())
    path = environment.get(URL, "").removeprefix(SQLITE)
    if environment.get(URL, "").startswith(SQLITE) and path and path[0] not in "/:":
        settled[URL] = f"{SQLITE}{Path(path).resolve()}"
    return settled


def read_url(environment: Mapping[str, str], folder: Path) -> str:
    """Return the URL of KEEPFIT_LOG_URL, or in the file KEEPFIT_LOG_URL_FILE, else that of SQLite in the folder.

    Raises LogError.
    """
    if file := environment.get(URL_FILE):
        try:
            return Path(file).read_text().strip()
        except OSError as error:
            raise LogError(f"{URL_FILE}={file}: {error.strerror}") from None
    return environment.get(URL) or f"{SQLITE}{(folder / 'log.sqlite').resolve()}"
