"""Tokens for the owner of one content item: they read its statistics and nothing else.

A token is signed, not stored: it holds until its time is over, or until the signing key is
replaced. Whoever makes one must be allowed to read the site.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from pathlib import Path

from itsdangerous import BadSignature, URLSafeSerializer

from pipeline.access.secret import signing_key
from pipeline.errors import AccessError

PREFIX = "tallylog_owner_"
LONGEST = dt.timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Item:
    """What a token is for."""

    site: str
    type: str
    id: str


def token(data_dir: Path, item: Item, life: dt.timedelta) -> str:
    if not dt.timedelta() < life <= LONGEST:
        raise AccessError("A token holds for a day to a year.", "name 1 to 366 days")
    until = int((dt.datetime.now(dt.UTC) + life).timestamp())
    return PREFIX + _signer(data_dir).dumps({**asdict(item), "until": until})


def item_of(data_dir: Path, text: str) -> Item | None:
    """What the token is for, if it is one of ours and still holds."""
    try:
        said = _signer(data_dir).loads(text.removeprefix(PREFIX))
    except BadSignature:
        return None
    if said.pop("until") < dt.datetime.now(dt.UTC).timestamp():
        return None
    return Item(**said)


def _signer(data_dir: Path) -> URLSafeSerializer:
    return URLSafeSerializer(signing_key(data_dir), salt="owner of an item")
