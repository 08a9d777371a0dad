"""A store in a folder of a test: filled and asked through the functions the commands call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pipeline import backfill, query, question
from pipeline.catalog import Catalog
from pipeline.config import Config

LOGS = Path(__file__).parent / "logs"
FORMATS = Path(__file__).parent / "formats"
SAMPLE = Path(__file__).parents[1] / "data" / "samples" / "elastic_apache_logs.log"
COMBINED = '$client $ident $user [$time] "$request" $status $bytes "$referrer" "$agent"'
#: Combined with one more field, as some servers are set up to write.
EXTENDED = {
    "combined_xff": {"title": "", "layout": f'{COMBINED} "$_"', "escape": "backslash"},
}
#: Whatever order the product gives to rows, a comparison does not care.
Table = dict[tuple[object, ...], list[object]]


def configuration(zones: Mapping[str, str] = {}, hosts: Sequence[str] = ()) -> Config:
    """Sites by name with their zones; all have the same hosts."""
    sites = [{"name": n, "timezone": z, "hosts": list(hosts)} for n, z in zones.items()]
    return Config.model_validate({"site": sites, "format": EXTENDED})


@dataclass(frozen=True, slots=True)
class Store:
    """A data folder with its configuration."""

    data: Path
    config: Config

    def backfill(self, *paths: Path, site: str = "s", format: str = "combined", **how: Any) -> Any:
        """The summary of `tallylog backfill --json`, without the time it took."""
        names = [str(path) for path in paths]
        summary = backfill.backfill(self.config, self.data, names, site, format, **how)
        facts = summary.as_dict()
        del facts["seconds"]
        return facts

    def ask(
        self,
        metrics: Sequence[str],
        by: Sequence[str] = (),
        filters: Sequence[str] = (),
        first: date | None = None,
        last: date | None = None,
        site: str = "s",
    ) -> Table:
        """The rows of `tallylog query --json` by their dimensions."""
        catalog = Catalog(self.data)
        try:
            asked = question.parse(
                site=site,
                metrics=list(metrics),
                by=list(by),
                filters=tuple(filters),
                first=first,
                last=last,
                limit=None,
            )
            results = query.answer(catalog, asked).results
        finally:
            catalog.close()
        rows = [(tuple(map(plain, row["dimensions"])), list(row["metrics"])) for row in results]
        assert len({key for key, _ in rows}) == len(rows), "a row came twice"
        return dict(rows)


def plain(value: object) -> object:
    """A dimension value as JSON has it."""
    return value.isoformat() if isinstance(value, date) else value


def filled(table: Mapping[tuple[object, ...], Sequence[object]]) -> Table:
    """The rows in which something is counted."""
    return {tuple(map(plain, key)): list(values) for key, values in table.items() if any(values)}


def differences(found: Table, expected: Table) -> list[str]:
    """What differs, short enough to read."""
    keys = sorted({*found, *expected}, key=repr)
    return [
        f"{key}: found {found.get(key)}, expected {expected.get(key)}"
        for key in keys
        if found.get(key) != expected.get(key)
    ][:8]


RECORDS = ["hits", "bot_hits", "bytes"]
PEOPLE = ["views", "visitors", "visits", "bounces", "duration_s"]
BY = ([], ["date"], ["page"], ["source"], ["browser"], ["country", "date"])


def statistics(store: Store) -> list[Table]:
    """What the store says, from several sides."""
    return [store.ask(PEOPLE, ["entry", "exit"]), *(store.ask(RECORDS + PEOPLE, by) for by in BY)]
