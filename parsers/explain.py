"""Why a format that was named reads nothing of a log: its times may be written in another way."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from parsers.layout import compile_layout
from parsers.parse import parse
from parsers.registry import Format
from parsers.times import Clock


def wrong_time(sample: bytes, fmt: Format) -> str | None:
    """A time of the sample, if the format reads nothing of that but would if it took any text
    for a time."""
    if parse(sample, 0, fmt, {}).table.num_rows:
        return None
    seen: list[str] = []

    def read(texts: pl.Series) -> pl.Series:
        seen.extend(texts.head(1))
        return pl.zeros(len(texts), pl.Int64, eager=True)

    clocks = (Clock(".+?", None, read),)
    layouts = tuple(compile_layout(one.text, clocks, fmt.escape) for one in fmt.layouts)
    anytime = replace(fmt, clocks=clocks, layouts=layouts)
    found = parse(sample, 0, anytime, {}, strict=True).table.num_rows
    return seen[0] if found and seen else None
