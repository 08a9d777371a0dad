"""Requests and answers of the collector, whichever server carries them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

Header = tuple[str, str]

#: The smallest GIF there is: one transparent pixel.
GIF = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)


class Headers(Protocol):
    def get(self, name: str) -> str | None:
        """The value of a header, by its name in lower case."""
        ...


class Request(NamedTuple):
    """`peer` is the address that the server was asked from; `forwarded` tells all of
    X-Forwarded-For."""

    method: str
    path: str
    query: str
    headers: Headers
    peer: str
    forwarded: Callable[[], str | None]
    body: bytes = b""


class Answer(NamedTuple):
    """`ticket` is to be waited for before the answer is sent, unless it is 0; `lost` is sent in
    its place where that fails."""

    status: int
    headers: list[Header]
    body: bytes = b""
    ticket: int = 0
    lost: Answer | None = None


def text_of(value: str | None) -> str | None:
    """A header as a log would have it: UTF-8, whatever the server took it for."""
    if value is None or value.isascii():
        return value
    return value.encode("latin-1", "replace").decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Environ:
    """The headers of a WSGI request."""

    environ: Mapping[str, object]

    def get(self, name: str) -> str | None:
        key = name.upper().replace("-", "_")
        value = self.environ.get(key if key.startswith("CONTENT_") else f"HTTP_{key}")
        return text_of(str(value)) if value is not None else None
