"""The collector's work in a route of Flask, to compare with: the same reading, hashing and journal.

Started by bench.collector with the path of a configuration.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

if not __package__:  # started as a file: make the project's folder importable, not this one
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from flask import Flask, Response, request
from granian import Granian
from granian.constants import Interfaces

from pipeline.config_file import load
from webapp.collector import make
from webapp.collector_http import Environ, Request


def application(config_file: Path) -> Flask:
    app = Flask(__name__)
    collector = make(load(config_file))

    @app.get("/pixel.gif")
    def pixel() -> Response:
        headers = Environ(request.environ)
        asked = Request(
            request.method,
            request.path,
            request.query_string.decode(),
            headers,
            request.remote_addr or "",
            lambda: headers.get("x-forwarded-for"),
        )
        found = collector.answer(asked)
        return Response(found.body, found.status, found.headers)

    return app


if __name__ == "__main__":
    file = Path(sys.argv[1])
    port = load(file).web.port
    # One thread: with more, Flask answers fewer.
    server = Granian("app", port=port, interface=Interfaces.WSGI, blocking_threads=1)
    server.serve(target_loader=partial(application, file), wrap_loader=False)
