"""Views, visits and visitors of numbered steps, counted by any dimension and put into cubes.

What sql/people.sql says of raw events, said of codes: a visit counts once under each value that
one of its steps has, and so does a visitor. Most values are the same in all steps of a visit,
which is looked up; then its row is all that is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.cuts import CARRIED
from pipeline.fields import of_view
from pipeline.filters import Filter
from pipeline.groups import Groups, Ints, Longs, codes_of, firsts, grouped, narrow, packed
from pipeline.tally import DAY, Counted, Order, by_day
from pipeline.visits import FLAGS, Visits

#: Columns whose numbers stand for values; the others are counts, days and flags.
_VALUES = frozenset({*CARRIED, "entry", "exit", "site"})
_FACTS = ("country", "device", "browser", "os", "signed_in")
#: What the rows of the cubes are alike in, after the day; sorted in this order.
OF_VISITS = (
    *("source", "channel", "referrer", "utm_source", "utm_medium", "utm_campaign"),
    *("hour", "entry", "exit", *_FACTS),
)
OF_PAGES = (
    *("page", "content_type", "content_id", "view_type", "view_source", "origin", "event"),
    *("source", "channel", *_FACTS),
)


class _Table:
    """Columns as numbers, each made when it is first asked for; those of values are ranks."""

    def __init__(self, table: pa.Table, order: Order) -> None:
        self._table, self._order = table, order
        self._made: dict[str, Ints] = {}

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __getitem__(self, name: str) -> Ints:
        if name not in self._made:
            codes = codes_of(self._table.column(name))
            self._made[name] = self._order.ranks(name)[codes] if name in _VALUES else codes
        return self._made[name]


class People:
    def __init__(self, found: Visits, order: Order) -> None:
        self._steps, self._visits = _Table(found.steps, order), _Table(found.visits, order)
        self._order = order
        self._visit = self._steps["visit"] - 1
        self._seen = self._visits["views"] + self._visits["content_views"] > 0

    def count(self, by: Sequence[str], filters: Sequence[Filter] = ()) -> Counted:
        """All measures of people by site, day and the dimensions."""
        of_visits = {name: self._of_visit(name) for name in by}
        known = {name: values for name, values in of_visits.items() if values is not None}
        sums: dict[str, Ints] = {name: self._visits[name] for name in FLAGS}
        if len(known) == len(by) and not filters:
            return self._counted(np.arange(len(self._visits)), known, sums)
        rows = self._chosen(filters)
        visit = self._visit[rows]
        codes = {name: self._of_step(name)[rows] for name in by}
        touched = grouped(*packed([visit, *codes.values()]))
        sums = {name: touched.sums(self._steps[flag][rows]) for name, flag in FLAGS.items()}
        first = touched.rows()
        codes = {name: values[first] for name, values in codes.items()}
        return self._counted(visit[first], codes, sums)

    def _chosen(self, filters: Sequence[Filter]) -> Longs:
        """The steps that have any value of the filters' dimensions, the only kind there is."""
        chosen = np.ones(len(self._steps), bool)
        for one in filters:
            if one != Filter(one.dimension, "!=", ""):
                raise AssertionError(f"totals of people have no filter such as {one}")
            chosen &= self._of_step(one.dimension) < len(self._order.ranks(one.dimension)) - 1
        return np.flatnonzero(chosen)

    def _of_step(self, dimension: str) -> Ints:
        if of_view(dimension):
            return self._steps[dimension]
        return self._visits[dimension][self._visit]

    def _of_visit(self, dimension: str) -> Ints | None:
        """The value of each visit, unless some have several."""
        if not of_view(dimension):
            return self._visits[dimension]
        codes = self._steps[dimension]
        first = codes[self._visits["first_step"] - 1]
        return first if np.array_equal(first[self._visit], codes) else None

    def _counted(self, visit: Ints, codes: Mapping[str, Ints], sums: Mapping[str, Ints]) -> Counted:
        """Of visits that touched a value, each once under it, with what they did there."""
        keys: dict[str, Ints] = {name: self._visits[name][visit] for name in DAY}
        keys |= codes
        groups = grouped(*packed([keys[name] for name in by_day(keys)]))
        measures = {name: groups.sums(values) for name, values in sums.items() if values.any()}
        measures["visits"] = groups.counts()
        measures["bounces"] = groups.sums(self._visits["bounce"][visit])
        measures["duration_s"] = groups.sums(self._visits["duration_s"][visit])
        person = self._visits["person"][visit]
        measures["visitors"] = _distinct(groups, person, sums["views"] + sums["content_views"] > 0)
        if sums["signed_in_views"].any():
            signed_in = sums["signed_in_views"] > 0
            measures["signed_in_visitors"] = _distinct(groups, person, signed_in)
        return _counts(keys, groups, measures)

    def visits_cube(self) -> Counted:
        """Visits that began, came and went alike, and were of one kind of browser."""
        of = self._visits
        keys = {name: of[name] for name in (*DAY, *OF_VISITS) if name != "signed_in"}
        keys["signed_in"] = (of["signed_in_views"] > 0).astype(np.int64)
        groups = grouped(*packed([keys[name] for name in by_day(keys)]))
        by_source = packed([of["person"], of["source"]])
        measures = {
            "visits": groups.counts(),
            "visitors_first": groups.sums(firsts(*packed([of["person"]]), self._seen)),
            "visitors_first_by_source": groups.sums(firsts(*by_source, self._seen)),
            "bounces": groups.sums(of["bounce"]),
            **{name: groups.sums(of[name]) for name in ("views", "content_views", "events")},
            "duration_s": groups.sums(of["duration_s"]),
        }
        return _counts(keys, groups, measures)

    def pages_cube(self) -> Counted:
        """Steps on one page that are alike. A visit and a visitor count in the row of their first
        step on the page."""
        of, visit = self._steps, self._visit
        came = {name: self._visits[name][visit] for name in ("source", "channel")}
        keys = {name: came[name] if name in came else of[name] for name in (*DAY, *OF_PAGES)}
        groups = grouped(*packed([keys[name] for name in by_day(keys)]))
        every = np.ones(len(of), bool)
        of_visit = firsts(*packed([of["visit"], of["page"]]), every)
        viewed = of["is_view"] + of["is_content_view"] > 0
        of_person = firsts(*packed([of["person"], of["page"]]), viewed)
        measures = {
            **{n: groups.sums(of[FLAGS[n]]) for n in ("views", "content_views", "events")},
            "visits": groups.sums(of_visit),
            "visitors_first": groups.sums(of_person),
            "bounces": groups.sums(of_visit * self._visits["bounce"][visit]),
            "duration_s": groups.sums(of_visit * self._visits["duration_s"][visit]),
            "starts": groups.sums(of["step"] == self._visits["first_view"][visit]),
            "ends": groups.sums(of["step"] == self._visits["last_view"][visit]),
        }
        return _counts(keys, groups, measures)


def _distinct(groups: Groups, person: Ints, chosen: npt.NDArray[np.bool_]) -> Longs:
    """In each group, the visitors of the chosen rows."""
    return groups.sums(firsts(*packed([groups.of(), person]), chosen))


def _counts(keys: Mapping[str, Ints], groups: Groups, measures: Mapping[str, Longs]) -> Counted:
    rows = groups.rows()
    codes = {name: narrow(values[rows]) for name, values in keys.items()}
    return Counted(codes, {name: narrow(sums) for name, sums in measures.items()})
