"""What those see who may see only a part: through a share link with a filter, and of the account of
lines."""

from __future__ import annotations

import datetime as dt
import json
import time
from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient

from pipeline import query, question, status
from pipeline.access import links, secret, users
from pipeline.access.narrow import as_filter
from pipeline.catalog import Catalog
from pipeline.commit import Advance, claim, commit
from pipeline.config import Config
from pipeline.deadline import Deadline
from pipeline.errors import QueryError, QueryTimeout
from pipeline.identity import Trail, Verdict
from tests.events import DAY, add, event
from tests.web import add_user, application, configured, sign_in
from webapp.questions import answer_all

DAYS = {"from": DAY.isoformat(), "to": DAY.isoformat()}
RANGE = f"from={DAY}&to={DAY}"
ITEM = {"content_type": "post", "content_id": "1"}
ROWS = [
    event("09:00:00", "/blog/a", 1, country="FR"),
    event("09:00:01", "/blog/a", 1, country="FR", **ITEM),
    event("09:02:00", "/blog/a", 2, country="FR"),
    event("09:02:10", None, 2, **{"class": "event"}, event="buy"),
    *(event("10:00:00", f"/secret/{n}", 10 + n, country="DK") for n in range(7)),
    *(event("10:00:01", f"/secret/{n}", 10 + n, country="DK", **ITEM) for n in range(7)),
]
#: What only the records outside of /blog say.
OUTSIDE = ("secret", "Denmark")


def a_minute_ago(page: str, who: int) -> dict[str, Any]:
    then = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
    return event(then.strftime("%H:%M:%S"), page, who, date=then.date())


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    found = configured(tmp_path_factory.mktemp("links"), ("s", "open"))
    catalog = Catalog(found.store.data)
    add(catalog, [*ROWS, a_minute_ago("/blog/a", 3), a_minute_ago("/secret", 4)])
    add(catalog, [event("09:00:00", "/", 1, site="open")])
    _read(catalog, "open", "own.log", 1)
    _read(catalog, "", "shared.log", 5)
    catalog.close()
    troubles = [
        {"site": scope, "troubles": [f"no {name}"]}
        for scope, name in (("open", "one"), ("", "two"))
    ]
    said = {"time": time.time(), "sources": troubles, "files": {}}
    (found.store.data / status.NAME).write_text(json.dumps(said))
    return found


def _read(catalog: Catalog, scope: str, name: str, lines: int) -> None:
    """A log of which so many lines were counted, and one refused."""
    path = catalog.data_dir / name
    path.write_text(f"a line of {name}\n")
    trail = Trail()
    trail.feed(path.read_bytes())
    with catalog.write() as tx:
        number = claim(tx, scope, str(path), "combined", trail, Verdict("new"))
    outcomes = {"page": lines, "rejected": 1}
    rejects = [(0, len(f"a line of {name}"), "layout")]
    read = Advance(number, str(path), 0, 9, lines + 1, outcomes=outcomes, rejects=rejects)
    commit(catalog, "w", [read], [])


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret, "METHOD", "scrypt:1024:8:1")


def by_link(config: Config, text: str) -> FlaskClient:
    client: FlaskClient = application(config).test_client()
    catalog = Catalog(config.store.data)
    client.get(f"/share/{links.share(catalog, 's', filters=as_filter([text]))}")
    catalog.close()
    return client


@pytest.fixture
def blog(config: Config) -> FlaskClient:
    return by_link(config, "page~/blog/*")


def asked(client: FlaskClient, **more: Any) -> Any:
    return client.post("/api/v1/query", json={"site": "s", "metrics": ["visitors"], **DAYS, **more})


TOLD = {
    "query": (f"/api/v1/query?site=s&metrics=views,visitors&{RANGE}", '"metrics": [2, 2]'),
    "query, listed": (f"/api/v1/query?site=s&dimensions=page,country&{RANGE}", "/blog/a"),
    "export": (f"/api/v1/export?site=s&format=csv&dimensions=page&metrics=views&{RANGE}", 'a",2'),
    "content": ("/api/v1/content/post/1/stats?site=s&range=all", '"total": {"views": 1,'),
    "live": ("/api/v1/live?site=s", '"views": 1'),
    "live page": ("/s/s/live", "/blog/a"),
    "all sites": ("/", "/s/s/"),
    "dashboard": (f"/s/s/?{RANGE}", "/blog/a"),
    "list": (f"/s/s/list/pages/page?{RANGE}", "/blog/a"),
}


@pytest.mark.parametrize(("address", "told"), TOLD.values(), ids=TOLD)
def test_a_link_with_a_filter_tells_nothing_outside_of_it(blog, address: str, told: str) -> None:
    answer = blog.get(address)
    assert answer.status_code == 200, answer.text
    assert told.replace(" ", "") in answer.text.replace(" ", "")
    assert not [word for word in OUTSIDE if word in answer.text]


@pytest.mark.parametrize("address", ["/api/v1/accounts?site=s", "/s/s/ledger"])
def test_a_link_with_a_filter_opens_no_account(blog, address: str) -> None:
    assert blog.get(address).status_code in (403, 404)


def test_a_link_with_a_filter_does_not_tell_what_visitors_did_elsewhere(blog) -> None:
    did = ["has_done", ["is", "page", ["/secret/1"]]]
    answer = asked(blog, filters=did)
    assert answer.status_code == 400 and "has_done" in answer.json["detail"]
    assert asked(blog, filters=["not", did]).status_code == 400


def test_a_link_to_events_does_not_tell_how_many_visits_there_were(config) -> None:
    client = by_link(config, "event==buy")
    assert asked(client, metrics=["events"]).json["results"][0]["metrics"] == [1]
    answer = asked(client, metrics=["conversion_rate"])
    assert answer.status_code == 400 and "conversion_rate" in answer.json["detail"]


def test_what_does_not_fit_the_filter_of_a_link_is_refused(config) -> None:
    answer = asked(by_link(config, "entry==/blog/a"), metrics=["hits"])
    assert answer.status_code == 400 and "entry" in answer.json["detail"]


def account_of_open(config: Config, **grants: str) -> str:
    """Both pages that tell of the account of the site `open`, to a user or to nobody."""
    client: FlaskClient = application(config).test_client()
    if grants:
        name = "-".join(f"{site}.{role}" for site, role in grants.items())
        catalog = Catalog(config.store.data)
        for number, (site, role) in enumerate(grants.items()):
            told = users.ALL_SITES if site == "all" else site
            if number:
                users.grant(catalog, name, told, role)
            else:
                add_user(config, name, told, role)
        catalog.close()
        sign_in(client, name)
    pages = [client.get(address) for address in ("/s/open/ledger", f"/s/open/?{RANGE}")]
    assert [page.status_code for page in pages] == [200, 200]
    return "".join(page.text for page in pages)


#: Who asks; what is told, and what is not.
ACCOUNTS: dict[str, tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]] = {
    "everybody": (
        {},
        ("Log 1", "2 lines were read"),
        ("Log 2", ".log", "no one", "no two"),
    ),
    "who manages the site": (
        {"open": "admin"},
        ("a line of own.log", "no one"),
        ("Log 2", "shared.log", "no two"),
    ),
    "who manages it and reads all": (
        {"all": "viewer", "open": "admin"},
        ("a line of own.log", "no one", "Log 2"),
        ("shared.log", "no two"),
    ),
    "who manages all": ({"all": "admin"}, ("a line of shared.log", "no two", "no one"), ()),
}


@pytest.mark.parametrize(("grants", "told", "hidden"), ACCOUNTS.values(), ids=ACCOUNTS)
def test_the_account_of_lines_tells_no_more_than_one_may_know(
    config, grants: dict[str, str], told: tuple[str, ...], hidden: tuple[str, ...]
) -> None:
    text = account_of_open(config, **grants)
    assert [word for word in told if word not in text] == []
    assert [word for word in hidden if word in text] == []


def test_who_asks_several_times_has_one_time_for_all(config, monkeypatch) -> None:
    """A panel that cannot be answered makes each be asked by itself, and not for so long each."""
    made: list[Deadline] = []

    def answers(catalog: Any, queries: Any, **how: Any) -> Any:
        made.append(how["deadline"])
        if len(made) == 2:
            raise QueryTimeout(1)
        raise QueryError("No.")

    monkeypatch.setattr(query, "answers", answers)
    asking = {name: partial(question.parse, "open", "views") for name in "abc"}
    with application(config).test_request_context("/s/open/"):
        told = answer_all(asking)
    assert len({id(one) for one in made}) == 1 and len(made) == 4
    assert isinstance(told["a"], QueryTimeout)


def test_a_page_that_takes_too_long_is_given_up_at_once(config, monkeypatch) -> None:
    asked: list[int] = []

    def answers(catalog: Any, queries: Any, **how: Any) -> Any:
        asked.append(len(queries))
        raise QueryTimeout(1)

    monkeypatch.setattr(query, "answers", answers)
    answer = application(config).test_client().get(f"/s/open/?{RANGE}")
    assert answer.status_code == 503 and len(asked) == 1


@pytest.mark.parametrize("days", ["from=0001-01-01&to=0001-01-02", "from=2026-01-01&to=9999-12-31"])
@pytest.mark.parametrize("compare", ["", "previous", "year", "weekday"])
def test_a_day_at_the_end_of_the_calendar_is_refused(config, days: str, compare: str) -> None:
    client = application(config).test_client()
    for page in ("/s/open/?", "/s/open/list/pages/page?", "/api/v1/query?site=open&"):
        assert client.get(f"{page}{days}&compare={compare}").status_code == 400
