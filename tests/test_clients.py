"""The client behind proxies, by the address that asked and X-Forwarded-For."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import Source
from pipeline.enrich.clients import Proxies, parse_address

PROXY = ("10.0.0.0/8",)
#: (what it shows, trusted networks, peer, header, client)
CASES = [
    ("no proxy is trusted", (), "10.0.0.1", "203.0.113.7", "10.0.0.1"),
    ("the peer is no proxy", PROXY, "192.0.2.1", "203.0.113.7", "192.0.2.1"),
    ("the peer is a host name", PROXY, "proxy.example", "203.0.113.7", "proxy.example"),
    ("one proxy", PROXY, "10.0.0.1", "203.0.113.7", "203.0.113.7"),
    ("a chain of proxies", PROXY, "10.0.0.1", "203.0.113.7, 10.2.0.1,10.3.0.1", "203.0.113.7"),
    ("an invented beginning", PROXY, "10.0.0.1", "198.51.100.9, 203.0.113.7", "203.0.113.7"),
    ("an invented proxy", PROXY, "10.0.0.1", "1.2.3.4, 10.9.9.9, 203.0.113.7", "203.0.113.7"),
    ("proxies all the way", PROXY, "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
    ("no header", PROXY, "10.0.0.1", None, "10.0.0.1"),
    ("an empty header", PROXY, "10.0.0.1", "", "10.0.0.1"),
    ("a header of commas", PROXY, "10.0.0.1", " , ,", "10.0.0.1"),
    ("empty places", PROXY, "10.0.0.1", "203.0.113.7,, 10.0.0.2,", "203.0.113.7"),
    ("unknown is nobody", PROXY, "10.0.0.1", "203.0.113.7, unknown", "10.0.0.1"),
    ("unknown behind a proxy", PROXY, "10.0.0.1", "unknown, 10.0.0.2", "10.0.0.2"),
    ("a hidden name", PROXY, "10.0.0.1", "_SEVKISEK", "10.0.0.1"),
    ("code for an address", PROXY, "10.0.0.1", "' or 1=1 --, ${jndi:ldap://x}", "10.0.0.1"),
    ("a number too large", PROXY, "10.0.0.1", "203.0.113.700", "10.0.0.1"),
    ("a port", PROXY, "10.0.0.1", "203.0.113.7:4711, 10.0.0.2:80", "203.0.113.7"),
    ("brackets", PROXY, "10.0.0.1", "[2001:db8::7]", "2001:db8::7"),
    ("brackets and a port", PROXY, "10.0.0.1", '"[2001:DB8::0:7]:4711"', "2001:db8::7"),
    ("IPv6 without brackets", PROXY, "10.0.0.1", "2001:db8::7", "2001:db8::7"),
    ("a zone", PROXY, "10.0.0.1", "fe80::1%eth0", "fe80::1"),
    ("IPv4 written as IPv6", PROXY, "::ffff:10.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
    ("a trusted IPv6 network", ("fd00::/8",), "fd12::1", "2001:db8::7, fd00::2", "2001:db8::7"),
    ("a trusted address", ("192.0.2.1/32",), "192.0.2.1", "203.0.113.7, 192.0.2.2", "192.0.2.2"),
    ("networks in each other", (*PROXY, "10.0.0.0/30"), "10.0.9.9", "203.0.113.7", "203.0.113.7"),
    ("a socket of the system", PROXY, None, "203.0.113.7", "203.0.113.7"),
    ("a socket, without a header", PROXY, None, None, None),
    ("no version of IP in common", ("::/0",), "10.0.0.1", "203.0.113.7", "10.0.0.1"),
]


def raw(*rows: tuple[str | None, str | None]) -> pa.Table:
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    encoded = [column.dictionary_encode() for column in columns]
    return pa.table(encoded, names=["client", "forwarded_for"])


def clients(table: pa.Table, *networks: str) -> list[str | None]:
    found = Proxies(networks).clients(table)
    assert found.values[-1] is None, "the last value is for rows without one"
    return [found.values[code] for code in found.codes]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_the_client_is_the_nearest_address_that_no_trusted_proxy_has(case) -> None:
    _, networks, peer, header, client = case
    assert clients(raw((peer, header)), *networks) == [client]


def test_each_row_has_its_own_client() -> None:
    rows = [case[2:4] for case in CASES if case[1] == PROXY]
    assert clients(raw(*rows), *PROXY) == [case[4] for case in CASES if case[1] == PROXY]


def test_in_a_log_without_peers_the_last_address_stands_for_the_peer() -> None:
    table = raw((None, "198.51.100.9, 203.0.113.7"), (None, "203.0.113.7, 10.0.0.1"), (None, None))
    without = table.select(["forwarded_for"])
    assert clients(without) == ["203.0.113.7", "10.0.0.1", None]
    assert clients(without, *PROXY) == ["203.0.113.7", "203.0.113.7", None]


def test_a_log_without_the_header_is_left_as_it_is() -> None:
    assert clients(raw(("10.0.0.1", None)).select(["client"]), *PROXY) == ["10.0.0.1"]


@given(st.text(max_size=60))
def test_nothing_in_a_header_is_taken_for_an_address_that_is_none(text: str) -> None:
    (client,) = clients(raw(("10.0.0.1", text)), *PROXY)
    assert client is not None
    assert str(parse_address(client)) == client


def test_private_stands_for_all_networks_that_are_not_public() -> None:
    source = Source(site="s", paths=("x",), trusted_proxies=("private", "203.0.113.7"))
    assert source.trusted_proxies[-1] == "203.0.113.7/32"
    inner = ["192.168.1.1", "172.31.0.1", "::1", "fd00::1", "169.254.1.1", "100.64.0.1"]
    header = ", ".join(["198.51.100.9", *inner, "203.0.113.7"])
    assert clients(raw(("127.0.0.1", header)), *source.trusted_proxies) == ["198.51.100.9"]
