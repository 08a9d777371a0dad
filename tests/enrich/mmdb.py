"""Writes a tiny MMDB file: just enough of the format to hold IPv4 networks and flat maps."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

_MARK = b"\xab\xcd\xefMaxMind.com"


def write(path: Path, networks: Mapping[str, Any]) -> Path:
    """A database of `networks`: CIDR -> a map of strings, numbers and maps."""
    nodes: list[list[int | str | None]] = [[None, None]]
    for network in networks:
        _insert(nodes, network)
    data, offsets = b"", {}
    for network, value in networks.items():
        offsets[network] = len(data)
        data += _encode(value)
    tree = b"".join(_record(side, len(nodes), offsets) for node in nodes for side in node)
    path.write_bytes(tree + bytes(16) + data + _MARK + _facts(len(nodes)))
    return path


def _facts(nodes: int) -> bytes:
    """The metadata: small numbers of type 5, a time of the extended type 9 that is not 0."""
    small = {"record_size": 24, "ip_version": 4}
    small |= {"binary_format_major_version": 2, "binary_format_minor_version": 0}
    body = b"".join(
        _encode(k) + bytes([5 << 5 | 2]) + v.to_bytes(2, "big") for k, v in small.items()
    )
    body += _encode("node_count") + bytes([6 << 5 | 4]) + nodes.to_bytes(4, "big")
    body += _encode("build_epoch") + bytes([8, 2]) + bytes([0] * 7 + [1])
    body += _encode("database_type") + _encode("Test")
    body += _encode("languages") + bytes([1, 4]) + _encode("en")
    body += _encode("description") + _encode({"en": "Test"})
    return bytes([7 << 5 | len(small) + 5]) + body


def _insert(nodes: list[list[int | str | None]], network: str) -> None:
    net = IPv4Network(network)
    bits = f"{int(net.network_address):032b}"[: net.prefixlen]
    node = 0
    for bit in map(int, bits[:-1]):
        if nodes[node][bit] is None:
            nodes.append([None, None])
            nodes[node][bit] = len(nodes) - 1
        following = nodes[node][bit]
        assert isinstance(following, int)
        node = following
    nodes[node][int(bits[-1])] = network


def _record(side: int | str | None, count: int, offsets: Mapping[str, int]) -> bytes:
    if side is None:
        return count.to_bytes(3, "big")
    return (side if isinstance(side, int) else count + 16 + offsets[side]).to_bytes(3, "big")


def _encode(value: Any) -> bytes:
    """Maps (type 7) and strings (type 2), both shorter than 29."""
    if isinstance(value, dict):
        pairs = b"".join(_encode(key) + _encode(item) for key, item in value.items())
        return bytes([7 << 5 | len(value)]) + pairs
    assert isinstance(value, str)
    return bytes([2 << 5 | len(value)]) + value.encode()
