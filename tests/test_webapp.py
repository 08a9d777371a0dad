"""The web application answers."""

from __future__ import annotations

from pipeline.config import Config
from webapp import create_app


def test_health_is_told() -> None:
    answer = create_app(Config()).test_client().get("/healthz")
    assert answer.status_code == 200
    assert answer.get_json()["status"] == "ok"


def test_two_applications_share_nothing() -> None:
    assert create_app(Config()).config is not create_app(Config()).config
