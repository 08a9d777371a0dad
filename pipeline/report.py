"""The report of a site: a fixed set of questions, each answered like any other."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.catalog import Account, Catalog
from pipeline.engine import DEFAULT, Limits
from pipeline.query import Answer, answers
from pipeline.question import Query, parse
from pipeline.schema import CLASSES

TOTALS = (
    *("views", "visitors", "visits", "bounce_rate", "visit_duration", "views_per_visit"),
    *("hits", "bot_hits", "bytes"),
)
PEOPLE = ("views", "visitors", "visits")
RECORDS = ("hits", "bytes")


@dataclass(frozen=True, slots=True)
class Panel:
    """One table of the report: a question, and how many rows of its answer are shown."""

    name: str
    title: str
    by: str
    metrics: tuple[str, ...]
    filters: tuple[str, ...] = ()
    limit: int | None = 10


TOTAL = Panel("totals", "Totals", "", TOTALS, limit=None)
PANELS = (
    Panel("days", "Days", "date", (*PEOPLE, "hits", "bot_hits"), limit=None),
    Panel("pages", "Top pages", "page", PEOPLE),
    Panel("sources", "Sources", "source", ("visits", "visitors", "views")),
    Panel("countries", "Countries", "country", ("visitors", "visits", "views")),
    Panel("devices", "Devices", "device", ("visitors", "visits", "views")),
    Panel("browsers", "Browsers", "browser", ("visitors", "visits", "views")),
    Panel("bots", "Bots", "bot", RECORDS, ("bot!=",)),
    Panel("bot_kinds", "Kinds of bots", "bot_category", RECORDS, ("bot_category!=",), None),
    Panel("not_found", "Not found (404)", "page", RECORDS, ("status==404",)),
    Panel("statuses", "Answers by status", "status", ("hits", "bot_hits", "bytes"), limit=None),
)


def report(
    catalog: Catalog,
    site: str | None = None,
    first: dt.date | None = None,
    last: dt.date | None = None,
    limits: Limits = DEFAULT,
) -> dict[str, Any]:
    """Totals, the panels by name, and the ledger; without a site, of all sites together."""

    def question(panel: Panel) -> Query:
        return parse(site, panel.metrics, panel.by, first, last, panel.filters, panel.limit)

    total, *found = answers(catalog, [question(panel) for panel in (TOTAL, *PANELS)], limits)
    panels = {panel.name: _table(answer) for panel, answer in zip(PANELS, found, strict=True)}
    return {
        "site": site,
        "from": total.query["from"],
        "to": total.query["to"],
        "totals": dict(zip(TOTALS, total.results[0]["metrics"], strict=True)),
        "meta": total.meta,
        **panels,
        "ledger": _ledger(catalog.accounts(None if site is None else [site])),
    }


def _table(found: Answer) -> dict[str, Any]:
    return {
        "dimensions": found.query["dimensions"],
        "metrics": found.query["metrics"],
        "results": found.results,
        "total_rows": found.meta["total_rows"],
        "warnings": found.meta["warnings"],
    }


def _ledger(accounts: Sequence[Account]) -> dict[str, Any]:
    """What became of all records that were ever read, whatever the range of the report. Known
    ones are left out: reading a log again changes no number."""
    outcomes: Counter[str] = Counter()
    for account in accounts:
        if account.outcome != "known":
            outcomes[account.outcome] += account.records
    return {
        "sources": len({account.source_id for account in accounts}),
        "records": outcomes.total(),
        "directives": outcomes["directive"],
        "rejected": outcomes["rejected"],
        "excluded": outcomes["excluded"],
        "classes": {name: outcomes[name] for name in CLASSES if outcomes[name]},
        "bots": sum(account.bots for account in accounts),
    }
