"""Every number of the product against the reference, on real logs.

Every question is asked of two sites; of the others each is asked its share, so that all together
are asked each question once. Every question is asked of every site with `-m slow`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pipeline.schema import DIMENSIONS, MEASURES, RATIOS
from tests.parity_cases import APACHE, MEDLEY, OTHERS, Case
from tests.reference import log
from tests.reference.records import Ledger, Record
from tests.reference.statistics import Filter, answer
from tests.stores import Store, configuration, differences, filled

T = TypeVar("T")
#: What logs cannot hold: they are of the collector's making, and have tests of their own.
NOT_IN_LOGS = {"content_views", "signed_in_views", "signed_in_visitors", "cache_hit_ratio"}
METRICS = [name for name in (*MEASURES, "not_found", *RATIOS) if name not in NOT_IN_LOGS]
RECORDS = ("hits", "bot_hits", "bytes", "not_found", "error_rate")


@dataclass(frozen=True, slots=True)
class Both:
    """One case in the product's store and in the reference's hands."""

    store: Store
    summaries: list[dict[str, Any]]
    records: list[Record]
    ledgers: list[Ledger]

    def compare(
        self,
        by: Sequence[str] = (),
        filters: Sequence[Filter] = (),
        first: date | None = None,
        last: date | None = None,
    ) -> list[str]:
        """What differs between the two answers to one question, with the question."""
        asked = {*by, *(dimension for dimension, _, _ in filters)}
        # Only a visit has an entry and an exit: the product refuses to count records by them.
        metrics = [m for m in METRICS if m not in RECORDS or not asked & {"entry", "exit"}]
        texts = [f"{n}{operator}{'' if v is None else v}" for n, operator, v in filters]
        found = filled(self.store.ask(metrics, by, texts, first, last))
        expected = filled(answer(self.records, metrics, by, filters, first, last))
        question = f"by {','.join(by)} where {' and '.join(texts)} from {first} to {last}"
        return [f"{question}: {difference}" for difference in differences(found, expected)]


def fill(case: Case, folder: Path) -> Both:
    store = Store(folder / "data", configuration({"s": case.zone}, case.hosts))
    result = Both(store, [], [], [])
    number = 0
    for format, group in groupby(case.paths(folder), key=lambda part: part[1]):
        paths = [path for path, _ in group]
        result.summaries.append(store.backfill(*paths, format=format))
        ledger = Ledger()
        for path in paths:
            number += 1
            about = (format, case.zone, "s", number, frozenset(case.hosts))
            records, of_file = log.read(path.read_bytes(), *about)
            result.records.extend(records)
            ledger.add(of_file)
        result.ledgers.append(ledger)
    return result


PARAMS = [
    pytest.param(MEDLEY, id=MEDLEY.name),
    *(pytest.param(case, id=case.name, marks=pytest.mark.slow) for case in (APACHE, *OTHERS)),
]


@pytest.fixture(scope="module", params=PARAMS)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Both:
    return fill(request.param, tmp_path_factory.mktemp("parity"))


def share(case: Case, questions: Sequence[T]) -> Sequence[T]:
    return questions[OTHERS.index(case) :: len(OTHERS)]


@pytest.mark.parametrize("case", OTHERS, ids=lambda case: case.name)
def test_every_log_in_its_zone_has_the_numbers_of_the_reference(case: Case, tmp_path: Path) -> None:
    both = fill(case, tmp_path)
    test_the_ledger_of_every_log_is_that_of_the_reference(both)
    test_ranges_of_dates_count_their_days_only(both)
    found = both.compare() + both.compare(("date", "hour")) + both.compare(("entry", "exit"))
    for by in (*((name,) for name in share(case, tuple(DIMENSIONS))), *share(case, PAIRS)):
        found += both.compare(by)
    for name in share(case, FILTERED):
        found += both.compare(("page",), [(name, "==", frequent(both.records, name))])
    for chosen in share(case, OPERATORS):
        found += both.compare((), [chosen])
    assert found == []


def test_the_ledger_of_every_log_is_that_of_the_reference(both: Both) -> None:
    for summary, ledger in zip(both.summaries, both.ledgers, strict=True):
        assert summary["records"] == summary["new_records"] == ledger.records
        assert (summary["known"], summary["excluded"]) == (0, 0)
        assert summary["directives"] == ledger.directives
        assert summary["rejected"] == ledger.rejected.total()
        assert summary["classes"] == ledger.classes
        assert summary["bots"] == ledger.bots
        assert summary["days"] == len(ledger.days)


def test_all_metrics_without_any_dimension(both: Both) -> None:
    assert both.compare() == []


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_all_metrics_by_one_dimension(both: Both, dimension: str) -> None:
    assert both.compare([dimension]) == []


PAIRS = (
    ("date", "hour"),
    ("date", "page"),
    ("page", "country"),
    ("page", "source"),
    ("entry", "exit"),
    ("entry", "page"),
    ("source", "channel"),
    ("referrer", "browser"),
    ("device", "browser"),
    ("os", "country"),
    ("status", "class"),
    ("method", "host"),
    ("bot_category", "bot"),
    ("hour", "utm_source"),
    ("class", "bot_category"),
)


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_all_metrics_by_two_dimensions(both: Both, pair: tuple[str, str]) -> None:
    assert both.compare(pair) == []


FILTERED = ("page", "entry", "source", "country", "browser", "status", "class", "bot_category")


@pytest.mark.parametrize("dimension", FILTERED)
def test_one_filter_leaves_what_fits(both: Both, dimension: str) -> None:
    """The most frequent value of the dimension, alone and by other dimensions."""
    filters = [(dimension, "==", frequent(both.records, dimension))]
    found = both.compare((), filters)
    for by in ("date", "page", "source"):
        found += both.compare((by,), filters)
    assert found == []


OPERATORS = [
    ("source", "!=", "Google"),
    ("source", "==", None),
    ("referrer", "!=", None),
    ("page", "~", "/*o*.?*"),
    ("browser", "!=", "Chrome"),
    ("exit", "~", "/?*"),
    ("bot", "==", None),
    ("status", "!=", 200),
]


@pytest.mark.parametrize("chosen", OPERATORS, ids=lambda f: f"{f[0]} {f[1]} {f[2] or 'nothing'}")
def test_every_operator_of_filters(both: Both, chosen: Filter) -> None:
    assert both.compare((), [chosen]) + both.compare(("channel",), [chosen]) == []


PAIRS_OF_FILTERS = [("page", "source"), ("entry", "browser"), ("country", "device")]


@pytest.mark.parametrize("names", PAIRS_OF_FILTERS, ids=" and ".join)
def test_two_filters_hold_together(both: Both, names: tuple[str, str]) -> None:
    filters = [(name, "==", frequent(both.records, name)) for name in names]
    assert both.compare((), filters) + both.compare(("date",), filters) == []


def frequent(records: Sequence[Record], dimension: str) -> object:
    """The most frequent value among views; entries are looked for among pages."""
    name = {"entry": "page", "exit": "page"}.get(dimension, dimension)
    found = [r.values[name] for r in records if r.view] or [r.values[name] for r in records]
    given = [value for value in found if value is not None] or [
        r.values[name] for r in records if r.values[name] is not None
    ]
    return max(sorted(set(given), key=str), key=given.count) if given else "none at all"


def test_ranges_of_dates_count_their_days_only(both: Both) -> None:
    days = sorted({r.date for r in both.records})
    middle = days[len(days) // 2]
    ranges = [(None, middle), (middle, None), (days[0], days[0]), (days[-1], days[-1])]
    found = both.compare(first=days[-1] + timedelta(days=1))
    for first, last in ranges:
        found += both.compare((), (), first, last)
        found += both.compare(("date", "channel"), (), first, last)
    assert found == []
