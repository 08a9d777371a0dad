"""What a JSON value is as text, whichever engine found it.

A number stands for its digits, an array for its first element; an object is no value.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl

#: Numbers that are their own digits. A float that ends in a zero is a whole number.
DIGITS = r"^-?[0-9]+(?:\.[0-9]*[1-9])?$"


def load(text: str) -> Any:
    """The value of a JSON text, of two equal keys the first; ValueError or RecursionError."""
    return json.loads(text, strict=False, parse_int=_digits, object_pairs_hook=_first_wins)


def _digits(text: str) -> str:
    return "0" if text == "-0" else text


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


def as_text(value: Any) -> str | None:
    """A loaded value as text."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(np.format_float_positional(value, trim="-"))
    if isinstance(value, str):
        return value.encode("utf-8", errors="replace").decode() if _halves(value) else value
    return None


def _halves(text: str) -> bool:
    """Whether half a pair of surrogates is in it, which UTF-8 can't hold."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def as_texts(values: pl.Series) -> pl.Series:
    """Distinct JSON texts, or null, each as `as_text` has its value."""
    if values.null_count() == len(values):
        return values
    whole = values.str.starts_with('"') & ~values.str.contains("\\", literal=True)
    easy = (whole | values.str.contains(DIGITS)).fill_null(True)
    texts = values.str.strip_prefix('"').str.strip_suffix('"')
    if easy.all():
        return texts
    odd = (~easy).arg_true()
    found = [as_text(load(text)) for text in values.gather(odd).to_list()]
    return texts.scatter(odd, pl.Series(found, dtype=pl.String))
