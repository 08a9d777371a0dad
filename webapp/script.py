"""The tracker script, as browsers load it. Its source is script/t.js in the repository."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from flask import Blueprint, Response, request

from webapp.auth import public

#: The second name tells an admin who finds it in a page what it is.
PATHS = ("/t.js", "/tallylog.js")
#: A new script comes with a new Tallylog and works with the old endpoints, too.
HEADERS = {
    "Cache-Control": "public, max-age=3600, stale-while-revalidate=604800",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
}


@dataclass(frozen=True, slots=True)
class Script:
    """The text as it is served, plain and compressed."""

    plain: bytes
    packed: bytes
    digest: bytes

    @property
    def version(self) -> str:
        found = re.search(rb'\.version="(\w+)"', self.plain)
        assert found, "static/t.js does not say its version"
        return found[1].decode()

    @property
    def integrity(self) -> str:
        """What a page that loads the script may ask the browser to check."""
        return f"sha384-{base64.b64encode(self.digest).decode()}"


@cache
def script() -> Script:
    plain = files("webapp").joinpath("static", "t.js").read_bytes()
    return Script(plain, gzip.compress(plain, 9, mtime=0), hashlib.sha384(plain).digest())


def blueprint() -> Blueprint:
    routes = Blueprint("script", __name__)
    for path in PATHS:
        routes.add_url_rule(path, view_func=_script)
    return routes


@public
def _script() -> Response:
    found = script()
    packed = request.accept_encodings["gzip"] > 0
    answer = Response(found.packed if packed else found.plain, mimetype="text/javascript")
    answer.headers.update(HEADERS)
    if packed:
        answer.headers["Content-Encoding"] = "gzip"
    answer.set_etag(found.digest.hex()[:20] + ("-gzip" if packed else ""))
    answer.make_conditional(request)
    return answer
