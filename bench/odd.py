"""Requests that are not plain pages or assets: odd lines, errors, redirects, probes.

None of them is a page view. Odd lines are the garbage real logs hold. A line without a status is
not `readable`; the others have a status of 400 or more and the agent of a known bot or none.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """`end` is what follows the request: a protocol, or only the quote, or nothing (cut)."""

    request: bytes
    status: int
    end: bytes = b' HTTP/1.1" '
    agent: bytes | None = None
    readable: bool = True

    @property
    def cut(self) -> bool:
        return not self.end


ODD = (
    # A quote that was not escaped, in the request and in the agent.
    Request(b'GET /say/"hello HTTP/1.1', 400, b'" ', b"Mozilla/5.0 zgrab/0.x"),
    Request(b"GET /missing/quoted", 404, agent=b'Mozilla/5.0 zgrab "0.x"'),
    # TLS spoken to a plain port: as nginx and Apache escape it, and raw.
    Request(rb"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", 400, b'" ', b"-"),
    Request(b"\x16\x03\x01\x02\x01\xfc\x03\x03\xe1\x9b\xf2\x8a", 400, b'" ', b"-"),
    # Bytes that are not UTF-8, in the path and in the agent.
    Request(b"GET /caf\xe9/men\xfc", 404, agent=b"Wget/1.21.4"),
    Request(b"GET /missing/latin", 404, agent=b"curl/8.5.0 (M\xfcller)"),
    Request(b"GET /overlong/" + b"A" * 4800, 414, agent=b"Mozilla/5.0 zgrab/0.x"),
    # Nothing was asked.
    Request(b"", 400, b'" ', b"-"),
    # The disk was full in the middle of a line.
    Request(b"GET /cut/in/the/mid", 0, b"", b"", readable=False),
)
OTHERS = (
    Request(b"GET /old/catalogue", 301),
    Request(b"GET /account", 302),
    Request(b"GET /moved/here", 301),
    Request(b"GET /missing/page", 404),
    Request(b"GET /no-such-article", 404),
    Request(b"POST /contact", 302),
    Request(b"POST /cart/add", 200),
    Request(b"POST /search", 200),
    Request(b"GET /static/media/intro.mp4", 206),
    Request(b"GET /files/catalogue-2026.pdf", 200),
    Request(b"HEAD /", 200),
    Request(b"GET /broken", 500),
)
ROBOTS = (
    Request(b"GET /robots.txt", 200),
    Request(b"GET /robots.txt", 200),
    Request(b"GET /sitemap.xml", 200),
    Request(b"GET /feed.xml", 200),
    Request(b"GET /feed.xml", 304),
    Request(b"GET /wp-login.php", 404),
    Request(b"GET /.env", 404),
    Request(b"POST /xmlrpc.php", 405),
    Request(b"HEAD /", 200),
    Request(b"GET /missing/old-link", 404),
)
