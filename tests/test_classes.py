"""The class of a record: every line of the table in docs/definitions.md."""

from __future__ import annotations

import pytest

from pipeline.enrich.classes import classify
from pipeline.schema import CLASSES


@pytest.mark.parametrize(
    ("kind", "method", "status", "expected"),
    [
        ("page", None, 200, "error"),
        ("probe", None, 200, "error"),
        ("probe", "GET", 200, "probe"),
        ("probe", "GET", 404, "probe"),
        ("probe", "POST", 0, "probe"),
        ("page", "GET", 400, "error"),
        ("asset", "GET", 599, "error"),
        ("page", "GET", 0, "error"),
        ("page", "GET", None, "error"),
        ("page", "GET", 301, "redirect"),
        ("asset", "GET", 399, "redirect"),
        ("page", "GET", 304, "page"),
        ("asset", "GET", 304, "asset"),
        ("page", "GET", 101, "other"),
        ("asset", "GET", 199, "other"),
        ("api", "POST", 201, "api"),
        ("feed", "HEAD", 200, "feed"),
        ("download", "GET", 206, "download"),
        ("other", "GET", 200, "other"),
        ("page", "GET", 200, "page"),
        ("page", "HEAD", 200, "other"),
        ("page", "POST", 200, "other"),
        ("page", "get", 200, "other"),
        (None, "GET", 200, "page"),
        ("event", "GET", 204, "event"),
        ("event", "HEAD", 200, "other"),
        ("event", "GET", 404, "error"),
    ],
)
def test_the_first_rule_that_fits_decides(kind, method, status, expected):
    assert classify(kind, method, status) == expected
    assert expected in CLASSES
