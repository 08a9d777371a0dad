"""What a page shows, as its address says it. Every state of the dashboard is one of these."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import request, url_for

from pipeline.errors import QueryError
from pipeline.filters import Tree
from pipeline.ranges import check_days
from webapp.periods import COMPARISONS, PRESETS

#: Whose requests are counted; those of people first.
PEOPLE = ("people", "signed_in", "anonymous")
WHO = (*PEOPLE, "bots", "all")
#: By what kind of evidence alone, if by one.
ORIGINS = ("", "log", "script", "pixel", "api")
#: Operators of filters, the longer first, and what negates them.
OPERATORS = ("==", "!=", "!~", "=~", "*=", "~")
NEGATED = {"==": "!=", "!=": "==", "~": "!~", "!~": "~"}


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter as it stands in the address: dimension, operator, value."""

    dimension: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.dimension}{self.operator}{self.value}"

    @property
    def negated(self) -> Condition:
        return replace(self, operator=NEGATED.get(self.operator, self.operator))


def condition(text: str) -> Condition:
    places = [(text.find(word), word) for word in OPERATORS if word in text]
    if not places:
        raise QueryError(f"{text!r} is not a filter.", "write dimension==value, != or ~")
    place, operator = min(places, key=lambda found: (found[0], -len(found[1])))
    return Condition(text[:place].strip(), operator, text[place + len(operator) :].strip())


@dataclass(frozen=True, slots=True)
class Asking:
    """`first` and `last` are there when the range is none of the presets; `tabs` are the parts of
    panels that are not the first one; `any_of` asks for one of the filters instead of all. `about`
    holds a page of details to the one thing that it is about. `narrowed` is no part of the address:
    it is what a share link holds its readers to."""

    site: str
    range: str = ""
    first: dt.date | None = None
    last: dt.date | None = None
    compare: str = "previous"
    filters: tuple[Condition, ...] = ()
    any_of: bool = False
    who: str = "people"
    origin: str = ""
    about: tuple[Condition, ...] = ()
    metric: str = ""
    step: str = ""
    tabs: tuple[tuple[str, str], ...] = ()
    narrowed: tuple[Tree, ...] = ()

    @property
    def counts_people(self) -> bool:
        return self.who in PEOPLE

    @property
    def subject(self) -> str:
        """The dimension that a page of details is about one value of."""
        return self.about[-1].dimension if self.about else ""

    @property
    def free(self) -> Asking:
        """The same without filters and switches."""
        return replace(self, filters=(), any_of=False, who="people", origin="")

    @property
    def held(self) -> bool:
        """Whether not all of the site is asked about."""
        return bool(self.about) or self.free != self

    @property
    def place(self) -> str:
        """The endpoint that shows this."""
        return "dashboard.about" if self.about else "dashboard.site"

    def pairs(self) -> list[tuple[str, str]]:
        """What follows the ? of the address."""
        days = {"from": self.first, "to": self.last}
        found = [("of", str(one)) for one in self.about]
        found += [("range", self.range), *((k, v.isoformat()) for k, v in days.items() if v)]
        if self.compare != "previous":
            found.append(("compare", self.compare))
        found += [("f", str(one)) for one in self.filters]
        found += [("match", "any" if self.any_of and len(self.filters) > 1 else "")]
        found += [("who", self.who if self.who != "people" else ""), ("origin", self.origin)]
        found += [("metric", self.metric), ("step", self.step), *self.tabs]
        return [(name, value) for name, value in found if value]

    def url(self, **changes: Any) -> str:
        return self.at(replace(self, **changes).place, **changes)

    def at(self, endpoint: str, values: dict[str, Any] | None = None, **changes: Any) -> str:
        """The address of a page about the same, with some of it changed."""
        asked = replace(self, **changes)
        arguments: dict[str, Any] = {}
        for name, value in asked.pairs():
            arguments.setdefault(name, []).append(value)
        return url_for(endpoint, site=asked.site, **arguments, **(values or {}))

    def with_range(self, word: str) -> str:
        return self.url(range=word, first=None, last=None, step="")

    def with_filter(self, dimension: str, value: object, operator: str = "==") -> str:
        text = "" if value is None else str(value).lower() if isinstance(value, bool) else value
        added = Condition(dimension, operator, str(text))
        others = [one for one in self.filters if one != added]
        return self.url(filters=(*others, added))

    def detailing(self, *about: Condition) -> str:
        """The page of details of what the conditions name."""
        others = tuple(one for one in self.filters if one not in about)
        return self.url(about=about, filters=others, tabs=(), metric="")

    def without(self, *gone: Condition) -> str:
        return self.url(filters=tuple(one for one in self.filters if one not in gone))

    def negating(self, turned: Condition) -> str:
        return self.url(
            filters=tuple(one.negated if one == turned else one for one in self.filters)
        )

    def opened(self, panel: str, tab: str) -> tuple[tuple[str, str], ...]:
        """The tabs, with another one of a panel."""
        return (*(one for one in self.tabs if one[0] != panel), (panel, tab))

    def with_tab(self, panel: str, tab: str) -> str:
        return self.url(tabs=self.opened(panel, tab)) + f"#{panel}"

    def tab(self, panel: str) -> str:
        return dict(self.tabs).get(panel, "")

    def value_of(self, dimension: str, operator: str = "==") -> str | None:
        """The value that a dimension is held to, if it is to just one."""
        held = [f.value for f in self.filters if (f.dimension, f.operator) == (dimension, operator)]
        return held[0] if len(held) == 1 and not self.any_of else None


def asked_for(site: str, panels: Iterable[str], narrowed: tuple[Tree, ...] = ()) -> Asking:
    """What the address of the current request asks for; raises `QueryError` where it can't be."""
    args = request.args
    word = args.get("range", "")
    first, last = _day("from"), _day("to")
    if word and word not in PRESETS:
        raise QueryError(f"There is no range {word!r}.", f"there are: {', '.join(PRESETS)}")
    if (first is None) != (last is None) or (first and last and last < first):
        raise QueryError("The range has no end, or ends before it begins.", "give both days")
    return Asking(
        site,
        "" if first else word,
        first,
        last,
        _one_of("compare", list(COMPARISONS)),
        _filters(),
        args.get("match") == "any",
        _one_of("who", WHO),
        _one_of("origin", ORIGINS),
        tuple(map(condition, args.getlist("of"))),
        args.get("metric", ""),
        args.get("step", ""),
        tuple((name, args[name]) for name in panels if args.get(name)),
        narrowed,
    )


def _filters() -> tuple[Condition, ...]:
    """Those of the address, and the one that the form for a new one says."""
    args = request.args
    found = list(map(condition, filter(None, args.getlist("f"))))
    if args.get("dimension") and args.get("operator") in OPERATORS:
        value = args.get("value", "").strip()
        found.append(Condition(args["dimension"], args["operator"], value))
    return tuple(dict.fromkeys(found))


def _one_of(name: str, known: Sequence[str]) -> str:
    """The value of an argument; the first one where it is not given or not known."""
    given = request.args.get(name, "")
    return given if given in known else known[0]


def _day(name: str) -> dt.date | None:
    text = request.args.get(name)
    if not text:
        return None
    try:
        day = dt.date.fromisoformat(text)
    except ValueError as error:
        raise QueryError(f"{text!r} is not a day.", "write it as 2026-11-21") from error
    check_days(day)
    return day
