"""Everything that must be the same however a store came to be: answers, accounts, files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pipeline.catalog import Catalog
from pipeline.schema import DAILY
from tests.stores import Store, Table

PEOPLE = ("views", "visitors", "visits", "bounces", "duration_s")
RECORDS = ("hits", "bot_hits", "bytes")
QUESTIONS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    ((*PEOPLE, *RECORDS), ()),
    ((*PEOPLE, *RECORDS), ("date", "hour")),
    (("views", "visits", "hits"), ("page",)),
    (("visits", "visitors"), ("entry",)),
    (("visits", "visitors"), ("source",)),
    (("views", "visitors", "hits"), ("country", "browser")),
    (("hits", "bytes"), ("status",)),
    (("hits",), ("bot",)),
)


def answers(store: Store) -> dict[tuple[str, ...], Table]:
    """What the questions are answered, by their dimensions."""
    return {by: store.ask(metrics, by) for metrics, by in QUESTIONS}


def ledger(data: Path) -> Counter[str]:
    """Lines by what became of them, over all sources. Known lines depend on how often one read."""
    catalog = Catalog(data)
    try:
        found = Counter[str]()
        for account in catalog.accounts():
            found[account.outcome] += account.records
            found["bots"] += account.bots
    finally:
        catalog.close()
    del found["known"]
    return found


def orphans(data: Path) -> set[Path]:
    """Files of the store that its catalog does not list."""
    catalog = Catalog(data)
    try:
        listed = {part.path for part in catalog.event_parts()}
        listed |= {part.path for table in DAILY for part in catalog.daily_parts(table)}
    finally:
        catalog.close()
    folders = (data / "events", data / "daily")
    return {path for f in folders for path in f.rglob("*") if path.is_file()} - listed
