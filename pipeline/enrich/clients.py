"""Who the client is behind proxies: the nearest address that no trusted proxy has.

A proxy puts the address that it was asked from at the right end of X-Forwarded-For. So the header
is read from the right, beginning with the address that the server itself was asked from (the
peer), and past proxies that are trusted: only what these wrote is known to be true. What stands
left of the client may be anybody's invention.
"""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from pipeline.enrich.columns import Coded, coded, combine, distinct, split

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
FORWARDED = "forwarded_for"


@dataclass(frozen=True, slots=True)
class Proxies:
    """The trusted ones, as addresses and networks in CIDR form."""

    networks: tuple[str, ...] = ()

    def clients(self, raw: pa.Table) -> Coded:
        """The client of each row. Without trusted proxies that is the peer; in a log that does
        not tell of peers, the last address of the header takes the peer's place."""
        peers = coded(raw, "client")
        if FORWARDED not in raw.column_names or not (self.networks or len(peers.values) == 1):
            return peers
        chains = coded(raw, FORWARDED)
        size = len(chains.values)
        pairs, rows = distinct(combine((peers.codes, 0), (chains.codes, size)))
        trusted = Trusted(self.networks)
        found = [
            trusted.client(peers.values[peer], chains.values[chain])
            for peer, chain in zip(*split(pairs, size), strict=True)
        ]
        values = [*dict.fromkeys(client for client in found if client is not None), None]
        places = {client: code for code, client in enumerate(values)}
        return Coded(np.array([places[client] for client in found], np.int32)[rows], values)


@dataclass(slots=True)
class Trusted:
    """Tells trusted addresses; each text is looked at once."""

    networks: Iterable[str]
    _starts: dict[int, list[int]] = field(default_factory=lambda: {4: [], 6: []})
    _ends: dict[int, list[int]] = field(default_factory=lambda: {4: [], 6: []})
    _known: dict[str, tuple[str | None, bool]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        networks = [ipaddress.ip_network(text) for text in self.networks]
        for network in sorted(networks, key=lambda n: (n.version, int(n.network_address))):
            starts, ends = self._starts[network.version], self._ends[network.version]
            # Networks may lie in each other: an end is the furthest so far.
            starts.append(int(network.network_address))
            ends.append(max([int(network.broadcast_address), *ends[-1:]]))

    def client(self, peer: str | None, chain: str | None) -> str | None:
        """The first address from the right that is not trusted, or the last one there is. What
        is no address ends the search: nobody can say who is behind it. A peer that is not told
        is a socket of this machine, and trusted."""
        nearest = peer
        if peer is not None and not self._hop(peer)[1]:
            return peer
        for text in reversed((chain or "").split(",")):
            if not text.strip():
                continue
            address, trusted = self._hop(text)
            nearest = address or nearest
            if not trusted:
                break
        return nearest

    def has(self, address: str) -> bool:
        return self._hop(address)[1]

    def _hop(self, text: str) -> tuple[str | None, bool]:
        """The address in its usual spelling, and whether it is trusted."""
        if text not in self._known:
            address = parse_address(text)
            self._known[text] = (str(address), self._has(address)) if address else (None, False)
        return self._known[text]

    def _has(self, address: Address) -> bool:
        place = bisect_right(self._starts[address.version], int(address)) - 1
        return place >= 0 and int(address) <= self._ends[address.version][place]


def client_of(networks: Iterable[str], peer: str | None, forwarded: str | None) -> str | None:
    """The client of one request, asked from `peer` with that X-Forwarded-For."""
    return Trusted(networks).client(peer, forwarded)


def parse_address(text: str) -> Address | None:
    """One address of X-Forwarded-For: it may be quoted, have a port or zone, stand in brackets,
    or be one of IPv4 written as IPv6."""
    bare = text.strip().strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
