"""Where visitors come from: the referrer, its source and channel, and campaigns."""

from __future__ import annotations

import tomllib
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from publicsuffixlist import PublicSuffixList

from pipeline.enrich import rulebook
from pipeline.enrich.referrers import URL_LENGTH, ReferrerFacts, Referrers, _public_suffixes
from pipeline.schema import CHANNELS
from tests.examples import drawn

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


def described(referrers, pairs):
    texts, hosts = (pl.Series(values, dtype=pl.String) for values in zip(*pairs, strict=True))
    columns = referrers.describe_all(texts, hosts)
    return [ReferrerFacts(*row) for row in zip(*columns, strict=True)]


def test_many_referrers_at_once_get_the_same_facts_as_one_by_one(referrers):
    pairs = [(case["referrer"], case.get("host", HOST)) for case in CASES["case"]]
    pairs += [
        (None, None),
        ("", ""),
        ("http://a.b/x y ", None),
        (" http://a.b/\x1f", "a.b"),
        ("http://a.b", "a b"),
        ("http://a.b/1.2.3.4/?5.6.7.8", None),
        ("HTTP://A.B/C#D", None),
        ("http://example.net/" + "x" * 1000, HOST),
        ("https://example.net/%31.2.3.4" + "x" * 500 + "1.2.3.4", HOST),
    ]
    assert described(referrers, pairs) == [referrers.describe(*pair) for pair in pairs]


@drawn(40)
@given(
    st.lists(
        st.tuples(
            st.builds(
                "".join,
                st.tuples(
                    st.sampled_from(["", "http://", "https://a.com/", "HTTP://"]),
                    st.text("/.?# \t\x00\x1f\xa0%A1:@\\[]-éa", max_size=20),
                ),
            ),
            st.sampled_from([None, "", "a.com", "a"]),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_any_referrers_at_once_get_the_same_facts_as_one_by_one(pairs):
    referrers = Referrers(frozenset({"example.org"}))
    assert described(referrers, pairs) == [referrers.describe(*pair) for pair in pairs]


def test_the_public_suffixes_are_those_of_the_package():
    ours, theirs = _public_suffixes(), PublicSuffixList()
    assert vars(ours) == vars(theirs)


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
