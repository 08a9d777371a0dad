"""From what a page shows to the questions it puts, and to their answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.catalog import Catalog
from pipeline.cuts import NOT_OF_RECORDS
from pipeline.errors import QueryError
from pipeline.query import Answer, answer, answers
from pipeline.question import Query, parse
from pipeline.schema import RECORD_MEASURES
from webapp.asking import Asking
from webapp.panels import SENT, Tab
from webapp.periods import Period

#: What those who are asked for have in common.
WHO_FILTERS = {"people": (), "bots": ("bot!=",), "all": ()}
Said = Answer | QueryError
_TEXT = {"is": "==", "is_not": "!=", "matches": "~"}


@dataclass(frozen=True, slots=True)
class Scope:
    """What all questions of a page share."""

    asking: Asking
    period: Period

    def question(
        self,
        metrics: tuple[str, ...],
        by: str = "",
        filters: tuple[str, ...] = (),
        limit: int | None = None,
        order: str = "",
        period: Period | None = None,
        offset: int = 0,
    ) -> Query:
        days = period or self.period
        own = tuple(str(one) for one in self.asking.filters)
        return parse(
            self.asking.site,
            metrics,
            by,
            days.first,
            days.last,
            (*filters, *self.asking.narrowed, *own),
            limit,
            order,
        )

    def of_who(self, metrics: tuple[str, ...], by: str = "", period: Period | None = None) -> Query:
        """About those whose requests the page counts."""
        return self.question(metrics, by, WHO_FILTERS[self.asking.who], period=period)

    def of_tab(self, tab: Tab, limit: int | None, offset: int = 0, order: str = "") -> Query:
        counts_people = tab.people and self.asking.who == "people"
        metrics = tab.metrics if counts_people or not tab.people else SENT
        shared = WHO_FILTERS[self.asking.who] if tab.people else ()
        filters = tuple(dict.fromkeys((*tab.filters, *shared)))
        wanted = order if order.removeprefix("-") in (*metrics, tab.by) else tab.order
        return self.question(metrics, tab.by, filters, limit, wanted, offset=offset)

    def askable(self, metrics: tuple[str, ...]) -> tuple[str, ...]:
        """Without those that the filters make impossible."""
        held = {one.dimension for one in self.asking.filters} & NOT_OF_RECORDS
        return tuple(name for name in metrics if not (held and name in RECORD_MEASURES))


def narrowing(filters: list[Any] | None) -> tuple[str, ...]:
    """What a share link holds its readers to, as filters that all must fit.

    Raises `QueryError` for what can't be said so: then nothing is shown.
    """
    if filters is None:
        return ()
    operator, terms = filters
    if operator != "and" or not all(len(term) == 3 and len(term[2]) == 1 for term in terms):
        raise QueryError("The filter of this link is not one that this page can apply.")
    return tuple(f"{dimension}{_TEXT[word]}{value}" for word, dimension, (value,) in terms)


def answer_all(catalog: Catalog, asked: Mapping[str, Query]) -> dict[str, Said]:
    """The answer to each, or why there is none; together as long as all can be answered."""
    try:
        return dict(zip(asked, answers(catalog, list(asked.values())), strict=True))
    except QueryError:
        return {name: _answer(catalog, query) for name, query in asked.items()}


def _answer(catalog: Catalog, query: Query) -> Said:
    try:
        return answer(catalog, query)
    except QueryError as error:
        return error


def known_days(catalog: Catalog, site: str) -> Period | None:
    """From the first day that has records to the last."""
    days = [day.date for day in catalog.days([site])]
    return Period(days[0], days[-1]) if days else None


def nearest(known: Period, wanted: Period) -> Period:
    """The range of the same length, moved to where there are records."""
    days = min(wanted.days, known.days)
    if wanted.first > known.last:
        return Period(known.last - (days - 1) * dt.timedelta(days=1), known.last)
    return Period(known.first, known.first + (days - 1) * dt.timedelta(days=1))
