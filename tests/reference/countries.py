"""The country of an address, from the registries' data."""

from __future__ import annotations

import re
from functools import cache

import iptocc

from tests.reference.addresses import is_address

NO_COUNTRIES = ("EU", "AP", "ZZ", "XX", "A1", "A2", "O1", "T1")


@cache
def country(client: str | None) -> str | None:
    """Upper case; None for host names, private and unknown addresses."""
    if client is None or not is_address(client):
        return None
    code = iptocc.country_code(client)
    return code if code and code not in NO_COUNTRIES else None


def told(code: str | None) -> str | None:
    """What a CDN says of the country, if it is one."""
    known = re.fullmatch("[A-Za-z]{2}", code or "")
    return known[0].upper() if known and known[0].upper() not in NO_COUNTRIES else None
