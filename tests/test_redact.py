"""Addresses are found wherever they stand, and versions are not taken for them."""

from __future__ import annotations

import tomllib
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.enrich.redact import MARK, addresses, is_address, redact

HERE = Path(__file__).parent / "enrich"
CASES = tomllib.loads((HERE / "addresses.toml").read_text("utf-8"))["case"]

v4 = st.ip_addresses(v=4).filter(lambda a: a >= IPv4Address("1.0.0.0"))
v6 = st.ip_addresses(v=6).filter(lambda a: any(c.isdigit() for c in str(a)) and int(a) > 1)
before = st.sampled_from(["", "/", "x=", "http://", "http://[", " ", "%20", "%2F", "?a=1&b=", "("])
after = st.sampled_from(["", "/", "/x", "]", " ", "%20", "&c=2", ",", ")", "#f"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"])
def test_addresses_are_taken_out_and_nothing_else(case):
    assert redact(case["text"]) == case.get("left", case["text"])


@given(before, st.one_of(v4, v6), after)
def test_any_address_is_found_in_any_place_of_a_url(start, address, end):
    assert redact(f"{start}{address}{end}") == f"{start}{MARK}{end}"


@given(before, v6, after)
def test_an_address_with_encoded_colons_is_found(start, address, end):
    encoded = str(address).replace(":", "%3A")
    assert redact(f"{start}{encoded}{end}") == f"{start}{MARK}{end}"


@given(st.text("0123456789abcdefxv.:%/-=[] 2ER3A", max_size=60))
def test_what_is_left_holds_no_address_and_spans_are_in_order(text):
    spans = addresses(text)
    assert spans == sorted(spans)
    assert all(end <= start for (_, end), (start, _) in zip(spans, spans[1:], strict=False))
    assert redact(redact(text)) == redact(text)


def test_the_agents_of_real_logs_hold_no_address():
    agents = (HERE / "agents.txt").read_text("utf-8").splitlines()
    assert [agent for agent in agents if addresses(agent)] == []


@given(st.one_of(v4, v6))
def test_a_whole_text_is_known_to_be_an_address(address):
    assert is_address(str(address)) or address == IPv6Address(0)
    assert not is_address(f"{address}.example.org")


def test_hostile_text_takes_no_time():
    for piece in ("1.", "1.1.1.", "a:", "::", "%3A", "%25", "1" * 50, "a-1.2.3.4"):
        redact(piece * 20_000)
