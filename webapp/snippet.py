"""What is pasted into the pages of a site, so that their views are counted."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import urlencode

from webapp.current import config
from webapp.script import script


def snippet(site: str, address: str, integrity: bool = False) -> str:
    """HTML for the head of every page. `address` is that of the web server, with a slash at its
    end; with `integrity` browsers refuse any other script than this version's."""
    checked = f' integrity="{script().integrity}" crossorigin="anonymous"' if integrity else ""
    pixel = f"{address}pixel.gif?{urlencode({'site': site})}"
    return (
        f'<script defer src="{escape(address)}t.js" data-site="{escape(site)}"{checked}></script>\n'
        f'<noscript><img src="{escape(pixel)}" alt="" width="1" height="1"'
        ' referrerpolicy="no-referrer-when-downgrade"></noscript>\n'
    )


def how_to_begin(site: str) -> dict[str, Any]:
    """The site, its logs by this configuration, and what to paste into its pages."""
    sources = [one for one in config().sources if one.site == site or one.by_host]
    return {"site": site, "sources": sources, "snippet": snippet(site, config().web.address)}
