"""Dotted names of JSON keys as a tree."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def key_tree(paths: Iterable[str]) -> dict[str, Any]:
    """`a.b` and `a.c` as {a: {b: {}, c: {}}}; ValueError if a name is both value and object."""
    tree: dict[str, Any] = {}
    leaves = sorted(set(paths))
    for path in leaves:
        node = tree
        for key in path.split("."):
            node = node.setdefault(key, {})
    for path in leaves:
        if any(other.startswith(path + ".") for other in leaves):
            raise ValueError(f"fields: {path} is named both as a value and as an object")
    return tree
