"""Short ways to describe a format: a server's own directive, a map of JSON keys, "it is W3C", or
another format that it is like.

Each is one key that stands for several of those that a shipped format has. Keys written beside it
take the place of what it stands for; tables of fields and escapes are joined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from parsers.directives_apache import from_apache
from parsers.directives_nginx import from_nginx

Table = Mapping[str, Any]
#: The keys that say what a line looks like, of which a format has one.
WAYS = ("layout", "nginx", "apache", "json", "w3c", "like")


def spell_out(table: Table, shipped: Callable[[str], Table]) -> Table:
    """The table with nothing but the keys of a shipped format; ValueError says what is wrong."""
    ways = [key for key in WAYS if key in table]
    if len(ways) > 1:
        raise ValueError(f"{' and '.join(ways)} can't both say what a line looks like; keep one")
    if not ways or ways == ["layout"]:
        return table
    found = _stands_for(ways[0], table[ways[0]], shipped)
    given = {key: value for key, value in table.items() if key != ways[0]}
    for key in ("fields", "escape"):
        if isinstance(found.get(key), Mapping) and isinstance(given.get(key), Mapping):
            given[key] = {**found[key], **given[key]}
    return {**found, **given}


def _stands_for(way: str, value: object, shipped: Callable[[str], Table]) -> Table:
    if way == "w3c":
        if value is not True:
            raise ValueError(f"w3c can only be true, not {value!r}")
        return shipped("w3c")
    if way == "json":
        if not isinstance(value, Mapping):
            raise ValueError(f"json must be a table of field = key.path, not {value!r}")
        return {"dialect": "json", "fields": value, "missing": ["", "-"]}
    if not isinstance(value, str):
        raise ValueError(f"{way} must be a text, not {value!r}")
    if way == "like":
        return shipped(value)
    return from_nginx(value) if way == "nginx" else from_apache(value)
