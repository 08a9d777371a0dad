"""What each route of the API does with what it was asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from pipeline import question
from pipeline.access import owners
from pipeline.errors import QueryError, QueryStopped
from pipeline.query import Answer
from pipeline.question import Query
from webapp import api_models as m
from webapp.answering import ask, ask_about
from webapp.auth import access, refuse, require_read
from webapp.current import catalog, config, deadline, site_names

LIVE_MINUTES = 30
_VIEWS = ["content_views", "visitors"]
_SIGNED_IN = ["is", "signed_in", ["true"]]
#: The parts of what is told of a content item: by which dimension, which metrics, what else fits.
_CONTENT: dict[str, tuple[list[str], list[str], list[Any] | None]] = {
    "total": ([], _VIEWS, None),
    "signed_in": ([], _VIEWS, _SIGNED_IN),
    "anonymous": ([], _VIEWS, ["not", _SIGNED_IN]),
    "countries": (["country"], _VIEWS, None),
    "devices": (["device"], _VIEWS, None),
    "view_types": (["view_type"], _VIEWS, None),
    "view_sources": (["view_source"], _VIEWS, None),
    "trend": (["time:day"], _VIEWS, None),
    "events": (["event"], ["events"], None),
}


def query(asked: m.QueryAsked) -> m.QueryTold:
    (answer,) = ask([question.from_dict(asked.as_question())])
    rows = [m.Row.model_validate(row) for row in answer.results]
    return m.QueryTold(query=answer.query, results=rows, meta=answer.meta)


def sites(asked: m.NothingAsked) -> m.SitesTold:
    zones = {site.name: site.timezone for site in catalog().sites()}
    told = []
    for name in access().readable(site_names()):
        days = [day.date for day in catalog().days([name])]
        own = config().site_named(name)
        told.append(
            m.SiteTold(
                name=name,
                timezone=zones.get(name, own.timezone),
                public=own.public,
                first=min(days, default=None),
                last=max(days, default=None),
            )
        )
    return m.SitesTold(sites=told)


def content(asked: m.ContentAsked) -> m.ContentTold:
    found, warnings = _parts(owners.Item(asked.site, asked.type, asked.id), _questions(asked))
    total = found["total"]
    return m.ContentTold(
        site=asked.site,
        type=asked.type,
        id=asked.id,
        first=total.query["from"],
        last=total.query["to"],
        total=_views(total),
        signed_in=_views(found["signed_in"]),
        anonymous=_views(found["anonymous"]),
        countries=_shares(found["countries"]),
        devices=_shares(found["devices"]),
        view_types=_shares(found["view_types"]),
        view_sources=_shares(found["view_sources"]),
        trend=_shares(found["trend"]),
        events=[m.EventCount(event=d[0], count=n[0]) for d, n in _rows(found["events"])],
        meta={**total.meta, "warnings": [*total.meta["warnings"], *warnings]},
    )


def _parts(
    item: owners.Item, questions: Mapping[str, Query]
) -> tuple[dict[str, Answer], list[str]]:
    """The answers, asked together; where one of them can't be told any more, those that can, and
    what is missing. Raises `QueryError` where the total can't."""
    until = deadline()
    try:
        told = ask_about(item, list(questions.values()), until)
        return dict(zip(questions, told, strict=True)), []
    except QueryStopped:
        raise
    except QueryError:
        found = dict(zip(questions, ask_about(item, [questions["total"]], until), strict=False))
    warnings = []
    for name, one in questions.items():
        if name not in found:
            try:
                found[name] = ask_about(item, [one], until)[0]
            except QueryStopped:
                raise
            except QueryError as error:
                found[name] = Answer({}, [], {})
                warnings.append(f"{name}: {error.what}")
    return found, warnings


def _questions(asked: m.ContentAsked) -> dict[str, Query]:
    of_item = [["is", "content_type", [asked.type]], ["is", "content_id", [asked.id]]]
    return {
        name: question.from_dict(
            {
                "site": asked.site,
                "metrics": metrics,
                "dimensions": by,
                "range": asked.range,
                "filters": ["and", [*of_item, *([also] if also else [])]],
                "limit": 1000,
            }
        )
        for name, (by, metrics, also) in _CONTENT.items()
    }


def accounts(asked: m.AccountsAsked) -> m.AccountsTold:
    if asked.site is not None:
        require_read(asked.site)
    readable = set(access().readable(site_names() if asked.site is None else [asked.site]))
    # Lines are not told apart by what a share link shows.
    readable = {site for site in readable if not access().filter_of(site)}
    if asked.site is not None and not readable:
        refuse()
    # Of a log whose lines say their host, nobody can say which lines are of one site.
    scopes = readable | ({""} if access().reads_all else set())
    return m.AccountsTold(
        accounts=[
            m.AccountTold(
                source_id=one.source_id,
                path=one.path if access().may_manage(one.scope) else None,
                site=one.scope,
                read_date=one.read_date,
                outcome=one.outcome,
                records=one.records,
                bots=one.bots,
            )
            for one in catalog().accounts(sorted(scopes))
            if one.scope in scopes
        ]
    )


def live(asked: m.LiveAsked) -> m.LiveTold:
    """The last minutes, by the clock of the site."""
    require_read(asked.site)
    zones = {site.name: site.timezone for site in catalog().sites()}
    zone = ZoneInfo(zones.get(asked.site, config().site_named(asked.site).timezone))
    now = dt.datetime.now(zone).replace(tzinfo=None, microsecond=0)
    since = now - dt.timedelta(minutes=LIVE_MINUTES)
    about = {"site": asked.site, "from": since.isoformat(), "to": now.isoformat()}
    shown = {"metrics": ["views", "visitors"], **about}
    total, pages = ask(
        [
            question.from_dict(shown),
            question.from_dict({**shown, "dimensions": ["page"], "limit": 20}),
        ]
    )
    views = _views(total)
    return m.LiveTold(
        site=asked.site,
        minutes=LIVE_MINUTES,
        views=views.views,
        visitors=views.unique,
        pages=_shares(pages),
    )


def owner_token(asked: m.OwnerTokenAsked) -> m.OwnerTokenTold:
    require_read(asked.site)
    if not access().may_pass_on(asked.site):
        refuse()
    item, life = owners.Item(asked.site, asked.type, asked.id), dt.timedelta(days=asked.days)
    return m.OwnerTokenTold(token=owners.token(config().store.data, item, life))


def _rows(answer: Answer) -> list[tuple[list[Any], list[Any]]]:
    return [(row["dimensions"], row["metrics"]) for row in answer.results]


def _views(answer: Answer) -> m.Views:
    views, unique = _rows(answer)[0][1] if answer.results else (None, None)
    return m.Views(views=views, unique=unique)


def _shares(answer: Answer) -> list[m.Share]:
    return [
        m.Share(value=keys[0], views=views, unique=unique)
        for keys, (views, unique) in _rows(answer)
    ]
