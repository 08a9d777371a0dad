"""All rows of one tab of a panel: searched, sorted and cut into pages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from flask import request, url_for

from pipeline.catalog import Catalog
from pipeline.query import Answer
from webapp.asking import Asking, Condition
from webapp.overview import Row, Table, now_in, resolve
from webapp.panels import panels
from webapp.periods import Period
from webapp.questions import Scope, answer_all, known_days
from webapp.show import api_address

ROWS = 100


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the rows. `search` is what the values have to contain."""

    asking: Asking
    period: Period
    table: Table
    offset: int
    search: str
    order: str

    def url(self, **changes: Any) -> str:
        """The address of the same list with another page, order or search."""
        values = {"offset": self.offset, "search": self.search, "order": self.order, **changes}
        given = {name: value for name, value in values.items() if value}
        place = {"panel": self.table.panel.name, "tab": self.table.tab.name}
        return self.asking.at("dashboard.listing", {**place, **given})

    def sorted_by(self, name: str) -> str:
        """By a column; by the one that it is sorted by already, the other way round."""
        return self.url(order=f"-{name}" if self.order == name else name, offset=0)

    @property
    def rows(self) -> list[Row]:
        """Names in lists are searched here."""
        rows = self.table.rows
        return [r for r in rows if self.search in str(r.value)] if self.table.tab.unfolded else rows

    @property
    def shown(self) -> Answer | None:
        """The answer as it is shown: of names in lists a row each."""
        answer = self.table.answer
        rows = [{"dimensions": [r.value], "metrics": list(r.metrics)} for r in self.rows]
        return replace(answer, results=rows) if answer else None

    def file(self, kind: str) -> str:
        """The address of the rows as a file."""
        if self.table.tab.unfolded or not self.table.answer:
            return self.url(**{"as": kind})
        return api_address(self.table.answer.query, "export", format=kind)

    @property
    def last(self) -> int:
        return self.offset + len(self.rows)

    @property
    def form(self) -> str:
        panel, tab = self.table.panel.name, self.table.tab.name
        return url_for("dashboard.listing", site=self.asking.site, panel=panel, tab=tab)


def listed(catalog: Catalog, asking: Asking, zone: str, panel: str, tab: str) -> Listing | None:
    """None where there is no such tab."""
    shown = panels("people", asking.subject)
    found = next((one for one in shown if one.name == panel), None)
    open_tab = found.named(tab) if found else None
    if found is None or open_tab is None:
        return None
    period, _ = resolve(asking, now_in(zone).date(), known_days(catalog, asking.site))
    search, order = request.args.get("search", "").strip(), request.args.get("order", "")
    offset = max(0, request.args.get("offset", 0, int))
    wanted = asking
    if search and not open_tab.unfolded:
        like = Condition(open_tab.by, "*=", search)
        wanted = replace(asking, filters=(*asking.filters, like))
    rows = None if open_tab.unfolded else ROWS
    make = partial(Scope(wanted, period).of_tab, open_tab, rows, offset, order)
    said = answer_all({"rows": make})["rows"]
    return Listing(asking, period, Table(found, open_tab, said), offset, search, order)
