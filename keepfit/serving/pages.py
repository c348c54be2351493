"""Pages: the one page for browsers, which has all it needs in itself."""

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from keepfit.serving.http import Reply

if TYPE_CHECKING:
    from keepfit.serving.routes import Call

DOCS = "/docs"
PAGE = Path(__file__).with_name("docs.html")
HTML = b"text/html; charset=utf-8"


async def docs_reply(_call: "Call") -> Reply:
    """Return the page; what it shows it asks for itself, with the key that is typed into it."""
    return read_page()


@cache
def read_page() -> Reply:
    """Return the page, which may load nothing, ask nobody else, run its own script alone, and be in nobody's frame."""
    page = PAGE.read_bytes()
    script = page.partition(b"<script>")[2].partition(b"</script>")[0]
    own = b"'sha256-%b'" % b64encode(hashlib.sha256(script).digest())
    policy = (
        b"default-src 'none'; connect-src 'self'; img-src data:; style-src 'unsafe-inline'; script-src %b; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'" % own
    )
    headers = (
        (b"cache-control", b"no-store"),
        (b"content-security-policy", policy),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
    )
    return Reply(200, page, kind=HTML, headers=headers)
