"""From what a page shows to the questions it puts, and to their answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pipeline import filters, schema
from pipeline.catalog import Catalog
from pipeline.deadline import Deadline
from pipeline.errors import QueryCancelled, QueryError, QueryTimeout
from pipeline.fields import NOT_OF_RECORDS, is_of_events
from pipeline.filter_words import parse_text
from pipeline.filters import Either, Tree
from pipeline.query import Answer
from pipeline.question import Query, parse
from webapp.answering import ask
from webapp.asking import Asking
from webapp.current import deadline
from webapp.panels import OF_EVENTS, SENT, Tab
from webapp.periods import Period

#: What those who are asked for have in common.
WHO_FILTERS = {
    "people": (),
    "signed_in": ("signed_in==true",),
    "anonymous": ("signed_in!=true",),
    "bots": ("bot!=",),
    "all": (),
}
_OF_RECORDS = {*schema.RECORD_MEASURES, *schema.RECORD_DETAILS}
Said = Answer | QueryError


def answer_all(asked: Mapping[str, Callable[[], Query]]) -> dict[str, Said]:
    """The answer to each question, or why there is none; together as long as all can be
    answered. Each is made here, because filters can make one impossible."""
    made = {name: _made(make) for name, make in asked.items()}
    queries = {name: one for name, one in made.items() if isinstance(one, Query)}
    until = deadline()
    try:
        told = ask(list(queries.values()), until=until)
        found: dict[str, Said] = dict(zip(queries, told, strict=True))
    except (QueryTimeout, QueryCancelled):
        raise
    except QueryError:
        found = {name: _answer(query, until) for name, query in queries.items()}
    return {name: one if isinstance(one, QueryError) else found[name] for name, one in made.items()}


def _made(make: Callable[[], Query]) -> Query | QueryError:
    try:
        return make()
    except QueryError as error:
        return error


def _answer(query: Query, until: Deadline) -> Said:
    try:
        return ask([query], until=until)[0]
    except QueryError as error:
        return error


@dataclass(frozen=True, slots=True)
class Scope:
    """What all questions of a page share."""

    asking: Asking
    period: Period

    @property
    def filters(self) -> tuple[Tree, ...]:
        own = tuple(parse_text(str(one)) for one in self.asking.filters)
        chosen = (Either(own),) if self.asking.any_of and len(own) > 1 else own
        origin = f"origin=={self.asking.origin}" if self.asking.origin else ""
        held = (*map(str, self.asking.about), *filter(None, [origin]))
        return (*map(parse_text, held), *chosen)

    def question(
        self,
        metrics: tuple[str, ...],
        by: str = "",
        more: tuple[str, ...] = (),
        **how: str | int | None,
    ) -> Query:
        """With filters of its own, and an order, limit, offset or comparison."""
        days = (self.period.first, self.period.last)
        return parse(self.asking.site, metrics, by, *days, (*more, *self.filters), **how)  # type: ignore[arg-type]

    @property
    def of_events(self) -> bool:
        """Whether the filters are about events."""
        return any(map(is_of_events, filters.dimensions_of(self.filters)))

    def check(self) -> None:
        """Raises `QueryError` where the filters are wrong whatever is asked."""
        self.question(("views",))

    def of_who(self, metrics: tuple[str, ...], by: str = "") -> Query:
        """About those whose requests the page counts, compared as the page is."""
        compare = self.asking.compare.replace("none", "")
        return self.question(metrics, by, WHO_FILTERS[self.asking.who], compare=compare)

    def of_end(self, dimension: str) -> Query:
        """About the visits that began or ended at what the page of details is about."""
        ends = replace(self.asking.about[-1], dimension=dimension)
        scope = replace(self, asking=replace(self.asking, about=(ends,)))
        return scope.of_who(("visits",))

    def of_tab(self, tab: Tab, limit: int | None, offset: int = 0, order: str = "") -> Query:
        counts_people = tab.people and self.asking.counts_people
        metrics = tab.metrics if counts_people or not tab.people else SENT
        if counts_people and self.of_events:
            metrics = tuple(dict.fromkeys(OF_EVENTS.get(name, name) for name in metrics))
        shared = WHO_FILTERS[self.asking.who] if tab.people else ()
        more = tuple(dict.fromkeys((*tab.filters, *shared)))
        wanted = order if order.removeprefix("-") in (*metrics, tab.by) else tab.order
        by = ",".join(filter(None, (tab.within, tab.by)))
        return self.question(metrics, by, more, limit=limit, offset=offset, order=wanted)

    def askable(self, metrics: tuple[str, ...]) -> tuple[str, ...]:
        """Without those that the filters, or those of a share link, make impossible."""
        if any(map(is_of_events, filters.dimensions_of(self.asking.narrowed))):
            metrics = tuple(name for name in metrics if name != schema.CONVERSION_RATE)
        held = (*self.filters, *self.asking.narrowed)
        if not filters.dimensions_of(held) & NOT_OF_RECORDS:
            return metrics
        ratios = schema.RATIOS
        return tuple(m for m in metrics if not _OF_RECORDS & {*ratios.get(m, (m,))[:2]})


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
