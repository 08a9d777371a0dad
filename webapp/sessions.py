"""Sessions are signed cookies that scripts can't read; every form has a token against forgery."""

from __future__ import annotations

import datetime as dt

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect

from pipeline.access.secret import signing_key
from pipeline.config import Config
from webapp.headers import is_secure

LIFE = dt.timedelta(days=30)
#: A form of ours is small; what a program posts is bounded by its own route.
MOST_BYTES = 1 << 20


class Sessions(SecureCookieSessionInterface):
    def get_cookie_secure(self, app: Flask) -> bool:
        return is_secure()


def install(app: Flask, config: Config) -> None:
    app.secret_key = signing_key(config.store.data)
    app.session_interface = Sessions()
    app.config.update(
        SESSION_COOKIE_NAME="tallylog",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=LIFE,
        MAX_CONTENT_LENGTH=MOST_BYTES,
        # A page may stay open for as long as the session lives.
        WTF_CSRF_TIME_LIMIT=None,
        # It would ask for the Referer of HTTPS requests, which some browsers are told not to send.
        WTF_CSRF_SSL_STRICT=False,
    )
    app.extensions["tallylog.csrf"] = CSRFProtect(app)
