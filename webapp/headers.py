"""Headers of every answer: browsers are told to load nothing from elsewhere and to run no script
or style that stands in a page."""

from __future__ import annotations

from flask import Flask, Response, request

from webapp.current import config

POLICY = "; ".join(
    (
        *("default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'"),
        *("font-src 'self'", "connect-src 'self'", "manifest-src 'self'", "form-action 'self'"),
        *("base-uri 'none'", "frame-ancestors 'none'"),
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # A share link is a secret that stands in an address: it must not be told to other sites.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
YEAR = 365 * 24 * 3600


def install(app: Flask) -> None:
    app.after_request(_add)


def is_secure() -> bool:
    """Whether browsers come by TLS, as the request or the configuration says."""
    return request.is_secure or config().web.url.startswith("https:")


def _add(answer: Response) -> Response:
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    if is_secure():
        answer.headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}")
    # What a page says depends on who asks: nobody in between may keep it.
    answer.headers.setdefault("Cache-Control", "private, no-cache")
    return answer
