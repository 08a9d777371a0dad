"""Values as senders write them, read: texts, numbers, times and what is true."""

from __future__ import annotations

import datetime as dt
import json
import math
import time
from typing import Any

from pipeline.enrich.pixels import PROPERTIES, TEXT_LENGTH
from webapp.collector_refusals import Refused

URL_LENGTH = 4096
NAME_LENGTH, VALUE_LENGTH = 300, 2000
#: How far ahead of ours a sender's clock may be.
AHEAD_SECONDS = 24 * 3600
_TRUE = frozenset({"1", "true", "yes"})

Fields = dict[str, str]


def body_of(data: bytes) -> dict[str, Any]:
    """The JSON object that a body is."""
    found = json_of(data)
    if not isinstance(found, dict):
        raise Refused("json")
    return found


def json_of(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Refused("json") from error


def moment(value: Any) -> float:
    """Seconds since 1970 of a number of seconds or milliseconds, or an ISO 8601 time."""
    try:
        if isinstance(value, str):
            found = dt.datetime.fromisoformat(value)
            seconds = (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp()
        else:
            seconds = float(value)
            seconds = seconds / 1000 if seconds > 1e11 else seconds
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise Refused("time") from error
    if not 0 <= seconds <= time.time() + AHEAD_SECONDS:
        raise Refused("time")
    return seconds


def text(value: Any, length: int = TEXT_LENGTH) -> str | None:
    """A text or a number as text; None where it is neither, or empty."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        plain = (value if isinstance(value, str) else str(value)).strip()[:length]
    except ValueError:
        return None  # a number of more digits than Python writes
    return plain.replace("\0", "\ufffd") or None


def is_true(told: Any) -> bool:
    return told is True or text(told) in _TRUE


def number(told: Any) -> Fields:
    number = text(told)
    try:
        good = number is not None and math.isfinite(float(number))
    except ValueError:
        good = False
    return {"value": str(float(number))} if good and number else {}


def revenue(told: Any) -> Fields:
    """Plausible's revenue: an amount, whose currency is a property."""
    if isinstance(told, str):
        try:
            told = json_of(told.encode("utf-8", "replace"))
        except Refused:
            return {}
    return number(told.get("amount")) if isinstance(told, dict) else {}


def properties(told: Any) -> Fields:
    """An object, or a text that is one: up to PROPERTIES of its values that are no objects."""
    if isinstance(told, str):
        try:
            told = json_of(told.encode("utf-8", "replace"))
        except Refused:
            return {}
    if not isinstance(told, dict):
        return {}
    kept: Fields = {}
    for name, value in told.items():
        shown = str(value).lower() if isinstance(value, bool) else text(value, VALUE_LENGTH)
        key = text(name, NAME_LENGTH)
        if shown is not None and key is not None and len(kept) < PROPERTIES:
            kept[key] = shown
    return {"properties": json.dumps(kept, ensure_ascii=False)} if kept else {}
