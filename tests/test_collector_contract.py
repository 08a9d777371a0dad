"""Schemathesis sends the collector whatever a description of its endpoints allows, and much that it
does not: each is answered by a status that the description names, and never by a failure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS, load_all_checks

from pipeline.access import keys
from pipeline.catalog import Catalog
from pipeline.config import Config
from tests.collectors import SITES
from tests.examples import FACTOR
from tests.test_collector_hostile import ALLOWED
from webapp.collector import make, wrapped
from webapp.collector_routes import BATCH, ROUTES
from webapp.collector_told import SHORT, VIEW_SOURCES, VIEW_TYPES

load_all_checks()
CHECKED = CHECKS.get_by_names(["not_a_server_error", "status_code_conformance"])
ANY: dict[str, Any] = {}
TEXT = {"type": "string"}
#: What a hit may tell, in all of its names.
TOLD = {
    **dict.fromkeys((*SHORT, *SHORT.values(), "path", "site", "viewer", "owner", "value"), ANY),
    **dict.fromkeys(("site", "domain", "d"), {"enum": ["one", "two", "nowhere"]}),
    **dict.fromkeys(("name", "n"), {"enum": ["pageview", "signup", "engagement"]}),
    **dict.fromkeys(("path", "url", "u"), {"enum": ["/a", "https://one.example/b?c#d", "x"]}),
    "content_type": {"enum": ["video", "post", "nonsense"]},
    "content_id": TEXT,
    "view_type": {"enum": sorted(VIEW_TYPES)},
    "view_source": {"enum": sorted(VIEW_SOURCES)},
}
#: Some fields that make a hit, so that not all are refused; the others come as they like.
HIT = {"type": "object", "properties": TOLD, "required": ["name", "url", "site"]}
HITS = {"type": "array", "items": HIT}
BATCHES = {"type": "object", "properties": {"site": TEXT, "events": HITS}}


def operation(statuses: Iterable[int], **more: Any) -> dict[str, Any]:
    return {"responses": {str(status): {"description": "-"} for status in statuses}, **more}


def posted(body: dict[str, Any]) -> dict[str, Any]:
    return {"content": {kind: {"schema": body} for kind in ("application/json", "text/plain")}}


def document() -> dict[str, Any]:
    asked = [{"name": name, "in": "query", "schema": TEXT} for name in TOLD]
    paths = {
        route.suffix: {"get": operation([200], parameters=asked)}
        if "GET" in route.methods
        else {"post": operation(ALLOWED[route.suffix], requestBody=posted(HIT))}
        for route in ROUTES
    }
    paths[BATCH] = {"post": operation(ALLOWED[BATCH] | {200}, requestBody=posted(BATCHES))}
    about = {"title": "The collector", "version": "1"}
    return {"openapi": "3.1.0", "info": about, "paths": paths}


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Any:
    data = tmp_path_factory.mktemp("collector")
    endless = {"rate": 1_000_000, "burst": 1_000_000}
    config = Config.model_validate(
        {"site": SITES, "store": {"data": data}, "source": [], "collector": endless}
    )
    said = json.dumps(document()).encode()

    def behind(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("content-type", "application/json")])
        return [said]

    found = schemathesis.openapi.from_wsgi("/openapi.json", wrapped(behind, make(config)))
    key = keys.add(Catalog(data), "tests", "write", ["*"])
    found.config.headers = {"Authorization": f"Bearer {key}"}
    return found


def test_nothing_that_is_sent_makes_the_collector_fail(schema: Any) -> None:
    statuses: set[int] = set()
    for found in schema.get_all_operations():

        @settings(
            max_examples=30 * FACTOR,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
            derandomize=True,
        )
        @given(case=found.ok().as_strategy())
        def send(case: schemathesis.Case) -> None:
            answer = case.call()
            statuses.add(answer.status_code)
            case.validate_response(answer, checks=CHECKED)

        send()
    assert {200, 202, 204, 400} <= statuses
