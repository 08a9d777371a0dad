"""The country an address is registered in.

Without a database of the user's, the registry data that ship with ``iptocc`` decide: the country
a block was assigned to, which is not always where it is used. A user's MMDB file (MaxMind, DB-IP
and others) takes their place when given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.enrich.redact import is_address

if TYPE_CHECKING:
    import maxminddb

#: Letters that registries, databases and CDNs use for something that is not a country.
_NO_COUNTRY = frozenset({"EU", "AP", "ZZ", "XX"})


class Countries:
    """Looks countries up; opens the MMDB once, when one is given."""

    __slots__ = ("_reader",)

    def __init__(self, mmdb: Path | None = None) -> None:
        self._reader: maxminddb.Reader | None = None
        if mmdb is not None:
            import maxminddb

            self._reader = maxminddb.open_database(mmdb)

    def lookup(self, clients: Sequence[str | None]) -> list[str | None]:
        """Upper-case two-letter codes; None for host names, private and unknown addresses."""
        plain = [_plain(client) for client in clients]
        found = self._from_registry(plain) if self._reader is None else self._from_mmdb(plain)
        return [real_country(code) for code in found]

    def _from_registry(self, clients: list[str]) -> list[str | None]:
        import iptocc

        return list(iptocc.country_code(clients)) if clients else []

    def _from_mmdb(self, clients: list[str]) -> list[str | None]:
        return [_code(self._record(client)) for client in clients]

    def _record(self, client: str) -> Mapping[str, Any]:
        assert self._reader is not None
        # A database of IPv4 alone refuses any IPv6 address.
        too_new = ":" in client and self._reader.metadata().ip_version == 4
        if too_new or not is_address(client):
            return {}
        record = self._reader.get(client)
        return record if isinstance(record, dict) else {}


def _plain(client: str | None) -> str:
    """An IPv4 address written as IPv6 (``::ffff:192.0.2.1``) is looked up as IPv4."""
    if client and client[:7].lower() == "::ffff:" and "." in client:
        return client[7:]
    return client or ""


def _code(record: Mapping[str, Any]) -> str | None:
    """Databases nest the code under country or registered_country, or have it flat."""
    for key in ("country", "registered_country"):
        inner = record.get(key)
        if isinstance(inner, dict) and inner.get("iso_code"):
            return str(inner["iso_code"])
    flat = record.get("country_code") or record.get("country")
    return flat if isinstance(flat, str) else None


def real_country(code: str | None) -> str | None:
    """The code in upper case, if it is two letters that stand for a country."""
    upper = (code or "").upper()
    letters = len(upper) == 2 and upper.isascii() and upper.isalpha()
    return upper if letters and upper not in _NO_COUNTRY else None
