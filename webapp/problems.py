"""What went wrong, as a page for people and, under /api, as problem details (RFC 9457)."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from pipeline.errors import AccessError, QueryError, QueryStopped, StoreError, TallylogError
from webapp.auth import API

#: What a refusal of ours is over HTTP.
#: The first that an error is one of decides.
STATUS: dict[type[TallylogError], int] = {
    QueryStopped: 503,
    QueryError: 400,
    AccessError: 400,
    StoreError: 503,
}
#: When who was told to wait may come again.
RETRY_SECONDS = 5
TYPE = "application/problem+json"


def install(app: Flask) -> None:
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(TallylogError, _ours)


def problem(status: int, detail: str, **more: Any) -> Response:
    """`more` are members of the problem beyond those of the RFC."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    text = json.dumps({**body, "detail": detail, **more})
    answer = Response(text, status, content_type=TYPE)
    if status == HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="tallylog"'
    return answer


def _http(error: HTTPException) -> Response:
    status, detail = error.code or 500, error.description or ""
    answer = problem(status, detail) if _for_programs() else _page(status, detail)
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            answer.headers.setdefault(name, value)
    return answer


def _ours(error: TallylogError) -> Response:
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    if _for_programs():
        answer = problem(status, error.what, **({"help": error.fix} if error.fix else {}))
    else:
        answer = _page(status, error.what, error.fix)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
    return answer


def _page(status: int, detail: str, fix: str = "") -> Response:
    facts = {"title": HTTPStatus(status).phrase, "detail": detail, "fix": fix}
    return make_response(render_template("problem.html", **facts), status)


def _for_programs() -> bool:
    return request.path.startswith(API)
