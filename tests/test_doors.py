"""Signing in, setting up, and share links: who gets through, who does not, and what is kept."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from pipeline.access import links, secret, users
from pipeline.access.secret import digest
from pipeline.catalog import Catalog
from pipeline.config import Config
from pipeline.errors import AccessError
from tests.web import PASSWORD, add_user, application, configured, sign_in, submit
from webapp.attempts import BY_DOOR, HASHING, attempts
from webapp.auth import local
from webapp.headers import HEADERS

WEEK = dt.timedelta(days=7)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return configured(tmp_path / "data")


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret, "METHOD", "scrypt:1024:8:1")


@pytest.fixture
def catalog(config: Config) -> Catalog:
    return Catalog(config.store.data)


@pytest.fixture
def client(config: Config) -> FlaskClient:
    return application(config).test_client()


def user_of(client: FlaskClient) -> str | None:
    """Whom the application takes the client for: someone signed in is not shown the form."""
    return "somebody" if client.get("/login").status_code == 302 else None


def test_the_right_password_opens_and_the_wrong_one_does_not(config, client) -> None:
    add_user(config, "ann")
    assert sign_in(client, "ann", "wrong horse battery").status_code == 403
    assert sign_in(client, "bob").status_code == 403
    assert user_of(client) is None
    done = sign_in(client, "ann")
    assert (done.status_code, done.location) == (302, "/")
    assert user_of(client) == "somebody"


def test_a_session_cookie_is_out_of_reach_of_scripts_and_other_sites(config, client) -> None:
    add_user(config, "ann")
    cookie = sign_in(client, "ann").headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Secure" not in cookie


def test_behind_tls_the_cookie_never_goes_without(tmp_path: Path) -> None:
    config = configured(tmp_path / "data", url="https://stats.example.org")
    add_user(config, "ann")
    done = sign_in(application(config).test_client(), "ann")
    assert "Secure" in done.headers["Set-Cookie"]
    assert "max-age" in done.headers["Strict-Transport-Security"]


def test_signing_out_ends_every_session_of_the_user(config) -> None:
    add_user(config, "ann")
    app = application(config)
    one, other = app.test_client(), app.test_client()
    assert [sign_in(client, "ann").status_code for client in (one, other)] == [302, 302]
    app.config["WTF_CSRF_ENABLED"] = False
    assert one.post("/logout").status_code == 302
    assert (user_of(one), user_of(other)) == (None, None)


@pytest.mark.parametrize("path", ["/login", "/logout", "/setup/x", "/share/x"])
def test_a_form_of_another_site_is_refused(client, path: str) -> None:
    assert client.post(path, data={"name": "ann", "password": PASSWORD}).status_code == 400


def test_a_new_password_ends_sessions(config, catalog, client) -> None:
    add_user(config, "ann")
    sign_in(client, "ann")
    users.set_password(catalog, "ann", "another long password")
    assert user_of(client) is None


def test_a_removed_user_is_out_at_once(config, catalog, client) -> None:
    add_user(config, "ann")
    sign_in(client, "ann")
    users.remove(catalog, "ann")
    assert user_of(client) is None


def test_too_many_wrong_passwords_lock_the_user_out_and_nobody_else(config, monkeypatch) -> None:
    monkeypatch.setattr(users, "sign_in", lambda catalog, name, word: None)
    client = application(config).test_client()
    answers = [sign_in(client, "ann", "wrong").status_code for _ in range(11)]
    assert answers == [403] * 10 + [429]
    shut = sign_in(client, "ann", "wrong")
    assert 0 < int(shut.headers["Retry-After"]) <= 900
    assert sign_in(client, "bob", "wrong").status_code == 403


def test_attempts_side_by_side_are_no_more_than_one_after_another(config, monkeypatch) -> None:
    """Each counts before its password is looked at."""
    looked: list[int] = []

    def late(catalog, name, word):
        looked.append(
            attempts().limiter.get_window_stats(BY_DOOR, digest(f"user {name}")).remaining
        )

    monkeypatch.setattr(users, "sign_in", late)
    client = application(config).test_client()
    for _ in range(12):
        sign_in(client, "ann", "wrong")
    assert looked == list(range(9, -1, -1))


def test_few_passwords_are_hashed_at_once(config, catalog, monkeypatch) -> None:
    """Signing in, setting a password and opening a link all take one of the same turns."""
    client = application(config).test_client()
    free: list[int] = []

    def note(*given, **named):
        hashing = attempts().hashing
        free.append(sum(hashing.acquire(blocking=False) for _ in range(HASHING)))
        hashing.release(free[-1])
        raise AccessError("not now")

    add_user(config, "ann")
    pages = [
        f"/setup/{links.invite(catalog, 'ann')}",
        f"/share/{links.share(catalog, 'a', PASSWORD)}",
    ]
    monkeypatch.setattr(users, "sign_in", note)
    monkeypatch.setattr(links, "set_up", note)
    monkeypatch.setattr(links, "opens", note)
    sign_in(client, "ann", "x")
    for page in pages:
        submit(client, page, password=PASSWORD, again=PASSWORD)
    assert free == [HASHING - 1] * 3


def test_who_signs_in_often_is_not_locked_out(config, client) -> None:
    add_user(config, "ann")
    app = client.application
    assert [sign_in(app.test_client(), "ann").status_code for _ in range(12)] == [302] * 12


def test_an_address_that_tries_many_names_is_locked_out(config, monkeypatch) -> None:
    monkeypatch.setattr(users, "sign_in", lambda catalog, name, word: None)
    client = application(config).test_client()
    answers = [sign_in(client, f"user{n}", "wrong").status_code for n in range(31)]
    assert answers == [403] * 30 + [429]


@pytest.mark.parametrize(
    "target",
    [
        "//[",
        "http://[",
        *("https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example"),
        *("javascript:alert(1)", "/\t/evil.example", "evil", "", "///evil.example", "/\n/evil"),
        *("http:evil.example", "/%0d/x\r\nSet-Cookie: a=b", "data:text/html,x"),
    ],
)
def test_nobody_is_sent_elsewhere_after_signing_in(config, target: str) -> None:
    assert local(target) == "/"


@pytest.mark.parametrize("target", ["/", "/s/a/", "/s/a/?range=7d&filter=page==//x", "/s/a%2F"])
def test_one_who_signs_in_comes_to_the_page_he_wanted(config, client, target: str) -> None:
    add_user(config, "ann")
    done = submit(client, f"/login?next={quote(target)}", name="ann", password=PASSWORD)
    assert done.location == target


def test_the_first_user_is_made_by_a_link_that_works_once(catalog, client) -> None:
    secret = links.first_setup(catalog)
    page = f"/setup/{secret}"
    assert client.get(page).status_code == 200
    words = {"name": "ann", "password": PASSWORD}
    assert submit(client, page, **words, again="another password").status_code == 400
    assert submit(client, page, name="ann", password="short", again="short").status_code == 400
    assert submit(client, page, **words, again=PASSWORD).status_code == 302
    assert user_of(client) == "somebody"
    assert client.get(page).status_code == 404
    assert links.first_setup(catalog) is None
    assert [(u.name, u.grants) for u in users.listed(catalog)] == [("ann", {"*": "admin"})]


def test_a_link_for_the_first_user_is_void_once_there_is_one(config, catalog, client) -> None:
    secret = links.first_setup(catalog)
    add_user(config, "ann")
    assert client.get(f"/setup/{secret}").status_code == 404


def test_a_later_link_for_the_first_user_replaces_the_earlier(catalog, client) -> None:
    first, second = links.first_setup(catalog), links.first_setup(catalog)
    assert client.get(f"/setup/{first}").status_code == 404
    assert client.get(f"/setup/{second}").status_code == 200


def test_a_user_without_a_password_sets_one_by_a_link(catalog, client) -> None:
    users.add(catalog, "bob", None, "a", "viewer")
    assert sign_in(client, "bob", "").status_code == 403
    page = f"/setup/{links.invite(catalog, 'bob')}"
    done = submit(client, page, name="ann", password=PASSWORD, again=PASSWORD)
    assert done.status_code == 302
    assert [user.name for user in users.listed(catalog)] == ["bob"]
    assert user_of(client) == "somebody"


def test_a_link_is_too_old_after_a_day(catalog, client, monkeypatch) -> None:
    users.add(catalog, "bob", None, "a", "viewer")
    secret = links.invite(catalog, "bob")
    later = links.utcnow() + links.SETUP_LIFE + dt.timedelta(seconds=1)
    monkeypatch.setattr(links, "utcnow", lambda: later)
    assert client.get(f"/setup/{secret}").status_code == 404


def test_a_share_link_leads_to_its_site(catalog, client) -> None:
    done = client.get(f"/share/{links.share(catalog, 'a')}")
    assert (done.status_code, done.location) == (302, "/s/a/")


def test_a_share_link_with_a_password_asks_for_it(catalog, client) -> None:
    page = f"/share/{links.share(catalog, 'a', PASSWORD)}"
    assert client.get(page).status_code == 200
    assert submit(client, page, password="wrong horse battery").status_code == 403
    assert submit(client, page, password=PASSWORD).location == "/s/a/"


def test_a_share_link_ends_with_its_time_and_when_it_is_revoked(catalog, client, monkeypatch):
    one, other = links.share(catalog, "a"), links.share(catalog, "a", life=WEEK)
    links.unshare(catalog, links.shares(catalog)[0].id)
    assert client.get(f"/share/{one}").status_code == 404
    assert client.get(f"/share/{other}").status_code == 302
    later = links.utcnow() + WEEK + dt.timedelta(seconds=1)
    monkeypatch.setattr(links, "utcnow", lambda: later)
    assert client.get(f"/share/{other}").status_code == 404


def test_no_secret_is_kept_as_it_is(config, catalog) -> None:
    add_user(config, "ann")
    secrets = [links.share(catalog, "a"), links.invite(catalog, "ann"), PASSWORD]
    catalog.close()
    held = b"".join(file.read_bytes() for file in config.store.data.glob("catalog.db*"))
    assert not [secret for secret in secrets if secret.encode() in held]


@pytest.mark.parametrize("path", ["/login", "/no-such-page", "/healthz", "/static/app.css"])
def test_every_answer_has_the_headers_that_protect_it(client, path: str) -> None:
    with client.get(path) as answer:
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize("path", ["/login", "/no-such-page"])
def test_pages_have_no_script_or_style_of_their_own(client, path: str) -> None:
    text = client.get(path).text
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", text)


def test_the_folder_of_the_store_is_closed_to_others(config, tmp_path: Path) -> None:
    data = tmp_path / "old"
    data.mkdir(mode=0o755)
    Catalog(data).close()
    assert data.stat().st_mode & 0o777 == 0o700
    application(config)
    assert (config.store.data / "secret.key").stat().st_mode & 0o777 == 0o600
