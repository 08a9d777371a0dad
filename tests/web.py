"""The web application on a store of a test, and those who ask it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pipeline.access import users
from pipeline.catalog import Catalog
from pipeline.config import Config
from webapp import create_app

PASSWORD = "correct horse battery"


def configured(data: Path, sites: tuple[str, ...] = ("a", "b"), **web: Any) -> Config:
    """Sites a, b, … without hosts; a site named `open` is public."""
    tables = [{"name": name, "public": name == "open"} for name in sites]
    return Config.model_validate({"site": tables, "store": {"data": data}, "web": web})


def application(config: Config) -> Any:
    app = create_app(config)
    app.config["TESTING"] = True
    return app


def add_user(config: Config, name: str, site: str = "*", role: str = "admin") -> None:
    users.add(Catalog(config.store.data), name, PASSWORD, site, role)


def submit(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    """Fill the form of a page and send it."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)
    assert found, f"{path} has no form"
    return client.post(path, data={"csrf_token": found[1], **fields})


def sign_in(client: FlaskClient, name: str, password: str = PASSWORD) -> TestResponse:
    return submit(client, "/login", name=name, password=password)
