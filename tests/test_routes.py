"""Who gets through which route: the whole table of routes.txt, and no route beside it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from pipeline.access import keys, links, owners, secret, users
from pipeline.catalog import Catalog
from pipeline.config import Config
from tests.web import PASSWORD, add_user, application, configured
from webapp.headers import HEADERS, POLICY

TABLE = Path(__file__).parent / "routes.txt"
ROLES = (
    *("nobody", "viewer of b", "viewer of s", "manager of s", "admin"),
    *("read key", "write key", "share link", "owner"),
)
USERS = {
    "viewer of b": ("b", "viewer"),
    "viewer of s": ("s", "viewer"),
    "manager of s": ("s", "admin"),
    "admin": ("*", "admin"),
}
BODIES = {
    "/api/v1/query": {"site": "s"},
    "/api/v1/owner-tokens": {"site": "s", "type": "post", "id": "1"},
}


def rows() -> Iterator[tuple[str, str, list[str]]]:
    for line in TABLE.read_text().splitlines():
        if line and not line.startswith("#"):
            method, path, *answers = line.split()
            assert len(answers) == len(ROLES), line
            yield method, path, answers


CASES = [
    (method, path, role, answer)
    for method, path, answers in rows()
    for role, answer in zip(ROLES, answers, strict=True)
]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return configured(tmp_path_factory.mktemp("routes"), ("s", "b"))


@pytest.fixture(scope="module")
def app(config: Config) -> Any:
    app = application(config)
    app.config["WTF_CSRF_ENABLED"] = False
    return app


@pytest.fixture(autouse=True)
def signing_out_ends_no_other_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "end_sessions", lambda catalog, number: None)


@pytest.fixture(scope="module")
def shown(config: Config) -> dict[str, str]:
    """What each role shows: a header of programs, or the link by which a session begins."""
    catalog = Catalog(config.store.data)
    token = owners.token(config.store.data, owners.Item("s", "post", "1"), dt.timedelta(1))
    return {
        "read key": keys.add(catalog, "r", "read", ["s"]),
        "write key": keys.add(catalog, "w", "write", ["s"]),
        "owner": token,
        "share link": links.share(catalog, "s"),
    }


@pytest.fixture(scope="module")
def sessions(app: Any, config: Config, shown: dict[str, str]) -> dict[str, Any]:
    """The session of each role, kept so that passwords are checked once."""
    found: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as cheap:
        cheap.setattr(secret, "METHOD", "scrypt:1024:8:1")
        for role in ROLES:
            client = app.test_client()
            if role in USERS:
                name = role.replace(" ", "-")
                add_user(config, name, *USERS[role])
                assert client.post("/login", data={"name": name, "password": PASSWORD}).location
            if role == "share link":
                client.get(f"/share/{shown[role]}")
            with client.session_transaction() as session:
                found[role] = dict(session)
    return found


def visitor(app: Any, role: str, shown: dict[str, str], sessions: dict[str, Any]) -> FlaskClient:
    client: FlaskClient = app.test_client()
    with client.session_transaction() as session:
        session.update(sessions[role])
    if role in ("read key", "write key", "owner"):
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {shown[role]}"
    return client


@pytest.mark.parametrize("method, path, role, expected", CASES)
def test_each_visitor_is_answered_as_the_table_says(
    app, config, shown, sessions, method: str, path: str, role: str, expected: str
) -> None:
    client = visitor(app, role, shown, sessions)
    given = {"json": BODIES[path]} if path in BODIES else {}
    with client.open(path, method=method, **given) as answer:
        found = str(answer.status_code)
        if found == "302" and answer.location.startswith("/login?next="):
            found = "out"
        assert found == expected, answer.text[:300]
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["X-Content-Type-Options"] == HEADERS["X-Content-Type-Options"]
        if path.startswith("/api/") and answer.status_code >= 400:
            assert answer.content_type == "application/problem+json"


def test_the_table_lists_every_route(app) -> None:
    routes = app.url_map.bind("localhost")
    listed = {(m, routes.match(path.split("?")[0], m)[0]) for m, path, _ in rows()}
    there = {
        (method, rule.endpoint)
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert there == listed, "write the route into tests/routes.txt"


def test_every_route_says_whom_it_lets_in(app) -> None:
    assert not [n for n, view in app.view_functions.items() if not hasattr(view, "lets_in")]


def test_a_route_that_does_not_say_whom_it_lets_in_lets_nobody_in(config) -> None:
    app = application(config)
    app.add_url_rule("/forgotten", "forgotten", lambda: "all of it")
    answer = app.test_client().get("/forgotten")
    assert answer.status_code == 500 and "all of it" not in answer.text


@pytest.mark.parametrize("path", [path for m, path, _ in rows() if m == "GET"])
def test_no_page_has_a_script_or_style_of_its_own(app, shown, sessions, path: str) -> None:
    with visitor(app, "admin", shown, sessions).get(path) as answer:
        if answer.mimetype == "text/html":
            assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", answer.text)


@pytest.mark.parametrize("days", ["\u00b2", "9" * 30, "-1"])
@pytest.mark.parametrize(
    "path", [path for m, path, _ in rows() if path.startswith("/settings/") and m == "POST"]
)
def test_a_form_with_nonsense_is_refused_on_its_page(
    app, shown, sessions, path: str, days: str
) -> None:
    fields = (
        "id",
        "days",
        "name",
        "site",
        "role",
        "scope",
        "kind",
        "pattern",
        "date",
        "text",
        "back",
    )
    given = dict.fromkeys(fields, "x/\u00b2 ") | {"filter": "", "days": days}
    answer = visitor(app, "admin", shown, sessions).post(path, data=given)
    assert answer.status_code == 302 and answer.location.startswith(("/settings/", "/s/s/"))


def test_a_public_site_may_be_read_by_everybody_and_no_other(tmp_path: Path) -> None:
    client = application(configured(tmp_path / "data", ("open", "s"))).test_client()
    asked = ("/s/{}/", "/api/v1/query?site={}", "/api/v1/live?site={}")
    assert [client.get(path.format("open")).status_code for path in asked] == [200] * 3
    assert [client.get(path.format("s")).status_code for path in asked] == [302, 401, 401]
    assert [site["name"] for site in client.get("/api/v1/sites").json["sites"]] == ["open"]


def test_a_site_that_is_not_there_is_told_only_to_who_may_read_all(app, shown, sessions) -> None:
    admin, viewer = (visitor(app, role, shown, sessions) for role in ("admin", "viewer of s"))
    for path in ("/s/none/", "/api/v1/query?site=none"):
        assert (admin.get(path).status_code, viewer.get(path).status_code) == (404, 403)


def test_wrong_keys_open_less_than_none(app) -> None:
    client = app.test_client()
    for text in ("Bearer x", "Bearer tallylog_owner_x.y", "bearer tallylog_read_", "Bearer \xff"):
        headers = {"Authorization": text}
        assert client.get("/api/v1/sites", headers=headers).status_code == 401
