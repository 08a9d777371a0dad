"""The hashes are HMAC-SHA-256 under the day's salt, by Python's own implementation."""

from __future__ import annotations

import hmac

import numpy as np

from pipeline.enrich.columns import Coded
from pipeline.enrich.hashes import ADDRESS, VISITOR, keyed

SALTS = [b"s" * 32, b"t" * 32]


def expected(salt: bytes, message: bytes) -> int:
    return int.from_bytes(hmac.digest(salt, message, "sha256")[:8], "little")


def test_a_visitor_is_the_hmac_of_site_address_and_agent():
    days = Coded(np.array([0, 1, 0, 0]), ["a.org", "a.org"])
    clients = Coded(np.array([0, 0, 1, 2]), ["192.0.2.1", "2001:db8::1", None])
    agents = Coded(np.array([0, 0, 1, 1]), ["Firefox", None])
    assert keyed(VISITOR, days, SALTS, clients, agents).tolist() == [
        expected(SALTS[0], b"visitor\0a.org\x00192.0.2.1\0Firefox"),
        expected(SALTS[1], b"visitor\0a.org\x00192.0.2.1\0Firefox"),
        expected(SALTS[0], b"visitor\0a.org\x002001:db8::1\0"),
        expected(SALTS[0], b"visitor\0a.org\0\0"),
    ]


def test_an_address_alone_and_a_visitor_never_have_the_same_hash():
    days, clients = Coded(np.array([0]), ["a.org"]), Coded(np.array([0]), ["192.0.2.1"])
    agents = Coded(np.array([0]), [None])
    address = keyed(ADDRESS, days, SALTS[:1], clients)
    assert address.tolist() == [expected(SALTS[0], b"address\0a.org\x00192.0.2.1")]
    assert address.tolist() != keyed(VISITOR, days, SALTS[:1], clients, agents).tolist()


def test_rows_that_are_alike_get_the_same_hash_in_their_order():
    days = Coded(np.zeros(5, np.int32), ["a.org"])
    clients = Coded(np.array([2, 0, 2, 1, 0]), ["x", "y", "z"])
    found = keyed(ADDRESS, days, SALTS[:1], clients).tolist()
    assert found[0] == found[2] and found[1] == found[4] and len(set(found)) == 3
