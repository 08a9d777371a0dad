"""What supervisors and Prometheus ask."""

from __future__ import annotations

from importlib.metadata import version

from flask import Blueprint, Response, current_app

from pipeline import metrics
from pipeline.catalog import Catalog
from pipeline.errors import StoreError
from webapp.auth import operates, public
from webapp.current import config

health = Blueprint("health", __name__)


@health.get("/healthz")
@public
def healthz() -> dict[str, str]:
    """Whether the server answers at all; it does not touch the store."""
    return {"status": "ok", "version": version("tallylog")}


@health.get("/readyz")
@public
def readyz() -> tuple[dict[str, str], int]:
    """Whether questions can be answered: the catalog can be read."""
    try:
        Catalog(config().store.data).close()
    except StoreError as error:
        return {"status": "not ready", "reason": error.what}, 503
    return {"status": "ready"}, 200


@health.get("/metrics")
@operates
def numbers() -> Response:
    counts = current_app.extensions.get("collector")
    text = metrics.render(config().store.data, counts.samples() if counts else {})
    return Response(text, content_type="text/plain; version=0.0.4")
