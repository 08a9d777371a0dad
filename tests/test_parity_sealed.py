"""Once raw events are gone, an answer is either exact or refused, and never a guess."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import chain, combinations
from pathlib import Path

import pytest

from pipeline import maintain
from pipeline.catalog import Catalog
from pipeline.errors import QueryError
from pipeline.schema import DIMENSIONS
from tests.reference import log
from tests.reference.records import Record
from tests.reference.statistics import Filter, Key, answer
from tests.stores import SAMPLE, Store, configuration, differences, filled

ZONE = "America/New_York"
HOSTS = ("semicomplete.com", "www.semicomplete.com")
GROUPS = (["views"], ["visitors"], ["visits", "bounces", "duration_s"])
RECORDS = ["hits", "bot_hits", "bytes"]
ALL = [*chain(*GROUPS), *RECORDS]
#: One line of so many is enough: the reference counts each for every question.
THINNED = 3
ENDS = {"entry", "exit"}
#: by, filters
Asked = tuple[tuple[str, ...], tuple[Filter, ...]]


class Sealed:
    """The sample, read and rolled up, without its raw events; and the reference's records."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder, configuration({"s": ZONE}, HOSTS))
        lines = SAMPLE.read_bytes().splitlines(keepends=True)[::THINNED]
        part = folder.with_suffix(".log")
        part.write_bytes(b"".join(lines))
        self.store.backfill(part)
        catalog = Catalog(folder)
        assert maintain.seal(catalog, 1, date(2100, 1, 1)) == 4
        assert catalog.event_parts() == []
        catalog.close()
        own = frozenset(HOSTS)
        self.records: list[Record] = log.read(b"".join(lines), "combined", ZONE, own=own)[0]
        self.answered: dict[Asked, dict[Key, list[object]]] = {}

    def exact(
        self, metrics: Sequence[str], by: Sequence[str], filters: Sequence[Filter] = ()
    ) -> bool:
        """Whether there is an answer; one that is wrong fails the test."""
        texts = [f"{name}{operator}{value}" for name, operator, value in filters]
        try:
            found = filled(self.store.ask(metrics, by, texts))
        except QueryError as error:
            assert "events" in str(error)
            return False
        expected = filled(self.reference(metrics, (tuple(by), tuple(filters))))
        assert differences(found, expected) == [], f"{metrics} by {by} where {texts}"
        return True

    def reference(self, metrics: Sequence[str], asked: Asked) -> dict[Key, list[object]]:
        """All metrics are counted once for each question."""
        if asked not in self.answered:
            self.answered[asked] = answer(self.records, ALL, *asked)
        places = [ALL.index(name) for name in metrics]
        return {key: [row[n] for n in places] for key, row in self.answered[asked].items()}


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    return Sealed(tmp_path_factory.mktemp("sealed"))


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_every_single_dimension_is_answered_for_ever(sealed: Sealed, dimension: str) -> None:
    for metrics in (*GROUPS, *([] if dimension in ENDS else [RECORDS])):
        assert sealed.exact(metrics, [dimension])
        assert sealed.exact(metrics, ["date", dimension] if dimension != "date" else ["date"])


WIDE = ("page", "entry", "exit", "source", "channel", "country", "browser", "utm_source", "hour")


def test_two_dimensions_are_exact_or_refused(sealed: Sealed) -> None:
    answered = [
        (metrics[0], pair)
        for pair in combinations(WIDE, 2)
        for metrics in GROUPS
        if sealed.exact(metrics, pair)
    ]
    assert ("visits", ("entry", "source")) in answered
    assert ("visitors", ("country", "browser")) in answered
    assert ("views", ("page", "country")) in answered


FILTERS: tuple[Filter, ...] = (
    ("page", "==", "/projects/xdotool/"),
    ("entry", "==", "/"),
    ("source", "==", "Google"),
    ("source", "!=", "Google"),
    ("country", "==", "US"),
    ("browser", "~", "Chrom*"),
)


@pytest.mark.parametrize("chosen", FILTERS, ids="".join)
def test_filters_are_exact_or_refused(sealed: Sealed, chosen: Filter) -> None:
    answered = 0
    for by in ([], ["date"], *([name] for name in WIDE)):
        for metrics in GROUPS:
            answered += sealed.exact(metrics, by, [chosen])
    assert answered >= 6


PAIRS = list(combinations(FILTERS, 2))


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: " and ".join(map("".join, pair)))
def test_two_filters_are_exact_or_refused(sealed: Sealed, pair: tuple[Filter, Filter]) -> None:
    for by in ([], ["source"]):
        for metrics in GROUPS:
            sealed.exact(metrics, by, pair)
