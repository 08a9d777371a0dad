"""The web application answers."""

from __future__ import annotations

from pathlib import Path

from pipeline.config import Config
from webapp import create_app


def config(tmp_path: Path) -> Config:
    return Config.model_validate({"store": {"data": tmp_path / "data"}})


def test_health_is_told(tmp_path: Path) -> None:
    answer = create_app(config(tmp_path)).test_client().get("/healthz")
    assert answer.status_code == 200
    assert answer.get_json()["status"] == "ok"


def test_two_applications_share_nothing(tmp_path: Path) -> None:
    assert create_app(config(tmp_path)).config is not create_app(config(tmp_path)).config
