"""What `tallylog formats --detect` says of a log: its format, why, and its first lines parsed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from parsers.detect import Detection, detect
from parsers.follow import others_of
from parsers.parse import parse
from parsers.raw import UNTOLD
from parsers.registry import Format
from pipeline.errors import SourceError
from pipeline.reading import SAMPLE_BYTES
from pipeline.sources import blocks, opened

#: Candidates and lines that are shown.
CANDIDATES = 5
LINES = 5
LONGEST_SHOWN = 300


def recognise(path: str, formats: Mapping[str, Format]) -> dict[str, Any]:
    """The format of the file, or None, with the confidence, the reasons, the nearest candidates
    and the first lines with their values.

    Raises `SourceError` if the file can't be read, or is empty.
    """
    sample = _sample(path)
    found = detect(sample, formats)
    names = ("name", "lines", "share", "told", "line", "reason")
    nearest = [one for one in found.candidates[:CANDIDATES] if one.lines]
    candidates = [{name: getattr(one, name) for name in names} for one in nearest]
    return {
        "path": path,
        "format": found.name,
        "title": found.format.title if found.format else None,
        "confidence": round(found.confidence, 3),
        "reasons": list(found.reasons),
        "others": dict(found.others),
        "candidates": candidates,
        "first_lines": _first_lines(sample, found, formats),
    }


def _sample(path: str) -> bytes:
    sample = b""
    with opened(path) as file:
        try:
            for block in blocks(file, path, SAMPLE_BYTES, lambda _: None):
                sample += block
                if len(sample) >= SAMPLE_BYTES:
                    break
        except SourceError:
            if not sample:
                raise
    if not sample:
        raise SourceError("The file is empty.", path, "name a file that holds lines")
    return sample[:SAMPLE_BYTES]


def _first_lines(
    sample: bytes, found: Detection, formats: Mapping[str, Format]
) -> list[dict[str, Any]]:
    """Each with its text and its values, or with the reason why it has none."""
    if found.format is None:
        return []
    head = sample[: sample.rfind(b"\n") + 1] or sample
    parsed = parse(head, 0, found.format, {}, others=others_of(formats.values()))
    rows = {
        row["offset"]: {"values": _values(row)} for row in parsed.table.slice(0, LINES).to_pylist()
    }
    rows |= {
        row["offset"]: {"reason": row["reason"]}
        for row in parsed.rejects.slice(0, LINES).to_pylist()
    }
    return [{"text": _text(head, offset), **rows[offset]} for offset in sorted(rows)[:LINES]]


def _text(head: bytes, offset: int) -> str:
    return head[offset:].split(b"\n", 1)[0][:LONGEST_SHOWN].decode("utf-8", "replace")


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {n: value for n, value in row.items() if n != "offset" and value not in (None, UNTOLD)}
    # The log may tell of years that Python has none of.
    return {**kept, "time": f"{np.datetime64(row['time'], 'ms')}Z"}
