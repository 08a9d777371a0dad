"""Keyed hashes: who it was, without saying who. One HMAC per distinct value and day.

HMAC-SHA-256 (RFC 2104, FIPS 180-4) under the salt of the site's day, cut to 64 bits. Values are
joined by a NUL, which no address and no header holds, so that no two joins are alike.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.enrich.columns import Coded, combine, distinct, split

#: What a hash is of, as the first part of its message: equal texts of two kinds differ.
VISITOR, ADDRESS, AGENT, VIEWER = b"visitor", b"address", b"agent", b"viewer"


def keyed(
    kind: bytes, days: Coded, salts: Sequence[bytes], *columns: Coded
) -> npt.NDArray[np.uint64]:
    """A hash per row of the columns together; `salts[code]` is the key of a row's (site, day),
    whose `days.values` name the site."""
    sizes = [len(column.values) for column in columns]
    keys = combine((days.codes, len(days.values)), *((c.codes, len(c.values)) for c in columns))
    found, rows = distinct(keys)
    sites = [kind + b"\0" + (value or "").encode() for value in days.values]
    texts = [[b"\0" + (value or "").encode() for value in c.values] for c in columns]
    digest = hmac.digest
    day_codes, *codes = split(found, *sizes)
    if len(columns) == 1:
        first = texts[0]
        parts = [
            digest(salts[d], sites[d] + first[a], "sha256")[:8]
            for d, a in zip(day_codes, codes[0], strict=True)
        ]
    else:
        first, second = texts
        parts = [
            digest(salts[d], sites[d] + first[a] + second[b], "sha256")[:8]
            for d, a, b in zip(day_codes, codes[0], codes[1], strict=True)
        ]
    return np.frombuffer(b"".join(parts), "<u8")[rows]
