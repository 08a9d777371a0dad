"""Names of JSON values: keys joined by dots, where one that holds dots itself stands in quotes.

`request.method` is the method in the object request, `"id.orig_h"` a key with a dot in it.
"""

from __future__ import annotations

import re

KEY = re.compile(r'"([^"]+)"|([^."]+)')
PATH = re.compile(rf"(?:{KEY.pattern})(?:\.(?:{KEY.pattern}))*")


def keys_of(path: str) -> tuple[str, ...]:
    """The keys that lead to a value, the outermost first; ValueError if it is no such name."""
    keys = tuple(quoted or bare for quoted, bare in KEY.findall(path))
    # DuckDB takes a lone star for every key there is.
    if not PATH.fullmatch(path) or "*" in keys:
        raise ValueError(
            f"fields: {path!r} is no name of a JSON value; write keys joined by dots,"
            ' and a key that holds dots in quotes: request."user.name"'
        )
    return keys
