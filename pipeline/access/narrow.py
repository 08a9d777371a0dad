"""Filters that a share link has, whatever is asked by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.question import parse_filter

_WORDS = {"==": "is", "!=": "is_not", "~": "matches"}


def as_filter(texts: Sequence[str]) -> list[Any] | None:
    """One filter, as a question in JSON has it, of those that were written as text."""
    found = [parse_filter(text) for text in texts]
    terms: list[Any] = [[_WORDS[one.operator], one.dimension, [str(one.value)]] for one in found]
    return ["and", terms] if terms else None


def both(one: list[Any] | None, other: list[Any] | None) -> list[Any] | None:
    """What fits both filters."""
    if one is None or other is None:
        return one or other
    return ["and", [one, other]]
