"""Finds network addresses in a text, character by character."""

from __future__ import annotations

import ipaddress
import re

MARK = "[address]"
WORD = re.compile(r"[A-Za-z][\w.!@-]*/$")


def without_addresses(text: str) -> str:
    """The text with every address replaced by a mark."""
    out = []
    at = 0
    while at < len(text):
        end = address_end(text, at)
        if end is None:
            out.append(text[at])
            at += 1
        else:
            out.append(MARK)
            at = end
    return "".join(out)


def address_end(text: str, start: int) -> int | None:
    """Where the address that starts here ends, if one does."""
    before = text[start - 1] if start else ""
    if not before.isalnum() and before not in (".", ":"):
        for end in range(min(len(text), start + 45), start + 1, -1):
            if _is_v6(text[start:end]) and not text[end : end + 1].isalnum():
                if text[end : end + 1] == ":":
                    continue
                return end
    if not before.isdigit() and before != ".":
        found = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}").match(text, start)
        if found and _is_v4(found.group()) and not _goes_on(text, found.end()):
            return None if _is_version(text, start, found.end()) else found.end()
    return None


def is_address(text: str) -> bool:
    """Whether the whole text is one address."""
    return _is_v4(text) or _is_v6(text)


def _is_v4(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == 4 and all(p.isdigit() and len(p) <= 3 and int(p) < 256 for p in parts)


def _is_v6(text: str) -> bool:
    if text.count(":") < 2 or "%" in text:
        return False
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _goes_on(text: str, end: int) -> bool:
    """A longer number or a longer row of numbers is no address."""
    return re.compile(r"\d|\.\d").match(text, end) is not None


def _is_version(text: str, start: int, end: int) -> bool:
    before = text[:start]
    product = re.search(r"(?:^|[\s(;,+])[A-Za-z][\w.!@-]*/$", before)
    word = re.search(r"(?:\brv:|(?<![A-Za-z])[vV]|\b(?:[Vv]ersion|[Bb]uild)[ :+])$", before)
    file_name = re.search(r"[A-Za-z][-_]$", before) and re.match(r"[-_.][A-Za-z]", text[end:])
    return bool(product or word or file_name)
