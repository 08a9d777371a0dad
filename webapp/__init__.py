"""HTTP only: translates requests to calls of `pipeline` and answers to HTML, JSON and CSV. Nothing
here knows SQL or Parquet."""

from __future__ import annotations

from importlib.metadata import version

from flask import Flask

from pipeline.config import Config


def create_app(config: Config) -> Flask:
    """The application for one configuration; two in one process don't share anything."""
    app = Flask(__name__)
    app.config["TALLYLOG"] = config
    app.add_url_rule("/healthz", view_func=_healthz)
    return app


def _healthz() -> dict[str, str]:
    """Whether the server answers at all; it does not touch the store."""
    return {"status": "ok", "version": version("tallylog")}
