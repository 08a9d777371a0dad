"""Where visitors come from: the referrer, its source and channel, and campaigns."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from pipeline.enrich import rulebook
from pipeline.enrich.referrers import URL_LENGTH, ReferrerFacts, Referrers
from pipeline.schema import CHANNELS

CASES = tomllib.loads((Path(__file__).parent / "enrich" / "referrers.toml").read_text("utf-8"))
RULES = rulebook.read("referrers")
HOST = "www.example.org"


@pytest.fixture(scope="module")
def referrers() -> Referrers:
    return Referrers(frozenset({"example.org", "shop.example.org"}))


@pytest.mark.parametrize("case", CASES["case"], ids=lambda case: case["referrer"])
def test_a_referrer_is_named_and_has_a_channel(referrers, case):
    expected = ReferrerFacts(
        case.get("domain"), case.get("referrer_url"), case.get("source"), case["channel"]
    )
    assert referrers.describe(case["referrer"], case.get("host", HOST)) == expected


def test_no_referrer_and_no_host_are_a_direct_hit(referrers):
    assert referrers.describe(None, None) == ReferrerFacts(None, None, None, "direct")


def test_the_record_s_own_host_is_known_after_it_was_redacted(referrers):
    facts = referrers.describe("http://192.0.2.1/x", "[address]")
    assert (facts.channel, facts.referrer_url) == ("internal", "http://[address]/x")


def test_a_long_referrer_is_cut(referrers):
    facts = referrers.describe("http://example.net/" + "x" * 100_000, HOST)
    assert facts.referrer_url == "http://example.net/".ljust(URL_LENGTH, "x")
    assert referrers.describe("http://" + "x." * 10_000, HOST).channel == "direct"


@pytest.mark.parametrize("case", CASES["campaign"], ids=str)
def test_a_campaign_outweighs_the_referrer(referrers, case):
    facts = referrers.describe(case["referrer"], HOST)
    found = referrers.campaign(
        facts.source, facts.channel, case.get("utm_source"), case.get("utm_medium")
    )
    assert found == (case.get("source"), case["channel"])


def test_no_host_app_or_alias_is_given_to_two_sources():
    for key in ("hosts", "apps", "aliases"):
        values = [value.lower() for row in RULES["source"] for value in row.get(key, ())]
        assert len(values) == len(set(values)), key
    names = [row["name"] for row in RULES["source"]]
    assert len(names) == len(set(names))


def test_every_row_of_the_referrer_rules_has_a_declared_channel():
    rows = [*RULES["source"], *RULES["medium"]]
    assert {row["channel"] for row in rows} <= set(CHANNELS) - {"direct", "internal", "campaign"}
    assert all(row["reason"].strip() for row in RULES["medium"])
