"""The country of an address, from the registries' data."""

from __future__ import annotations

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
