"""Where a visitor came from."""

from __future__ import annotations

import re
from functools import cache

from publicsuffixlist import PublicSuffixList

from tests.reference.addresses import MARK, is_address
from tests.reference.paths import bare_host, rules

WEB_ADDRESS = re.compile(r"(https?|android-app|ios-app)://([^/?#\\]+)", re.IGNORECASE)
HOST_NAME = re.compile(r"[^\W_][\w-]*(?:\.[\w-]+)*")


@cache
def suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def without_www(host: str) -> str:
    parts = host.lower().split(".")
    return ".".join(parts[1:] if parts[0] == "www" and len(parts) > 2 else parts)


def describe(
    text: str | None, host: str | None, own: frozenset[str] = frozenset()
) -> tuple[str | None, str | None, str]:
    """(referrer, source, channel) by the Referer header alone."""
    found = WEB_ADDRESS.match((text or "").strip())
    name = bare_host(found.group(2)) if found else None
    if found is None or name is None:
        return None, None, "direct"
    if not is_address(name) and not HOST_NAME.fullmatch(name):
        return None, None, "direct"
    shown = MARK if is_address(name) or name.replace(".", "").isdigit() else name
    ours = {without_www(h) for h in own} | ({without_www(host)} if host else set())
    if without_www(name) in ours or shown in ours:
        return None, None, "internal"
    if shown == MARK:
        return MARK, MARK, "referral"
    bare = without_www(name)
    if found.group(1).lower().endswith("-app"):
        row = longest("apps", name)
        return bare, *((row["name"], row["channel"]) if row else (name, "referral"))
    row = longest("hosts", name)
    if row:
        return bare, row["name"], row["channel"]
    return bare, suffixes().privatesuffix(name) or bare, "referral"


def longest(key: str, name: str) -> dict | None:
    """The row with the longest host (or app) that `name` is or lies below."""
    best, length = None, 0
    for row in rules("referrers")["source"]:
        for known in row.get(key, []):
            if _is_below(name, known) and len(known.split(".")) > length:
                best, length = row, len(known.split("."))
    return best


def _is_below(name: str, known: str) -> bool:
    """google.* stands for google with any country's ending, of one part or two."""
    if not known.endswith(".*"):
        return name == known or name.endswith("." + known)
    stem = re.escape(known[:-2])
    return re.search(rf"(?:^|\.){stem}\.(?:com?\.)?[a-z]{{2,3}}$", name) is not None


def with_campaign(
    source: str | None, channel: str, utm_source: str | None, utm_medium: str | None
) -> tuple[str | None, str]:
    """A campaign outweighs the referrer."""
    if not utm_source and not utm_medium:
        return source, channel
    row = _row_of_campaign((utm_source or "").lower())
    channel = row["channel"] if row else "campaign"
    return (row["name"] if row else utm_source or source), _medium(utm_medium) or channel


def _row_of_campaign(value: str) -> dict | None:
    for row in rules("referrers")["source"]:
        if value and value in (row["name"].lower(), *row.get("aliases", [])):
            return row
    return longest("hosts", value) if "." in value else None


def _medium(value: str | None) -> str | None:
    plain = (value or "").lower()
    for row in rules("referrers")["medium"]:
        for known in row["values"]:
            if plain == known or (known[-1] == "*" and plain.startswith(known[:-1])):
                return row["channel"]
    return None
