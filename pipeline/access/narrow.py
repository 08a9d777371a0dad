"""Filters that a share link has, whatever is asked by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.filter_words import as_json, parse_text


def as_filter(texts: Sequence[str]) -> list[Any] | None:
    """One filter, as a question in JSON has it, of those that were written as text."""
    return as_json(map(parse_text, texts))


def both(one: list[Any] | None, other: list[Any] | None) -> list[Any] | None:
    """What fits both filters."""
    if one is None or other is None:
        return one or other
    return ["and", [one, other]]
