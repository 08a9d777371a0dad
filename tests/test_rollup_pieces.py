"""A roll-up reads its events in pieces: how large they are must not show in the statistics."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter, defaultdict

import pyarrow as pa
import pytest

from pipeline import build, coded, rollup, schema, tally
from tests.events import DAY, bot, event, write_part

COUNTRIES = ("FR", "DE", None)


def mixed(number: int) -> list[dict[str, object]]:
    """A part of records of all kinds, some of whose texts no other part has."""
    dice = random.Random(number)
    rows = []
    for _ in range(40):
        at = f"{dice.randrange(24):02}:{dice.randrange(60):02}:00"
        page = dice.choice(["/", "/a", f"/only-{number}-{dice.randrange(9)}", None])
        facts = {"site": dice.choice("st"), "date": DAY + dt.timedelta(days=dice.randrange(2))}
        facts |= {"country": dice.choice(COUNTRIES), "log_id": number, "duration_ms": 5.0}
        kind = dice.choice(["page", "page", "asset", "item", "lost", "bot"])
        if kind == "item":
            facts |= {"content_type": "article", "content_id": str(dice.randrange(3))}
        if kind == "lost":
            facts |= {"class": "error", "status": 404, "referrer": dice.choice(["x.org", None])}
        if kind == "asset":
            facts |= {"class": "asset"}
        made = bot if kind == "bot" else event
        rows.append(made(at, page, dice.randrange(6), **facts))
    return rows


def sorted_rows(tables):
    return {name: sorted(map(repr, table.to_pylist())) for name, table in tables.items()}


def test_statistics_are_the_same_however_small_the_pieces_are(tmp_path, monkeypatch):
    parts = [write_part(mixed(n), tmp_path / f"{n}.parquet") for n in range(6)]
    whole = rollup.build(parts)
    monkeypatch.setattr(coded, "PIECE_ROWS", 1)
    monkeypatch.setattr(tally, "_FEW", 0)
    assert sorted_rows(rollup.build(parts)) == sorted_rows(whole)
    assert rollup.build(parts)["totals"] == whole["totals"], "in the same order, too"
    assert rollup.build(parts[::-1])["totals"] == whole["totals"], "whichever is read first"


def test_people_are_the_same_however_few_are_worked_together(tmp_path, monkeypatch):
    parts = [write_part(mixed(n), tmp_path / f"{n}.parquet") for n in range(6)]
    whole = rollup.build(parts)
    monkeypatch.setattr(build, "MOST_STEPS", 20)
    shared = rollup.build(parts)
    assert len(shared["pages"]) > len(whole["pages"]), "there was more than one share"
    assert shared["totals"] == whole["totals"]
    for name in ("visits", "pages"):
        assert summed(shared[name], name) == summed(whole[name], name)


def summed(table, name):
    """The rows of a cube, those that are alike added up."""
    measures = [c.name for c in schema.DAILY[name] if c.type == pa.int64()]
    keys = [n for n in table.column_names if n not in measures]
    rows = defaultdict(Counter)
    for row in table.to_pylist():
        rows[tuple(row[n] for n in keys)].update({n: row[n] for n in measures})
    return rows


@pytest.mark.parametrize("sizes", [(3, 4), (2**53, 1), (2**60 + 1, 2**60 + 2, 5)])
def test_bytes_are_exact_however_many(tmp_path, sizes):
    rows = [event("09:00:00", "/", bytes=size) for size in sizes]
    totals = rollup.build([write_part(rows, tmp_path / "part.parquet")])["totals"]
    found = {row["bytes"] for row in totals.to_pylist() if row["dimension"] == "country"}
    assert found == {sum(sizes)}


def test_totals_are_sorted_by_what_they_are_about(tmp_path):
    totals = rollup.build([write_part(mixed(1), tmp_path / "part.parquet")])["totals"]
    keys = [
        (r["scope"], r["dimension"], r["date"], r["site"], r["scope_value"] is None,
         r["scope_value"] or "", r["value"] is None, r["value"] or "")
        for r in totals.to_pylist()
    ]  # fmt: skip
    assert keys == sorted(keys) and len(set(keys)) == len(keys)
