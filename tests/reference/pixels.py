"""A request for a pixel, taken for what it describes."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

from tests.reference.paths import split_url
from tests.reference.records import Raw

DEFAULT = ("/pixel.gif", "/p.gif")


def is_pixel(raw: Raw, pixels: tuple[str, ...]) -> bool:
    return raw.url is not None and split_url(raw.url)[1] in pixels


def described(raw: Raw) -> tuple[Raw, str] | None:
    """The record of the page that the request tells of, and its kind; None if it tells nothing."""
    assert raw.url is not None
    query = split_url(raw.url)[2]
    told: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        told.setdefault(name, value.strip())
    header = raw.referrer if _on_the_web(raw.referrer or "") else None
    page = _page(told.get("p", "")) or header
    if page is None and not told.get("e"):
        return None
    if page is not None:
        page = _with_campaign(page, query)
    address = next((a for a in (page, header) if a and _on_the_web(a)), None)
    host = urlsplit(address).hostname if address else raw.host
    kind = "event" if told.get("e") else "page"
    return replace(raw, url=page, host=host, referrer=told.get("r") or None), kind


def _on_the_web(address: str) -> bool:
    return address.lower().startswith(("http://", "https://"))


def _page(told: str) -> str | None:
    if not told or (":" in told.split("/")[0] and not _on_the_web(told)):
        return None
    return told if told.startswith("/") or _on_the_web(told) else "/" + told


def _with_campaign(page: str, query: str) -> str:
    """The campaign of the pixel's own address counts where that of the page has none."""
    own = [pair for pair in query.split("&") if pair.startswith("utm_")]
    target = page.split("#")[0]
    if not own or "utm_" in "?".join(target.split("?")[1:]):
        return page
    return target + ("&" if "?" in target else "?") + "&".join(own)


def class_of(kind: str, method: str | None, status: int) -> str:
    """Page or event, if it was asked for and answered as a page must be."""
    if status >= 400 or status == 0:
        return "error"
    if 300 <= status <= 399 and status != 304:
        return "redirect"
    return kind if status >= 200 and method == "GET" else "other"
