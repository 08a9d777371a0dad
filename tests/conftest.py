"""Options and fixtures that every test can use."""

from __future__ import annotations

from pathlib import Path

import pytest

import tests.examples  # noqa: F401  sets what hypothesis does

ROOT = Path(__file__).parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--accept",
        action="store_true",
        help="rewrite golden files with what the program says now; read the diff before a commit",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests for which hypothesis draws examples can be chosen, to draw more of them."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.drawn)


@pytest.fixture
def accept(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--accept"))


@pytest.fixture
def sample_log() -> Path:
    """The bundled real log of 10,000 lines."""
    return ROOT / "data" / "samples" / "elastic_apache_logs.log"
