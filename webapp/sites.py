"""The overview of all sites: a few figures of each, and a small line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from pipeline.catalog import Catalog
from pipeline.errors import QueryError
from pipeline.query import Answer
from webapp.asking import Asking
from webapp.overview import now_in, resolve
from webapp.periods import Period
from webapp.questions import Scope, answer_all, known_days
from webapp.series import Series, Span, series_of

METRICS = ("visitors", "views")


@dataclass(frozen=True, slots=True)
class Card:
    site: str
    period: Period | None
    series: Series | None
    totals: Sequence[float | None] = ()
    change: float | None = None
    answer: Answer | None = None


def cards(catalog: Catalog, names: Sequence[str]) -> list[Card]:
    zones = {site.name: site.timezone for site in catalog.sites()}
    return [_card(catalog, name, zones.get(name)) for name in names]


def _card(catalog: Catalog, name: str, zone: str | None) -> Card:
    known = known_days(catalog, name) if zone else None
    if zone is None or known is None:
        return Card(name, None, None)
    now, asking = now_in(zone), Asking(name)
    period, _ = resolve(asking, now.date(), known)
    scope = Scope(asking, period)
    said = answer_all(
        {
            "totals": partial(scope.of_who, METRICS),
            "series": partial(scope.of_who, METRICS, "time:day"),
        }
    )
    totals, found = said["totals"], said["series"]
    if isinstance(totals, QueryError) or isinstance(found, QueryError):
        return Card(name, None, None)
    row = totals.results[0]
    series = series_of(found, METRICS, Span("day", period, known, now))
    return Card(name, period, series, row["metrics"], row["comparison"]["change"][0], totals)
