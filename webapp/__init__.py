"""HTTP only: translates requests to calls of `pipeline` and answers to HTML, JSON and CSV. Nothing
here knows SQL or Parquet."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from flask import Flask, Response, current_app

from pipeline import metrics
from pipeline.catalog import Catalog
from pipeline.config import Config
from pipeline.errors import StoreError
from webapp import script


def create_app(config: Config) -> Flask:
    """The application for one configuration; two in one process don't share anything."""
    app = Flask(__name__)
    app.config["TALLYLOG"] = config
    app.register_blueprint(script.blueprint())
    app.add_url_rule("/healthz", view_func=_healthz)
    app.add_url_rule("/readyz", view_func=_readyz)
    app.add_url_rule("/metrics", view_func=_metrics)
    return app


def _healthz() -> dict[str, str]:
    """Whether the server answers at all; it does not touch the store."""
    return {"status": "ok", "version": version("tallylog")}


def _readyz() -> tuple[dict[str, str], int]:
    """Whether questions can be answered: the catalog can be read."""
    try:
        Catalog(_data()).close()
    except StoreError as error:
        return {"status": "not ready", "reason": error.what}, 503
    return {"status": "ready"}, 200


def _metrics() -> Response:
    return Response(metrics.render(_data()), content_type="text/plain; version=0.0.4")


def _data() -> Path:
    config: Config = current_app.config["TALLYLOG"]
    return config.store.data
