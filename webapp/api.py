"""The API: a table of routes, each a model of what is asked, a view and a model of what is told.
What goes wrong is told as problem details (RFC 9457) that name the field."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Blueprint, Flask, Response, abort, render_template, request
from pydantic import BaseModel, ValidationError

from pipeline import question
from pipeline.errors import QueryError, QueryStopped
from webapp import api_models as m
from webapp import api_views as views
from webapp import openapi
from webapp.auth import asks_itself, public, somebody
from webapp.exports import export
from webapp.problems import problem

PREFIX = "/api/v1"
Mark = Callable[[Callable[..., Any]], Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class Route:
    """`told` is None where a file is told. What is asked stands in the address, and in a JSON
    body where the method is POST."""

    method: str
    path: str
    asked: type[BaseModel]
    view: Callable[[Any], BaseModel | Response]
    told: type[BaseModel] | None
    summary: str
    mark: Mark = asks_itself


ROUTES = (
    Route("POST", "/query", m.QueryAsked, views.query, m.QueryTold, "Ask a question."),
    Route("GET", "/query", m.QueryAsked, views.query, m.QueryTold, "Ask a question."),
    Route("GET", "/export", m.ExportAsked, export, None, "The answer to a question as a file."),
    Route(
        *("GET", "/sites", m.NothingAsked, views.sites, m.SitesTold, "Sites that you may read."),
        somebody,
    ),
    Route(
        *("GET", "/content/{type}/{id}/stats", m.ContentAsked, views.content, m.ContentTold),
        "What is known of one content item, for its owner, too.",
    ),
    Route(
        *("GET", "/accounts", m.AccountsAsked, views.accounts, m.AccountsTold),
        *("What became of every line read.", somebody),
    ),
    Route("GET", "/live", m.LiveAsked, views.live, m.LiveTold, "The last 30 minutes."),
    Route(
        *("POST", "/owner-tokens", m.OwnerTokenAsked, views.owner_token, m.OwnerTokenTold),
        "Make a token by which the owner of one content item reads its statistics.",
    ),
)


def blueprint() -> Blueprint:
    api = Blueprint("api", __name__, url_prefix=PREFIX)
    for route in ROUTES:
        view = route.mark(partial(_serve, route))
        rule = route.path.replace("{id}", "<path:id>").replace("{type}", "<type>")
        name = f"{route.method.lower()}_{route.path.strip('/').replace('/', '_')}"
        api.add_url_rule(rule, _plain(name), view, methods=[route.method])
    document = openapi.document(PREFIX, ROUTES)
    api.add_url_rule("/openapi.json", "openapi", public(lambda: document))
    api.add_url_rule("/docs", "docs", public(partial(_docs, document)))
    api.add_url_rule("/<path:rest>", "nothing", public(_nothing))
    return api


def install(app: Flask) -> None:
    api = blueprint()
    # It takes JSON alone, which no form of another site can send.
    app.extensions["tallylog.csrf"].exempt(api)
    app.register_blueprint(api)


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)


def _docs(document: dict[str, Any]) -> str:
    return render_template("api.html", document=document, routes=openapi.shown(document))


def _nothing(rest: str) -> Response:
    abort(404, f"There is no {PREFIX}/{rest}; {PREFIX}/docs lists what there is.")


def _serve(route: Route, **parts: str) -> Response:
    try:
        given = _body() if route.method == "POST" else _parameters()
        asked = route.asked.model_validate({**given, **parts}, strict=route.method == "POST")
        told = route.view(asked)
    except ValidationError as error:
        return _refused([_fault(one) for one in error.errors()])
    except QueryStopped:
        raise
    except QueryError as error:
        fault = m.Fault(field=_field(asked), message=error.what)
        return _refused([fault], error.what, error.fix)
    if isinstance(told, Response):
        return told
    text = told.model_dump_json(by_alias=True)
    return Response(text, content_type="application/json")


def _body() -> dict[str, Any]:
    if not request.is_json:
        abort(415, "Send JSON, as Content-Type: application/json.")
    try:
        given = request.get_json()
        # JSON can write halves of characters, which are no text.
        json.dumps(given, ensure_ascii=False).encode()
    except RecursionError:
        abort(400, "The body is nested too deeply.")
    except UnicodeEncodeError:
        abort(400, "A text of the body holds half a character (a lone surrogate).")
    if not isinstance(given, dict):
        abort(400, "The body is one JSON object.")
    return given


def _parameters() -> dict[str, Any]:
    """A parameter that comes more than once is a list; only filters may."""
    given: dict[str, Any] = request.args.to_dict()
    texts = request.args.getlist("filters")
    if texts:
        given["filters"] = texts
    if len(texts) == 1 and texts[0].startswith("["):
        try:
            given["filters"] = json.loads(texts[0])
        except (ValueError, RecursionError):
            abort(400, "filters begins like JSON but is none.")
    return given


def _fault(error: Any) -> m.Fault:
    context = error.get("ctx", {})
    field = ".".join(map(str, error["loc"])) or None
    return m.Fault(field=field, message=error["msg"], allowed=context.get("allowed") or None)


def _refused(faults: list[m.Fault], detail: str = "", help: str = "") -> Response:
    said = detail or "; ".join(f"{one.field}: {one.message}" for one in faults)
    errors = [one.model_dump(exclude_none=True) for one in faults]
    return problem(400, said, errors=errors, **({"help": help} if help else {}))


def _field(asked: BaseModel) -> str | None:
    """The one that is wrong by itself; None where several don't fit together."""
    if not isinstance(asked, m.QueryAsked):
        return None
    said = asked.as_question()
    for name in ("filters", "from", "to", "range", "compare", "order"):
        try:
            question.from_dict({"site": asked.site, name: said[name]})
        except QueryError:
            return name if name != "order" else None
    return None
