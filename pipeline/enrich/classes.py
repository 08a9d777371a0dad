"""The class of a record, from its kind, method and status: see docs/definitions.md."""

from __future__ import annotations

#: Kinds of path or content that are classes of their own, whatever the method.
_OWN_CLASS = frozenset({"api", "feed", "asset", "download", "other"})


def classify(kind: str | None, method: str | None, status: int | None) -> str:
    """The first rule that fits decides. A missing status counts as 0."""
    code = status or 0
    if method is None:
        return "error"
    if kind == "probe":
        return "probe"
    if code >= 400 or code <= 0:
        return "error"
    if code >= 300 and code != 304:
        return "redirect"
    if code < 200:
        return "other"
    if kind in _OWN_CLASS:
        return str(kind)
    if method != "GET":
        return "other"
    return "event" if kind == "event" else "page"
