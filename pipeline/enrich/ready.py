"""What a log has ready: hashes made on receipt by the collector, and facts that only it is told.

The rows of such a log tell no address. Their hashes are under the salt of the record's day, as
those of any other log of the site: the same visitor has the same hash in both.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.enrich.agents import AgentFacts
from pipeline.enrich.columns import Coded, coded
from pipeline.enrich.lexicon import Lexicon, Numbers

HASHES = ("visitor", "ip_hash", "agent_hash", "viewer_hash")
#: The first column of a log with hashes: all its lines have it.
_MARK = HASHES[0]


def opened(raw: pa.Table) -> pa.Table:
    """The rows as those of any log: what was told was asked for with GET, even where no page
    was told."""
    if _MARK not in raw.column_names:
        return raw
    indices = pa.array(np.zeros(raw.num_rows, np.int32))
    method = pa.DictionaryArray.from_arrays(indices, pa.array(["GET"], pa.string()))
    return raw.set_column(raw.column_names.index("method"), "method", method)


def ready(raw: pa.Table, found: dict[str, Any]) -> dict[str, Any]:
    """Columns of EVENTS as the log has them; where it has nothing, as they were worked out."""
    columns: dict[str, Any] = {}
    for name, (read, kind) in _READERS.items():
        if name in raw.column_names:
            told = _gathered(coded(raw, name), read, kind)
            columns[name] = pc.coalesce(told, pa.array(found[name])) if name in found else told
    return columns


def audience(raw: pa.Table, lexicon: Lexicon, described: dict[str, Numbers]) -> dict[str, Numbers]:
    """What was known of agents that were not kept, in the place of what is known without them."""
    if "agent_facts" not in raw.column_names:
        return {}
    facts = coded(raw, "agent_facts")
    found = lexicon.facts("agent_facts", AgentFacts._fields).columns(
        facts.values, lambda new: [_facts(text) for text in new]
    )
    told = np.array([value is not None for value in facts.values])[facts.codes]
    return {
        name: np.where(told, codes[facts.codes], described[name])
        for name, codes in zip(AgentFacts._fields, found, strict=True)
    }


def _facts(text: str | None) -> AgentFacts:
    return AgentFacts(*json.loads(text)) if text else AgentFacts()


def _gathered(column: Coded, read: Callable[[str], Any], kind: pa.DataType) -> pa.Array:
    values = pa.array([None if text is None else read(text) for text in column.values], kind)
    codes: npt.NDArray[Any] = column.codes
    return values.take(pa.array(codes))


def _hash(text: str) -> int | None:
    """The hash of 16 hexadecimal digits; anything else is none."""
    try:
        return int.from_bytes(bytes.fromhex(text), "little") if len(text) == 16 else None
    except ValueError:
        return None


def _truth(text: str) -> bool:
    return text == "true"


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


_READERS: dict[str, tuple[Callable[[str], Any], pa.DataType]] = {
    **dict.fromkeys(HASHES, (_hash, pa.uint64())),
    "signed_in": (_truth, pa.bool_()),
    "value": (_number, pa.float64()),
}
