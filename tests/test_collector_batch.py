"""`POST /api/events`: many hits at once, with a key, each with its own time, address and agent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.access import keys
from pipeline.catalog import Catalog
from tests.collectors import FIREFOX, Sender

HIT = {"path": "/a", "agent": FIREFOX, "address": "192.0.2.1", "time": "2026-03-01T23:30:00Z"}


@pytest.fixture
def sender(tmp_path: Path) -> Sender:
    return Sender(tmp_path)


@pytest.fixture
def key(sender: Sender) -> str:
    catalog = Catalog(sender.config.store.data)
    return keys.add(catalog, "sender", "write", ["one"])


def batch(sender: Sender, key: str, hits: Any, **more: Any) -> tuple[int, dict[str, Any]]:
    found = sender.send("/api/events", {"events": hits} | more, authorization=f"Bearer {key}")
    return found[0], json.loads(found[2])


def test_good_hits_are_taken_and_the_others_answered_by_their_place(
    sender: Sender, key: str
) -> None:
    hits: list[Any] = [
        HIT,
        HIT | {"time": "yesterday"},
        HIT | {"address": "192.0.2.300"},
        HIT | {"site": "two"},
        7,
        HIT | {"content_type": "video"},
        HIT | {"name": "buy", "value": 2.5, "props": {"n": 1}, "time": 1772400000000},
        {"agent": FIREFOX},
    ]
    status, told = batch(sender, key, hits, site="one")
    assert (status, told["accepted"]) == (200, 2)
    wrong = {error["index"]: error["error"] for error in told["errors"]}
    assert wrong == {
        **{1: "time", 2: "address", 3: "key", 4: "json", 5: "content_id", 7: "no page"}
    }
    assert sender.counted(["views", "events"], ["date"]) == {
        ("2026-03-01",): [1, 1],
    }


def test_every_hit_has_its_own_visitor_and_country(sender: Sender, key: str) -> None:
    hits = [HIT, HIT | {"address": "8.8.8.8"}, HIT | {"agent": "Mozilla/5.0 Firefox/1"}, HIT]
    batch(sender, key, hits, site="one")
    assert sender.counted(["visitors", "hits"], []) == {(): [3, 4]}


def test_a_batch_sent_again_counts_once(sender: Sender, key: str) -> None:
    hits = [HIT | {"id": "1"}, HIT | {"id": 2}, HIT | {"id": "1"}, HIT]
    assert batch(sender, key, hits, site="one")[1]["repeated"] == 1
    again = Sender(sender.config.store.data)
    assert batch(again, key, hits, site="one")[1]["repeated"] == 3
    assert sender.counted(["views"]) == {(): [4]}


@pytest.mark.parametrize(
    ("told", "status", "error"),
    [
        ({}, 400, "json"),
        ({"events": {}}, 400, "json"),
        ({"events": [1] * 1001}, 413, "large"),
        (b"[", 400, "json"),
    ],
)
def test_what_is_no_batch_is_refused(
    sender: Sender, key: str, told: Any, status: int, error: str
) -> None:
    found = sender.send("/api/events", told, authorization=f"Bearer {key}")
    assert (found[0], json.loads(found[2])["error"]) == (status, error)


def test_without_a_key_nothing_is_taken(sender: Sender) -> None:
    assert sender.send("/api/events", {"events": [HIT]})[0] == 401
    status, told = batch(sender, "wrong", [HIT], site="one")
    assert (status, told["error"]) == (401, "key")
    assert sender.send("/api/events", method="GET")[0] == 405
    assert sender.lines() == []


def test_a_thousand_hits_are_taken_at_once(sender: Sender, key: str) -> None:
    hits = [HIT | {"path": f"/{number}", "id": number} for number in range(1000)]
    assert batch(sender, key, hits, site="one")[1]["accepted"] == 1000
    assert len(sender.lines()) == 1000
