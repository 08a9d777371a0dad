"""HTTP only: translates requests to calls of `pipeline` and answers to HTML, JSON and CSV. Nothing
here knows SQL or Parquet."""

from __future__ import annotations

from flask import Flask

from pipeline.config import Config
from webapp import (
    answering,
    api,
    attempts,
    auth,
    compress,
    current,
    headers,
    languages,
    live,
    problems,
    script,
    sessions,
    told,
)
from webapp.collector_counts import Counts
from webapp.dashboard import dashboard
from webapp.doors import doors
from webapp.health import health
from webapp.noting import noting
from webapp.settings import settings

BLUEPRINTS = (health, doors, dashboard, live.live, noting, settings)


def create_app(config: Config, counts: Counts | None = None) -> Flask:
    """The application for one configuration; two in one process don't share anything. `counts`
    are those of the collector in front of it."""
    app = Flask(__name__)
    app.extensions["collector"] = counts
    current.install(app, config)
    sessions.install(app, config)
    for part in (attempts, auth, compress, headers, languages, live, problems, told):
        part.install(app)
    for blueprint in (*BLUEPRINTS, script.blueprint()):
        app.register_blueprint(blueprint)
    answering.install(app, config)
    api.install(app)
    return app
