"""The overview of all sites: a few figures of each, and a small line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.catalog import Catalog
from webapp.asking import Asking
from webapp.overview import resolve, today_in
from webapp.periods import COMPARISONS, Period
from webapp.questions import Scope, answer_all, known_days
from webapp.series import Series, Span, series_of

METRICS = ("visitors", "views")


@dataclass(frozen=True, slots=True)
class Card:
    site: str
    period: Period | None
    series: Series | None
    totals: tuple[float | None, ...] = ()
    base: tuple[float | None, ...] = ()

    @property
    def change(self) -> float | None:
        if not self.base or not self.base[0] or self.totals[0] is None:
            return None
        return self.totals[0] / self.base[0] - 1


def cards(catalog: Catalog, names: Sequence[str]) -> list[Card]:
    return [_card(catalog, name, zones.get(name)) for zones in [_zones(catalog)] for name in names]


def _zones(catalog: Catalog) -> dict[str, str]:
    return {site.name: site.timezone for site in catalog.sites()}


def _card(catalog: Catalog, name: str, zone: str | None) -> Card:
    known = known_days(catalog, name) if zone else None
    if zone is None or known is None:
        return Card(name, None, None)
    today, asking = today_in(zone), Asking(name)
    period, _ = resolve(asking, today, known)
    compared = COMPARISONS["previous"].period(period)
    scope = Scope(asking, period)
    said = answer_all(
        catalog,
        {
            "totals": scope.of_who(METRICS),
            "base": scope.of_who(METRICS, period=compared),
            "series": scope.of_who(METRICS, "date"),
        },
    )
    series = series_of(said, METRICS, period, None, Span(known, today, "day"))
    rows = [getattr(said[key], "results", None) for key in ("totals", "base")]
    totals, base = (tuple(found[0]["metrics"]) if found else () for found in rows)
    return Card(name, period, series, totals, base)
