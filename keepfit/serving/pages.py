"""Pages: the one page for browsers, which has all it needs in itself."""

from pathlib import Path
from typing import TYPE_CHECKING

from keepfit.serving.http import Reply

if TYPE_CHECKING:
    from keepfit.serving.app import Call

DOCS = "/docs"
PAGE = Path(__file__).with_name("docs.html")
HTML = b"text/html; charset=utf-8"
HEADERS = (
    (b"cache-control", b"no-store"),
    # Nothing from elsewhere, nowhere else to, and in nobody's frame.
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


async def docs_reply(_call: "Call") -> Reply:
    """Return the page; what it shows it asks for itself, with the key that is typed into it."""
    return Reply(200, PAGE.read_bytes(), kind=HTML, headers=HEADERS)
