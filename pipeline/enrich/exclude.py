"""Which records an admin does not want counted, decided per distinct value."""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.enrich.columns import Coded


@dataclass(frozen=True, slots=True)
class Rules:
    """Patterns with ``*`` for paths, agents and hosts of referrers, networks in CIDR form for
    addresses."""

    paths: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    referrers: tuple[str, ...] = ()

    def excluded(
        self, pages: Coded, agents: Coded, clients: Coded, referrers: Coded
    ) -> npt.NDArray[np.bool_] | None:
        """Which rows to leave out; None where no rule is set."""
        if not (self.paths or self.agents or self.addresses or self.referrers):
            return None
        by_page = _matching(self.paths, pages.values)[pages.codes]
        by_agent = _matching(self.agents, agents.values)[agents.codes]
        by_client = _inside(self.addresses, clients.values)[clients.codes]
        by_referrer = _matching(self.referrers, referrers.values)[referrers.codes]
        return np.asarray(by_page | by_agent | by_client | by_referrer)


def matches(value: str | None, patterns: Sequence[str]) -> bool:
    """Whether a pattern fits the value."""
    return bool(_matching(patterns, [value])[0])


def is_inside(address: str, networks: Sequence[str]) -> bool:
    """Whether one of the networks has the address."""
    return bool(_inside(networks, [address])[0])


def _matching(patterns: Sequence[str], values: Sequence[str | None]) -> npt.NDArray[np.bool_]:
    if not patterns:
        return np.zeros(len(values), bool)
    pattern = re.compile("|".join(fnmatch.translate(p) for p in patterns))
    return np.array([value is not None and bool(pattern.match(value)) for value in values])


def _inside(networks: Sequence[str], values: Sequence[str | None]) -> npt.NDArray[np.bool_]:
    if not networks:
        return np.zeros(len(values), bool)
    nets = [ipaddress.ip_network(network) for network in networks]
    return np.array([_within_any(value, nets) for value in values])


def _within_any(
    value: str | None, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]
) -> bool:
    try:
        address = ipaddress.ip_address(value or "")
    except ValueError:
        return False  # a host name is in no network
    return any(address in network for network in networks)
