"""The API: its answers are those of the query engine, and its refusals name what is wrong."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from pipeline import maintain, query, question, rollup
from pipeline.access import keys, links, owners
from pipeline.catalog import Catalog
from pipeline.config import Config, Retention
from tests.events import DAY, add, bot, event
from tests.web import application, configured

RANGE = {"from": DAY.isoformat(), "to": DAY.isoformat()}
ITEM = {"content_type": "post", "content_id": "a/1"}
ROWS = [
    event("09:00:00", "/", 1, country="FR", device="mobile"),
    event("09:10:00", "/a", 1, country="FR", device="mobile", **ITEM, view_type="intentional"),
    event("09:20:00", "/a", 2, country="DE", device="desktop", **ITEM, signed_in=True),
    event("09:21:00", "/a", 2, country="DE", device="desktop", **ITEM, signed_in=True),
    event("09:22:00", "/a", 2, **{"class": "event"}, event="reaction", **ITEM),
    event("09:23:00", "/", 3, country="=1+1", device="desktop"),
    bot("09:07:00", "/a"),
    event("09:00:00", "/elsewhere", 1, site="b"),
]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    found = configured(tmp_path_factory.mktemp("api"), ("s", "b"))
    catalog = Catalog(found.store.data)
    add(catalog, ROWS)
    catalog.close()
    return found


@pytest.fixture(scope="module")
def catalog(config: Config) -> Catalog:
    return Catalog(config.store.data)


@pytest.fixture(scope="module")
def client(config: Config, catalog: Catalog) -> FlaskClient:
    client = application(config).test_client()
    secret = keys.add(catalog, "tests", "read", ["s"])
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    return client


def test_a_question_is_answered_as_by_the_engine(client, catalog) -> None:
    asked = {"site": "s", "metrics": ["views", "visitors"], "dimensions": ["country"], **RANGE}
    told = client.post("/api/v1/query", json=asked)
    expected = query.answer(catalog, question.from_dict({**asked, "limit": 100}))
    assert told.status_code == 200
    assert told.json["results"] == [{**row, "comparison": None} for row in expected.results]
    assert told.json["query"] == expected.query
    assert client.post("/api/v1/query", json=told.json["query"]).json == told.json


def test_the_same_can_be_asked_in_an_address(client) -> None:
    asked = {"site": "s", "metrics": ["views"], "dimensions": ["page"], "filters": ["country==FR"]}
    said = f"site=s&metrics=views&dimensions=page&from={DAY}&to={DAY}"
    posted = client.post("/api/v1/query", json={**asked, **RANGE})
    assert posted.json["results"][0]["metrics"] == [1]
    for filters in ("country==FR", '["is", "country", ["FR"]]'):
        got = client.get(f"/api/v1/query?{said}&{urlencode({'filters': filters})}")
        assert got.json == posted.json


WRONG = {
    "unknown metric": ({"metrics": ["vews"]}, "metrics.0", "views"),
    "unknown dimension": ({"dimensions": ["contry"]}, "dimensions.0", "country"),
    "unknown range": ({"range": "7days"}, "range", "7d"),
    "unknown comparison": ({"compare": "last"}, "compare", "previous"),
    "unknown field": ({"metric": "views"}, "metric", None),
    "too many rows": ({"limit": 10**9}, "limit", None),
    "no rows": ({"limit": 0}, "limit", None),
    "a wrong type": ({"limit": "ten"}, "limit", None),
    "not a filter": ({"filters": ["country=FR"]}, "filters", None),
    "filter by what is not there": ({"filters": ["contry==FR"]}, "filters", None),
    "not a day": ({"from": "yesterday"}, "from", None),
    "no such order": ({"order": "views_"}, None, None),
    "an absurd day": ({"from": "0000-00-00"}, "from", None),
}


@pytest.mark.parametrize("said, field, allowed", WRONG.values(), ids=WRONG)
def test_a_refusal_names_the_field_and_what_is_allowed(client, said, field, allowed) -> None:
    answer = client.post("/api/v1/query", json={"site": "s", **said})
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    problem = answer.json
    assert (problem["status"], problem["title"]) == (400, "Bad Request") and problem["detail"]
    (fault,) = problem["errors"]
    assert fault.get("field") == field
    assert allowed is None or allowed in fault["allowed"]


def test_a_filter_that_is_too_deep_is_refused(client) -> None:
    tree = ["is", "country", ["FR"]]
    for _ in range(30):
        tree = ["not", tree]
    assert client.post("/api/v1/query", json={"site": "s", "filters": tree}).status_code == 400
    text = "[" * 5000 + "]" * 5000
    answer = client.get("/api/v1/query", query_string={"site": "s", "filters": text})
    assert answer.status_code == 400
    body = '{"site": "s", "filters": ' + "[" * 100_000 + "]" * 100_000 + "}"
    assert (
        client.post("/api/v1/query", data=body, content_type="application/json").status_code == 400
    )


ODD = (
    [{}, []],
    [None],
    [[]],
    [["is"]],
    ["is", "country", {"a": 1}],
    ["is", "country", [{"a": 1}]],
    ["is", "country", [["FR"]]],
    ["is", 1, ["FR"]],
    ["and", "country==FR"],
    ["and", {}],
    ["or", []],
    ["and", []],
    ["not", ["and", []]],
    ["not", ["or", []]],
    ["has_done", ["or", []]],
    ["is", "status", [1.5]],
    ["is", "hour", [True]],
    ["is", "date", ["2026-03-01T00:00:00"]],
    ["is", "prop:a]b.c$", ["x"]],
    ["matches_regex", "page", ["("]],
    ["contains", "page", ["\x00"]],
    ["is", "page", ["\ud800"]],
    ["is", "page", ["x" * 100_000]],
    ["is", "page", [str(n) for n in range(1000)]],
    ["country==FR", ["is", "country", ["FR"]]],
)


@pytest.mark.parametrize("filters", ODD, ids=lambda odd: str(odd)[:40])
def test_an_odd_filter_is_answered_or_refused_in_few_words(client, filters) -> None:
    asked = {"site": "s", "dimensions": ["page"], "filters": filters, **RANGE}
    answer = client.post("/api/v1/query", json=asked)
    assert answer.status_code in (200, 400), answer.text
    assert len(answer.text) < 3000


@pytest.mark.parametrize(
    "body, kind, status",
    [("{", "application/json", 400), ("[]", "application/json", 400), ("a=b", "text/plain", 415)],
)
def test_a_body_that_is_no_object_of_json_is_refused(client, body, kind, status) -> None:
    answer = client.post("/api/v1/query", data=body, content_type=kind)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")


def test_no_more_is_asked_at_once_than_is_set(tmp_path: Path, monkeypatch) -> None:
    from webapp import answering

    app = application(configured(tmp_path / "data", ("open",), queries=1))
    monkeypatch.setattr(answering, "WAIT_SECONDS", 0.01)
    with app.app_context(), answering.turn():
        answer = app.test_client().get("/api/v1/query?site=open")
    assert answer.status_code == 503 and answer.json["status"] == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_a_question_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    config = configured(tmp_path / "data", ("open",), query_seconds=0.000001)
    catalog = Catalog(config.store.data)
    add(catalog, [event("09:00:00", f"/{n}", n, site="open") for n in range(500)])
    asked = {"site": "open", "range": "all", "dimensions": ["page"], "filters": ["page~/*"]}
    answer = application(config).test_client().post("/api/v1/query", json=asked)
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_share_link_answers_within_its_filter_alone(config, catalog) -> None:
    app = application(config)
    client = app.test_client()
    secret = links.share(catalog, "s", filters=["is", "country", ["FR"]])
    client.get(f"/share/{secret}")
    asked = {"site": "s", "metrics": ["views"], "filters": ["country!=FR"], **RANGE}
    assert client.post("/api/v1/query", json=asked).json["results"][0]["metrics"] == [0]
    del asked["filters"]
    assert client.post("/api/v1/query", json=asked).json["results"][0]["metrics"] == [1]
    assert client.post("/api/v1/query", json={**asked, "site": "b"}).status_code == 403
    assert client.get("/api/v1/accounts?site=s").status_code == 403


def test_the_owner_of_an_item_reads_its_statistics_and_nothing_else(client, config) -> None:
    body = {"site": "s", "type": "post", "id": "a/1"}
    token = client.post("/api/v1/owner-tokens", json=body).json["token"]
    owner = application(config).test_client()
    shown = {"Authorization": f"Bearer {token}"}
    days = (dt.date.today() - DAY).days + 1
    page = f"/api/v1/content/post/a/1/stats?site=s&range={days}d"
    told = owner.get(page, headers=shown)
    assert told.status_code == 200
    assert told.json == client.get(page).json
    assert told.json["total"] == {"views": 3, "unique": 2}
    assert told.json["signed_in"] == {"views": 2, "unique": 1}
    assert told.json["anonymous"] == {"views": 1, "unique": 1}
    assert told.json["countries"] == [
        {"value": "DE", "views": 2, "unique": 1},
        {"value": "FR", "views": 1, "unique": 1},
    ]
    assert told.json["trend"] == [{"value": DAY.isoformat(), "views": 3, "unique": 2}]
    assert told.json["events"] == [{"event": "reaction", "count": 1}]
    assert owner.get(page.replace("a/1", "a/2"), headers=shown).status_code == 403
    assert owner.get("/api/v1/query?site=s", headers=shown).status_code == 403


def test_of_an_item_is_told_what_is_still_known(tmp_path: Path) -> None:
    """The totals are kept for ever, what they are made of is not."""
    config = configured(tmp_path / "data", ("s", "b"))
    catalog = Catalog(config.store.data)
    add(catalog, ROWS)
    rollup.rollup(catalog)
    maintain.retain(catalog, Retention(), dt.date(9000, 1, 1))
    secret = keys.add(catalog, "k", "read", ["s"])
    page = "/api/v1/content/post/a/1/stats?site=s&range=all"
    shown = {"Authorization": f"Bearer {secret}"}
    told = application(config).test_client().get(page, headers=shown).json
    assert told["total"] == {"views": 3, "unique": 2}
    assert told["trend"] == [{"value": DAY.isoformat(), "views": 3, "unique": 2}]
    assert (told["countries"], told["signed_in"]) == ([], {"views": None, "unique": None})
    assert any(text.startswith("countries: ") for text in told["meta"]["warnings"])


def test_a_token_ends_with_its_time_and_can_not_be_forged(config, monkeypatch) -> None:
    item = owners.Item("s", "post", "1")
    token = owners.token(config.store.data, item, dt.timedelta(days=1))
    assert owners.item_of(config.store.data, token) == item
    # Of the last sign, not all bits count.
    forged = f"{token[:-9]}{'A' if token[-9] != 'A' else 'B'}{token[-8:]}"
    assert owners.item_of(config.store.data, forged) is None

    class Later(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) + dt.timedelta(days=2)

    monkeypatch.setattr(owners.dt, "datetime", Later)
    assert owners.item_of(config.store.data, token) is None


def test_sites_are_told_to_who_may_read_them(client) -> None:
    day = DAY.isoformat()
    site = {"name": "s", "timezone": "UTC", "public": False, "first": day, "last": day}
    assert client.get("/api/v1/sites").json == {"sites": [site]}


def test_the_last_minutes_are_told(client) -> None:
    told = client.get("/api/v1/live?site=s").json
    assert told == {"site": "s", "minutes": 30, "visitors": 0, "views": 0, "pages": []}


def test_a_revoked_key_opens_nothing(config, catalog) -> None:
    secret = keys.add(catalog, "gone", "read", ["*"])
    client = application(config).test_client()
    shown = {"Authorization": f"Bearer {secret}"}
    assert client.get("/api/v1/sites", headers=shown).status_code == 200
    keys.revoke(catalog, "gone")
    assert client.get("/api/v1/sites", headers=shown).status_code == 401


@pytest.mark.parametrize("form", ["csv", "json", "xlsx", "parquet"])
def test_an_answer_is_told_as_a_file(client, form: str) -> None:
    asked = f"site=s&metrics=views&dimensions=country&from={DAY}&to={DAY}&format={form}"
    answer = client.get(f"/api/v1/export?{asked}")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == f"attachment; filename=s.{form}"
    if form == "csv":
        assert answer.text == '"country","views"\n"\'=1+1",1\n"FR",1\n'


def test_a_file_is_bounded_and_made_in_its_turn(client, monkeypatch) -> None:
    from webapp import answering, exports

    asked = f"/api/v1/export?site=s&metrics=views&dimensions=page&from={DAY}&to={DAY}&format=csv"
    assert client.get(f"{asked}&limit=100001").status_code == 400
    free, told = [], exports.extract.answer

    def rows(answer):
        turns = client.application.extensions[answering._NAME]
        free.append(turns._value)
        return told(answer)

    most = client.application.config["TALLYLOG"].web.queries
    monkeypatch.setattr(exports.extract, "answer", rows)
    assert client.get(f"{asked}&limit=100000").status_code == 200
    assert free == [most - 1]


def test_the_page_about_the_api_names_every_route_and_loads_nothing_from_elsewhere(client) -> None:
    page = client.get("/api/v1/docs").text
    document = client.get("/api/v1/openapi.json").json
    assert document["openapi"].startswith("3.1")
    assert all(path in page for path in document["paths"])
    assert not re.search(r"""(src|href)=["'](https?:)?//""", page)
