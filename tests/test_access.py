"""The commands about users, keys and links, and what the catalog and the logs keep of secrets."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.access import keys, links, owners, secret, users
from pipeline.backup import backup
from pipeline.catalog import Catalog
from pipeline.errors import AccessError
from tallylog import main
from tests.web import PASSWORD, add_user, application, configured, sign_in


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret, "METHOD", "scrypt:1024:8:1")


@pytest.fixture
def run(tmp_path: Path):
    def call(*words: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(main, ["--data", str(tmp_path / "data"), *words], input=typed)

    return call


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "data")


def test_a_user_is_added_granted_shown_and_removed(run, catalog) -> None:
    asked = run("user", "add", "ann", "--site", "a", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert asked.exit_code == 0 and PASSWORD not in asked.output
    assert users.sign_in(catalog, "ann", PASSWORD)
    run("user", "grant", "ann", "--site", "b", "--role", "admin")
    run("user", "grant", "ann", "--site", "a", "--role", "none")
    (shown,) = json.loads(run("user", "list", "--json").stdout)["users"]
    assert (shown["name"], shown["roles"], shown["password"]) == ("ann", {"b": "admin"}, True)
    assert "admin of b" in run("user", "list").stdout
    run("user", "passwd", "ann", "--password-stdin", typed="another long password\n")
    assert users.sign_in(catalog, "ann", PASSWORD) is None
    assert users.sign_in(catalog, "ann", "another long password")
    run("user", "remove", "ann")
    assert users.listed(catalog) == []


def test_a_user_can_choose_the_password_by_a_link(run, catalog) -> None:
    link = run("user", "add", "bob", "--link").stdout.strip()
    assert link.startswith("http://127.0.0.1:8710/setup/")
    again = run("user", "link", "bob").stdout.strip()
    assert links.invited(catalog, link.rsplit("/", 1)[1]) == (False, None)
    assert links.invited(catalog, again.rsplit("/", 1)[1]) == (True, "bob")


def test_a_key_is_printed_once_and_opens_what_it_says(run, catalog) -> None:
    key = run("key", "add", "shop", "--site", "a", "--write").stdout.strip()
    assert key.startswith("tallylog_write_")
    found = keys.find(catalog, key)
    assert found and found.may("write", "a") and not found.may("write", "b")
    assert keys.find(catalog, key[:-1]) is None
    reading = run("key", "add", "grafana", "--site", "*").stdout.strip()
    found = keys.find(catalog, reading)
    assert found and found.may("read", "a") and not found.may("write", "a")
    shown = json.loads(run("key", "list", "--json").stdout)["keys"]
    assert [(one["name"], one["sites"]) for one in shown] == [("grafana", ["*"]), ("shop", ["a"])]
    assert shown[1]["last_used"] and key not in run("key", "list").stdout
    run("key", "revoke", "shop")
    assert keys.find(catalog, key) is None


def test_a_share_link_is_printed_once_and_narrowed_as_said(run, catalog) -> None:
    catalog.ensure_sites({"a": "UTC"})
    words = ("share", "add", "--site", "a", "--days", "3", "--filter", "page~/blog/*")
    link = run(*words, "--password-stdin", typed=f"{PASSWORD}\n").stdout.strip()
    found = links.shared(catalog, link.rsplit("/", 1)[1])
    assert found and found.has_password and links.opens(catalog, found, PASSWORD)
    assert found.expires and (found.expires - found.created).days == 3
    assert "/blog/*" in json.dumps(found.filters)
    assert run("share", "revoke", str(found.id)).exit_code == 0
    assert json.loads(run("share", "list", "--json").stdout) == {"links": []}


def test_a_token_of_an_owner_is_printed(run, catalog) -> None:
    words = ("key", "owner", "--site", "a", "--type", "post", "--id", "7", "--days", "1")
    token = run(*words).stdout.strip()
    assert owners.item_of(catalog.data_dir, token) == owners.Item("a", "post", "7")
    other = Catalog(catalog.data_dir.parent / "other")
    assert owners.item_of(other.data_dir, token) is None


REFUSED = {
    "a name with blanks": ("user", "add", "a b", "--link"),
    "a role that is none": ("user", "add", "ann", "--role", "owner", "--link"),
    "no site": ("user", "add", "ann", "--site", "a b", "--link"),
    "nobody": ("user", "grant", "nobody", "--role", "viewer"),
    "nobody to remove": ("user", "remove", "nobody"),
    "nobody to link": ("user", "link", "nobody"),
    "no key": ("key", "revoke", "none"),
    "no link": ("share", "revoke", "7"),
    "a site that is none": ("share", "add", "--site", "nowhere"),
    "a filter that is none": ("share", "add", "--site", "known", "--filter", "page"),
}


@pytest.mark.parametrize("words", REFUSED.values(), ids=REFUSED)
def test_a_refusal_says_why(run, catalog, words: tuple[str, ...]) -> None:
    catalog.ensure_sites({"known": "UTC"})
    done = run(*words)
    assert done.exit_code == 1 and done.stderr.startswith("Error: ")
    assert "unexpected" not in done.stderr


def test_a_name_is_taken_once(run, catalog) -> None:
    users.add(catalog, "ann", None)
    keys.add(catalog, "k", "read", ["a"])
    assert run("user", "add", "ann", "--link").exit_code == 1
    assert run("key", "add", "k", "--site", "a").exit_code == 1


@pytest.mark.parametrize("password", ["short", "x" * 201])
def test_a_password_is_neither_short_nor_endless(catalog, password: str) -> None:
    with pytest.raises(AccessError, match="10 to 200"):
        users.add(catalog, "ann", password)
    users.add(catalog, "ann", PASSWORD)
    assert users.sign_in(catalog, "ann", password) is None


def test_a_number_that_was_given_once_never_comes_back(catalog) -> None:
    """Sessions hold it: it must not become that of somebody else."""
    first = users.add(catalog, "ann", None).id
    links.share(catalog, "a")
    gone = links.shares(catalog)[0].id
    users.remove(catalog, "ann")
    links.unshare(catalog, gone)
    links.share(catalog, "a")
    assert users.add(catalog, "bob", None).id > first
    assert links.shares(catalog)[0].id > gone


def test_the_key_of_sessions_is_made_once_however_many_ask(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(secret.signing_key, [tmp_path / "data"] * 8))
    assert len(found) == 1
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["secret.key"]


def test_many_that_open_a_new_store_at_once_all_do(tmp_path: Path) -> None:
    """As `ingest` and `web` do when `run` starts them for the first time."""
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(Catalog, [tmp_path / "data"] * 8))
    assert [catalog.sites() for catalog in opened] == [[]] * 8


def test_a_backup_holds_users_but_not_the_key_of_their_sessions(catalog, tmp_path: Path) -> None:
    users.add(catalog, "ann", None)
    secret.signing_key(catalog.data_dir)
    backup(catalog, tmp_path / "backup")
    assert not list((tmp_path / "backup").rglob("*secret*"))
    assert [user.name for user in users.listed(Catalog(tmp_path / "backup"))] == ["ann"]


def test_no_secret_comes_into_a_log(tmp_path: Path, caplog) -> None:
    config = configured(tmp_path / "data")
    add_user(config, "ann")
    app = application(config)
    client = app.test_client()
    key = keys.add(Catalog(config.store.data), "k", "read", ["a"])
    with caplog.at_level(logging.DEBUG):
        sign_in(client, "ann", "a wrong password")
        sign_in(client, "ann")
        client.get("/api/v1/sites", headers={"Authorization": f"Bearer {key}"})
        client.get("/api/v1/sites", headers={"Authorization": "Bearer wrong-key"})
    assert not [s for s in (PASSWORD, "a wrong password", key, "wrong-key") if s in caplog.text]
