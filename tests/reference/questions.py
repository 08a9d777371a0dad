"""Questions with trees of filters, ranges with times and comparisons, by brute force."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.reference.records import Record
from tests.reference.statistics import Group, Key, Visit, visits_of

Values = dict[str, object]
#: A filter as JSON has it.
Tree = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Span:
    """Days, and the moments in milliseconds from which on and before which a record counts."""

    first: date
    last: date
    since: float = float("-inf")
    until: float = float("inf")

    def has(self, record: Record) -> bool:
        return self.first <= record.date <= self.last

    def counts(self, record: Record) -> bool:
        return self.since <= record.time_ms < self.until


def span(first: date, last: date, since: time | None, until: time | None, zone: str) -> Span:
    found = Span(first, last)
    if since is not None:
        moment = datetime.combine(first, since, ZoneInfo(zone))
        found = Span(first, last, moment.timestamp() * 1000)
    if until is not None:
        moment = datetime.combine(last, until, ZoneInfo(zone))
        found = Span(first, last, found.since, moment.timestamp() * 1000)
    return found


def valued(values: Values, name: str) -> object:
    """A value of the record or visit, or the span of time it is in."""
    if not name.startswith("time:"):
        return plain(values[name])
    day = values["date"]
    assert isinstance(day, date)
    if name == "time:hour":
        return f"{day.isoformat()}T{values['hour']:02}:00"
    if name == "time:week":
        return (day - timedelta(days=day.weekday())).isoformat()
    return day.isoformat() if name == "time:day" else day.isoformat()[:7]


def fits(tree: Tree, values: Values, done: Iterable[Values]) -> bool:
    """`done` are the values of all steps of the same visitor on that day."""
    word = tree[0]
    if word == "and":
        return all(fits(part, values, done) for part in tree[1])
    if word == "or":
        return any(fits(part, values, done) for part in tree[1])
    if word == "not":
        return not fits(tree[1], values, done)
    if word == "has_done":
        return any(fits(tree[1], step, ()) for step in done)
    value = valued(values, tree[1])
    if word == "is_not":
        return all(not holds("is", value, wanted) for wanted in tree[2])
    return any(holds(word, value, wanted) for wanted in tree[2])


def holds(word: str, value: object, wanted: object) -> bool:
    if word == "is":
        return value == wanted
    if value is None:
        return False
    text = str(value)
    if word == "contains":
        return str(wanted) in text
    if word == "matches_regex":
        return re.search(str(wanted), text, re.DOTALL) is not None
    pattern = re.escape(str(wanted)).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def answer(
    records: Sequence[Record],
    metrics: Sequence[str],
    by: Sequence[str],
    tree: Tree,
    asked: Span,
    later: int = 0,
) -> dict[Key, list[object]]:
    """The metrics by every combination of values; dates are told so many days later."""
    chosen = [record for record in records if asked.has(record)]
    visits = visits_of(chosen)
    done: dict[Key, list[Values]] = {}
    for visit in visits:
        for step in visit.steps:
            done.setdefault(step.visitor, []).append(step.values | visit.values)
    groups: dict[Key, Group] = {}
    if not by:
        groups[()] = Group()
    of_visits = {"entry", "exit"} & names_in(by, tree)
    for record in chosen if not of_visits else ():
        did = done.get(record.visitor, ())
        if asked.counts(record) and fits(tree, record.values, did):
            group_of(groups, by, record.values, later).records.append(record)
    for visit in visits:
        add(groups, visit, by, tree, asked, done, later)
    return {key: [group.metric(name) for name in metrics] for key, group in groups.items()}


def add(
    groups: dict[Key, Group],
    visit: Visit,
    by: Sequence[str],
    tree: Tree,
    asked: Span,
    done: dict[Key, list[Values]],
    later: int,
) -> None:
    touched: list[Group] = []
    for step in visit.steps:
        values = step.values | visit.values
        if asked.counts(step) and fits(tree, values, done[step.visitor]):
            group = group_of(groups, by, values, later)
            (group.views if step.view else group.events).append(step)
            if not any(group is known for known in touched):
                touched.append(group)
                group.visits.append(visit)


def group_of(groups: dict[Key, Group], by: Sequence[str], values: Values, later: int) -> Group:
    day = values["date"]
    assert isinstance(day, date)
    moved = values | {"date": day + timedelta(days=later)}
    key = tuple(valued(moved, name) for name in by)
    return groups.setdefault(key, Group())


def plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def names_in(by: Iterable[str], tree: Tree) -> set[str]:
    if tree[0] in ("and", "or"):
        return set(by).union(*(names_in((), part) for part in tree[1]))
    if tree[0] in ("not", "has_done"):
        return set(by) | names_in((), tree[1])
    return {*by, tree[1]}
