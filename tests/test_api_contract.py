"""Schemathesis asks the API whatever its document allows and much that it does not: the document
says the truth, and nothing makes the application fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS, load_all_checks

from pipeline.access import keys
from pipeline.catalog import Catalog
from tests.events import add, event
from tests.web import application, configured

load_all_checks()
#: What the document cannot say: which filters are filters, and that a public site needs no key.
LEFT_OUT = CHECKS.get_by_names(["positive_data_acceptance", "ignored_auth"])
QUIET = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.explicit, Phase.generate],
    "derandomize": True,
}


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Any:
    config = configured(tmp_path_factory.mktemp("contract"), ("s", "open"))
    catalog = Catalog(config.store.data)
    add(catalog, [event("09:00:00", "/", 1), event("09:00:00", "/", 1, site="open")])
    headers = {"Authorization": f"Bearer {keys.add(catalog, 'tests', 'read', ['*'])}"}
    found = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application(config))
    found.config.headers = headers
    return found


def ask(schema: Any, examples: int, change: Callable[[schemathesis.Case], None]) -> set[int]:
    """Ask each route so often; the statuses that were answered."""
    statuses: set[int] = set()
    for found in schema.get_all_operations():

        @settings(max_examples=examples, **QUIET)
        @given(case=found.ok().as_strategy())
        def ask_one(case: schemathesis.Case) -> None:
            change(case)
            answer = case.call()
            statuses.add(answer.status_code)
            case.validate_response(answer, excluded_checks=LEFT_OUT)

        ask_one()
    return statuses


def of_a_site(case: schemathesis.Case) -> None:
    """A name that is made up is never that of the site, nor is a list ever a filter."""
    given = case.body if isinstance(case.body, dict) else case.query
    if "site" in given or case.operation.label != "GET /api/v1/sites":
        given["site"] = "s"
    given.pop("filters", None)


def test_the_document_says_what_the_api_does(schema) -> None:
    assert {200, 400} <= ask(schema, 8, of_a_site) <= {200, 400, 403, 404}


@pytest.mark.slow
@pytest.mark.parametrize("change", [of_a_site, lambda case: None])
def test_nothing_that_is_asked_makes_the_api_fail(schema, change) -> None:
    ask(schema, 100, change)
