"""Why a hit is not counted. Senders are told these words, and metrics count by them."""

from __future__ import annotations

#: reason -> what it says.
REASONS: dict[str, str] = {
    "no site": "It names no site, and neither Origin nor Referer is of one.",
    "unknown site": "There is no site of that name.",
    "origin": "Pages on that host may not send hits to the site.",
    "contradiction": "What it says of its site, and where it comes from, are two sites.",
    "no page": "It names no page, and comes with no web address as its Referer.",
    "no event": "It names no event.",
    "engagement": "It tells how far a page was read, which is not counted.",
    "json": "The body is not a JSON object.",
    "content_type": "The type of the content item is missing, or is none of the site's.",
    "content_id": "The id of the content item is missing, or longer than 128 characters.",
    "view_type": "The view type is none of intentional, listing, search and widget.",
    "view_source": "The view source is none of web, api, widget and player.",
    "time": "The time is no time, or lies more than a day ahead.",
    "address": "The address is none.",
    "large": "The body is too large.",
    "long": "The address, the agent, the Referer or the Origin is longer than 8 KB.",
    "slow": "The body did not come within ten seconds.",
    "method": "The endpoint does not take that method.",
    "rate": "The address has sent too many hits.",
    "key": "The API key is missing, or may not write to the site.",
    "lost": "It could not be written.",
    "owner": "The viewer is the owner of what was viewed.",
    "excluded": "The admin does not want it counted.",
    "repeated": "A hit with that id was taken before.",
}

#: The status of an answer that says so, where a sender is told of mistakes; 400 for the others.
STATUS = {
    **{"method": 405, "rate": 429, "large": 413, "long": 414, "slow": 408, "lost": 503},
    "key": 401,
}


class Refused(Exception):
    """A hit is not taken; the argument is one of REASONS."""

    @property
    def reason(self) -> str:
        return str(self.args[0])
