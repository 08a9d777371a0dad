"""What a request target says, and the class of the record that asked for it."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from urllib.parse import unquote, unquote_plus

from tests.reference.addresses import without_addresses

RULES = Path(__file__).parents[2] / "pipeline" / "enrich" / "rules"
UTM = ("utm_source", "utm_medium", "utm_campaign")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@cache
def rules(name: str) -> dict[str, list[dict[str, object]]]:
    """The rows of one rule file."""
    return tomllib.loads((RULES / f"{name}.toml").read_text("utf-8"))


def split_url(url: str) -> tuple[str | None, str, str]:
    """(host, path, query) of a request target; its fragment is dropped."""
    host = None
    rest = url.split("#")[0]
    scheme = SCHEME.match(rest)
    if scheme:
        rest = rest[scheme.end() :]
        cut = min([i for i in (rest.find("/"), rest.find("?")) if i >= 0] or [len(rest)])
        host, rest = bare_host(rest[:cut]), rest[cut:]
        if not rest.startswith("/"):
            rest = "/" + rest
    path, _, query = rest.partition("?")
    return host, path, query


def bare_host(authority: str) -> str | None:
    """Lower case, without user, port, brackets and last dot."""
    host = authority.rpartition("@")[2]
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    return host.lower().rstrip(".") or None


def page_of(path: str) -> str:
    """The path as it was asked for, but for addresses in it."""
    return without_addresses(path)


def campaign(query: str) -> dict[str, str | None]:
    """The campaign's parameters: the first of a name counts, an empty one is missing."""
    found: dict[str, str | None] = dict.fromkeys(UTM)
    seen = set()
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name in found and name not in seen:
            seen.add(name)
            plain = unquote_plus(value).strip()
            found[name] = without_addresses(plain) or None
    return found


def kind_of_path(path: str) -> str | None:
    """The kind of the first row that fits."""
    plain = unquote(path).lower()
    for row in rules("paths")["path"]:
        if _fits(row, plain):
            return str(row["kind"])
    return None


def _fits(row: dict[str, object], path: str) -> bool:
    last_part = path.split("/")[-1].split(";")[0]
    extension = last_part.split(".")[-1] if "." in last_part else None
    tests = {
        "exact": lambda text: path == text,
        "prefixes": path.startswith,
        "suffixes": path.endswith,
        "contains": lambda text: text in path,
        "patterns": lambda text: re.search(text, path) is not None,
        "extensions": lambda text: extension == text,
    }
    return any(test(text) for key, test in tests.items() for text in _list(row.get(key, [])))


def _list(value: object) -> list[str]:
    assert isinstance(value, list)
    return value


def kind_of_mime(mime: str | None) -> str | None:
    """What the content type says, if it is known."""
    plain = (mime or "").partition(";")[0].strip().lower()
    for row in rules("paths")["mime"]:
        for known in _list(row["types"]):
            if plain == known or (known.endswith("/") and plain.startswith(known)):
                return str(row["kind"])
    return None


def class_of(url: str | None, method: str | None, status: int, mime: str | None) -> str:
    """The first line of the table in docs/definitions.md that fits."""
    if url is None or method is None:
        return "error"
    kind = kind_of_path(split_url(url)[1]) or kind_of_mime(mime) or "page"
    if kind == "probe":
        return "probe"
    if status >= 400 or status == 0:
        return "error"
    if 300 <= status <= 399 and status != 304:
        return "redirect"
    if status < 200:
        return "other"
    if kind in ("api", "feed", "asset", "download", "other"):
        return kind
    return "page" if method == "GET" else "other"
