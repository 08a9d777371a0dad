"""What is wrong with the logs and jobs is said on top of the page of a site, with what to do."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from pipeline import jobs, status
from pipeline import tables as t
from pipeline.catalog import Catalog, utcnow
from pipeline.errors import StoreError
from pipeline.jobs import Place
from tests.stores import SAMPLE, Store
from tests.web import add_user, application, configured, sign_in

SITE = "a"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    config = configured(tmp_path / "data")
    found = Store(config.store.data, config)
    found.backfill(SAMPLE, site=SITE)
    add_user(config, "ada")
    return found


@pytest.fixture
def admin(store: Store) -> Iterator[FlaskClient]:
    client = application(store.config).test_client()
    sign_in(client, "ada")
    yield client


def following(store: Store, *troubles: str, **lag: float) -> None:
    """The file by which a tailer says how it goes; `lag` is that of the one log."""
    catalog = Catalog(store.data)
    (source,) = catalog.sources()
    catalog.close()
    files = {str(source.id): {"lag_bytes": 0, "lag_seconds": 0.0, **lag}}
    said = {"time": time.time(), "files": files, "sources": [{"site": SITE, "troubles": troubles}]}
    (store.data / status.NAME).write_text(json.dumps(said))


def said(client: FlaskClient, page: str = "") -> str:
    return unescape(client.get(f"/s/{SITE}/{page}").text)


class Full:
    """Salts on a disk that is full."""

    def destroy(self) -> int:
        raise StoreError("The disk is full.", "salts.db")


def test_a_log_that_is_read_to_its_end_is_good(store: Store, admin: FlaskClient) -> None:
    following(store)
    assert "All 10,000 lines accounted for" in said(admin)


def test_a_log_that_is_behind_says_how_far(store: Store, admin: FlaskClient) -> None:
    following(store, lag_bytes=5_000_000, lag_seconds=300.0)
    assert "A log is behind" in said(admin)
    assert f"{SAMPLE.name} is behind: 5.0 MB wait to be read." in said(admin)
    assert '<span class="state lagging">Behind' in said(admin, "ledger")


def test_a_log_without_new_lines_for_a_day_is_asked_about(store: Store, admin: FlaskClient) -> None:
    catalog = Catalog(store.data)
    with catalog.write() as tx:
        tx.execute(t.sources.update().values(updated=utcnow() - dt.timedelta(days=3)))
    catalog.close()
    assert "A log is silent" not in said(admin), "nobody follows it"
    following(store)
    assert "A log is silent" in said(admin)
    assert "last had a new line 3 days ago. Is it still the log" in said(admin)


def test_a_log_that_cannot_be_followed_is_named_to_who_manages_it(
    store: Store, admin: FlaskClient
) -> None:
    following(store, "/var/log/a.log: Permission denied")
    assert "A log cannot be followed: /var/log/a.log: Permission denied" in said(admin)
    add_user(store.config, "eve", SITE, "viewer")
    viewer = application(store.config).test_client()
    sign_in(viewer, "eve")
    assert "Permission denied" not in said(viewer)


def test_a_job_that_failed_is_told_until_it_succeeds(store: Store, admin: FlaskClient) -> None:
    catalog = Catalog(store.data)
    salts: Any = Full()
    place = Place(catalog, store.config.store.retention, salts)
    jobs.run(place, "salts")
    assert "A job has failed" in said(admin)
    assert "The job salts has failed: The disk is full." in said(admin)
    jobs.run(Place(catalog, store.config.store.retention, Emptied()), "salts")  # type: ignore[arg-type]
    assert "A job has failed" not in said(admin)
    catalog.close()


class Emptied:
    """Salts of which none is due."""

    def destroy(self) -> int:
        return 0
