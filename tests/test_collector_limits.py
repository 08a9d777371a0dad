"""How many hits an address may send, and whose address it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline import exclusions
from pipeline.catalog import Catalog
from tests.collectors import Sender
from webapp.collector_limits import MOST, Buckets

HIT = "/pixel.gif?site=one&p=/a"
CONTENT = {"content_type": "video", "content_id": "7", "site": "one"}


def test_a_bucket_fills_again_as_time_goes_by() -> None:
    now = [0.0]
    buckets = Buckets(2.0, 3, clock=lambda: now[0])
    assert [buckets.take(1) for _ in range(4)] == [True, True, True, False]
    assert buckets.take(2)
    now[0] = 0.4
    assert not buckets.take(1)
    now[0] = 0.5
    assert [buckets.take(1), buckets.take(1)] == [True, False]
    now[0] = 1000.0
    assert [buckets.take(1) for _ in range(4)] == [True, True, True, False]


def test_no_rate_is_no_limit() -> None:
    assert all(Buckets(0.0, 1).take(1) for _ in range(9))


def test_memory_stays_bounded_and_those_who_send_most_are_remembered() -> None:
    buckets = Buckets(1.0, 1, clock=lambda: 0.0)
    assert buckets.take(-1)
    for key in range(3 * MOST):
        buckets.take(key)
        if not key % 1000:
            assert not buckets.take(-1)
    assert len(buckets._young) + len(buckets._old) <= 2 * MOST


@pytest.fixture
def sender(tmp_path: Path) -> Sender:
    return Sender(tmp_path, collector={"rate": 0.001, "burst": 2})


def test_who_sends_too_much_is_refused_and_others_are_not(sender: Sender) -> None:
    assert [sender.reason(HIT) for _ in range(3)] == ["", "", "rate"]
    assert sender.send("/api/track-view/", CONTENT)[0] == 429
    assert sender.send("/api/track/page-view", {"path": "/a"})[0] == 204
    assert sender.reason(HIT, peer="192.0.2.2") == ""
    assert len(sender.lines()) == 3
    assert sender.collector.recorder.counts.refused["rate"] == 3


def test_addresses_of_one_ipv6_network_share_a_bucket(sender: Sender) -> None:
    peers = ["2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:1::3", "2001:db8:0:2::1"]
    assert [sender.reason(HIT, peer=peer) for peer in peers] == ["", "", "rate", ""]


def test_past_a_server_on_this_machine_the_client_is_looked_for(tmp_path: Path) -> None:
    sender = Sender(tmp_path, web={"trusted_proxies": ["198.51.100.0/24"]})
    asked = [
        ("127.0.0.1", "203.0.113.9"),
        ("127.0.0.1", "10.0.0.1, 203.0.113.9, 198.51.100.7"),
        ("203.0.113.9", "1.2.3.4"),
        ("203.0.113.9", ""),
        ("127.0.0.1", "203.0.113.8"),
    ]
    for peer, chain in asked:
        sender.send(HIT, peer=peer, x_forwarded_for=chain)
    hashes = [line["ip_hash"] for line in sender.lines()]
    assert hashes[:4] == hashes[:1] * 4
    assert hashes[4] != hashes[0]


def test_addresses_and_agents_that_are_excluded_are_not_counted(tmp_path: Path) -> None:
    rules = {"addresses": ["203.0.113.0/24"], "agents": ["*Monitor*"], "paths": ["/admin/*"]}
    sender = Sender(tmp_path, exclude=rules)
    assert sender.reason(HIT, peer="203.0.113.9") == "excluded"
    assert sender.reason(HIT, user_agent="MyMonitor/1") == "excluded"
    assert sender.reason(HIT.replace("/a", "/admin/x")) == ""
    assert sender.reason(HIT) == ""
    assert sender.counted(["hits"]) == {(): [1]}


@pytest.mark.parametrize("name", ["user_agent", "referer", "origin"])
def test_long_headers_are_refused(sender: Sender, name: str) -> None:
    assert sender.reason(HIT, **{name: "https://one.example/" + "x" * (8 << 10)}) == "long"
    assert sender.lines() == []


def test_headers_of_some_length_count_and_are_not_remembered(sender: Sender) -> None:
    text = "https://one.example/" + "x" * 2000
    assert sender.reason(HIT, user_agent=text, referer=text) == ""
    assert text not in str([sender.collector, sender.collector.recorder.sites])
    people = sender.collector.recorder.people
    assert [day.people for day in people._days.values()] == [{}]


def test_a_rule_set_while_the_collector_runs_changes_what_it_counts(tmp_path: Path) -> None:
    sender = Sender(tmp_path)
    assert sender.reason(HIT) == ""
    catalog = Catalog(tmp_path)
    exclusions.add(catalog, "addresses", "192.0.2.0/24")
    exclusions.add(catalog, "agents", "*Monitor*")
    sender.collector.upkeep.once()
    assert sender.reason(HIT) == "excluded"
    assert sender.reason(HIT, peer="203.0.113.9", user_agent="MyMonitor/1") == "excluded"
    for rule in exclusions.listed(catalog):
        exclusions.remove(catalog, rule.id)
    sender.collector.upkeep.once()
    assert sender.reason(HIT) == ""
    catalog.close()


def test_a_rule_of_the_store_holds_from_the_start(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    exclusions.add(catalog, "addresses", "192.0.2.0/24")
    catalog.close()
    assert Sender(tmp_path).reason(HIT) == "excluded"


def test_a_day_forgotten_while_it_is_asked_for_is_told(sender: Sender) -> None:
    people, site = sender.collector.recorder.people, sender.collector.recorder.sites.by_name["one"]

    class Forgetful(dict[Any, Any]):
        def __setitem__(self, key: Any, value: Any) -> None:
            people.forget()

    people._days = Forgetful()
    assert people.day(site, 0.0).people == {}
