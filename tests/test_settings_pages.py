"""What administrators set by hand, over the web."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pipeline import exclusions, notes
from pipeline.access import links
from pipeline.catalog import Catalog
from pipeline.config import Config
from pipeline.errors import QueryError
from tests.stores import SAMPLE, Store
from tests.web import add_user, application, sign_in, submit

SITE = "semicomplete.com"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    data = tmp_path_factory.mktemp("store")
    config = Config.model_validate({"site": [{"name": SITE}], "store": {"data": str(data)}})
    found = Store(data, config)
    found.backfill(SAMPLE, site=SITE)
    add_user(config, "ada")
    return found


@pytest.fixture(scope="module")
def app(store: Store) -> Flask:
    made: Flask = application(store.config)
    return made


@pytest.fixture
def admin(app: Flask) -> Iterator[FlaskClient]:
    client = app.test_client()
    sign_in(client, "ada")
    yield client


def sent(client: FlaskClient, page: str, action: str, **fields: str) -> str:
    """The page after a form of it was sent to another address."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    assert found
    answer = client.post(action, data={"csrf_token": found[1], **fields}, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_settings_are_for_administrators(store: Store, app: Flask) -> None:
    add_user(store.config, "eve", SITE, "viewer")
    client = app.test_client()
    assert client.get("/settings/").status_code == 302
    sign_in(client, "eve")
    for page in ("", "access", "exclusions"):
        assert client.get(f"/settings/{page}").status_code == 403


def test_sites_logs_jobs_and_retention_are_shown(admin: FlaskClient) -> None:
    html = admin.get("/settings/").text
    for told in (SITE, SAMPLE.name, "rollup", "7 days", "for ever", "[web] port"):
        assert told in html


def test_a_user_is_added_by_a_link_that_signs_in(admin: FlaskClient, app: Flask) -> None:
    html = sent(admin, "/settings/access", "/settings/users", name="bob", role="viewer", site=SITE)
    link = re.search(r"/setup/[\w-]+", html)
    assert link
    bob = app.test_client()
    submit(bob, link[0], name="bob", password="a long password", again="a long password")
    assert bob.get(f"/s/{SITE}/").status_code == 200
    assert bob.get("/settings/").status_code == 403
    sent(admin, "/settings/access", "/settings/users/remove", name="bob")
    assert bob.get(f"/s/{SITE}/").status_code == 302


def test_a_share_link_shows_its_part_of_the_site_and_no_more(
    admin: FlaskClient, app: Flask
) -> None:
    wish = {"site": SITE, "filter": "page~/blog/*", "days": "3"}
    html = sent(admin, "/settings/access", "/settings/shares", **wish)
    link = re.search(r"/share/[\w-]+", html)
    assert link
    guest = app.test_client()
    assert guest.get(link[0]).status_code == 302
    shown = guest.get(f"/s/{SITE}/list/pages/page?from=2015-05-17&to=2015-05-20").text
    paths = re.findall(r'class="text">([^<]+)<', shown)
    assert paths and all(path.startswith("/blog/") for path in paths)
    assert "accounted for" not in guest.get(f"/s/{SITE}/").text
    assert guest.get(f"/s/{SITE}/ledger").status_code == 404
    assert guest.get("/settings/").status_code in (302, 403)


@pytest.mark.parametrize("days", ["7 days", "0", "-1", "36501", "9" * 5000, "1.5", "²"])
def test_a_share_link_that_was_to_end_is_never_made_without_end(
    admin: FlaskClient, store: Store, days: str
) -> None:
    catalog = Catalog(store.data)
    before = links.shares(catalog)
    html = sent(admin, "/settings/access", "/settings/shares", site=SITE, days=days)
    assert "is no number of days" in html and links.shares(catalog) == before


def test_a_key_is_made_and_revoked(admin: FlaskClient, app: Flask) -> None:
    html = sent(admin, "/settings/access", "/settings/keys", name="bi", scope="read", site="*")
    key = re.search(r"tallylog_read_[\w-]+", html)
    assert key
    program = app.test_client()
    headers = {"Authorization": f"Bearer {key[0]}"}
    assert program.get("/api/v1/sites", headers=headers).status_code == 200
    sent(admin, "/settings/access", "/settings/keys/revoke", name="bi")
    assert program.get("/api/v1/sites", headers=headers).status_code == 401


def test_what_a_rule_would_leave_out_is_told_before_it_counts(
    admin: FlaskClient, store: Store
) -> None:
    html = admin.get("/settings/exclusions?kind=paths&pattern=/favicon.ico").text
    hits = store.ask(["hits"], [], ["page==/favicon.ico"], site=SITE)[()][0]
    assert f"left out {hits:,}" in html and "Of the 10,000 records" in html
    assert (
        "No address is kept"
        in admin.get("/settings/exclusions?kind=addresses&pattern=192.0.2.0/24").text
    )
    assert (
        "is not an address" in admin.get("/settings/exclusions?kind=addresses&pattern=office").text
    )


@pytest.mark.parametrize(
    ("kind", "pattern", "dimension"),
    [("paths", "/favicon.ico", "page"), ("referrers", "*google*", "referrer")],
)
def test_a_rule_counts_for_what_is_read_from_then_on(
    store: Store, tmp_path_factory: pytest.TempPathFactory, kind: str, pattern: str, dimension: str
) -> None:
    data = tmp_path_factory.mktemp("ruled")
    config = store.config.model_copy(
        update={"store": store.config.store.model_copy(update={"data": data})}
    )
    exclusions.add(Catalog(data), kind, pattern)
    ruled = Store(data, exclusions.applied(config))
    summary = ruled.backfill(SAMPLE, site=SITE)
    asked = (["hits"], [dimension], [f"{dimension}~{pattern}"])
    before = store.ask(*asked, site=SITE)
    assert summary["excluded"] == sum(row[0] for row in before.values()) > 0
    assert ruled.ask(*asked, site=SITE) == {}


def test_a_rule_that_would_leave_out_everything_is_refused(store: Store) -> None:
    for pattern in ("", "*", " ** "):
        with pytest.raises(QueryError):
            exclusions.add(Catalog(store.data), "paths", pattern)


def test_rules_are_removed_and_never_kept_twice(admin: FlaskClient, store: Store) -> None:
    for _ in range(2):
        wish = {"kind": "agents", "pattern": "*OurMonitor*"}
        sent(admin, "/settings/exclusions", "/settings/exclusions", **wish)
    (rule,) = exclusions.listed(Catalog(store.data))
    assert rule.pattern == "*OurMonitor*"
    sent(admin, "/settings/exclusions", "/settings/exclusions/remove", id=str(rule.id))
    assert exclusions.listed(Catalog(store.data)) == []


def test_a_note_on_a_day_is_shown_with_the_chart(admin: FlaskClient, store: Store) -> None:
    page = f"/s/{SITE}/?from=2015-05-17&to=2015-05-20"
    sent(admin, page, f"/settings/notes/{SITE}", date="2015-05-18", text="New design", back=page)
    assert "New design" in admin.get(page).text
    (note,) = notes.within(Catalog(store.data), SITE, date(2015, 5, 17), date(2015, 5, 20))
    sent(admin, page, f"/settings/notes/{SITE}/remove", id=str(note.id), back=page)
    assert "New design" not in admin.get(page).text


def test_a_site_with_data_still_says_how_it_is_counted(admin: FlaskClient) -> None:
    assert f'href="/settings/sites/{SITE}"' in admin.get("/settings/").text
    shown = admin.get(f"/settings/sites/{SITE}").text
    assert f"data-site=&#34;{SITE}&#34;" in shown and "t.js" in shown
    assert f"tallylog backfill --site {SITE}" in shown and SAMPLE.name in shown
    assert admin.get("/settings/sites/nowhere.example").status_code == 404
