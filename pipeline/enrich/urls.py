"""What a request target says: host, page, query, campaign, and the kind of thing asked for."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote, unquote_plus

import numpy as np
import polars as pl

from pipeline.enrich import rulebook
from pipeline.enrich.redact import MARK, SIGN, is_address, redact

#: Longest value kept of a campaign parameter.
UTM_LENGTH = 255
_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
#: As `_extension` finds it.
_EXTENSION = r"(?:^|/)[^/;]*\.([^./;]*)(?:;[^/]*)?$"
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")


class UrlFacts(NamedTuple):
    """`kind` is None where no rule fits: then the content type has a say, else it is a page."""

    host: str | None
    page: str | None
    query: str | None
    kind: str | None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """Neighbouring rows of one kind, merged: among themselves their order cannot matter."""

    kind: str
    exact: frozenset[str]
    extensions: frozenset[str]
    prefixes: tuple[str, ...]
    suffixes: tuple[str, ...]
    pattern: re.Pattern[str] | None

    def fits(self, path: str, extension: str) -> bool:
        return (
            extension in self.extensions
            or path in self.exact
            or path.startswith(self.prefixes)
            or path.endswith(self.suffixes)
            or (self.pattern is not None and self.pattern.search(path) is not None)
        )


class Paths:
    """The rules of rules/paths.toml, made ready once."""

    __slots__ = ("_exact", "_extensions", "_mimes", "_odd", "_steps")

    def __init__(self) -> None:
        rows = rulebook.read("paths")
        self._steps = _steps(rows["path"])
        self._exact = _first(self._steps, lambda step: step.exact)
        self._extensions = _first(self._steps, lambda step: step.extensions)
        self._odd = "(?i)^[^/]|^$|%|" + "|".join(_searched(self._steps))
        self._mimes = {mime: row["kind"] for row in rows["mime"] for mime in row["types"]}

    def describe_all(self, urls: pl.Series) -> list[pl.Series]:
        """The facts of many targets, a column for each field. Nearly all are told by their
        extension or exact path alone, and these column by column; the others one by one."""
        path, query = urls.str.splitn("?", 2).struct.unnest().get_columns()
        odd = path.str.contains(self._odd) | urls.str.contains("#", literal=True)
        alone = odd | urls.str.contains(SIGN) | query.str.contains("utm").fill_null(False)
        rows = alone.fill_null(True).arg_true()
        facts = [
            self.describe(url) if url is None or strange else self._describe_plain(url)
            for url, strange in zip(urls.gather(rows), odd.gather(rows), strict=True)
        ]
        told = {"page": path, "query": query.set(query == "", None), "kind": self._kinds(path)}
        columns = []
        for name, values in zip(UrlFacts._fields, _columns(facts), strict=True):
            column = told[name] if name in told else _nothing(len(urls))
            columns.append(column.scatter(rows, pl.Series(values, dtype=pl.String)))
        return columns

    def _kinds(self, paths: pl.Series) -> pl.Series:
        """The kinds of paths of which only the extension, or the whole, can say something."""
        low = paths.str.to_lowercase()
        extensions = low.str.extract(_EXTENSION, 1)
        ranks = [
            values.replace_strict(list(known), [rank for rank, _ in known.values()], default=None)
            .fill_null(len(self._steps))
            .to_numpy()
            for values, known in ((extensions, self._extensions), (low, self._exact))
        ]
        kinds = pl.Series([*(step.kind for step in self._steps), None], dtype=pl.String)
        return kinds.gather(np.minimum(*ranks))

    def _describe_plain(self, url: str) -> UrlFacts:
        path, _, query = url.partition("?")
        low = path.lower()
        extension = self._extensions.get(_extension(low)) if "." in low else None
        found = min(extension or _NEVER, self._exact.get(low, _NEVER))
        page = redact(path)
        if not query:
            return UrlFacts(None, page, None, found[1])
        return UrlFacts(None, page, redact(query), found[1], *_campaign(query))

    def describe(self, url: str | None) -> UrlFacts:
        """The facts of one request target; all None for a record without one."""
        if url is None:
            return UrlFacts(None, None, None, None)
        host, target = _split_host(url)
        path, _, query = target.partition("#")[0].partition("?")
        page = redact(path) or "/"
        kind = self.kind(path)
        if not query:
            return UrlFacts(host, page, None, kind)
        return UrlFacts(host, page, redact(query), kind, *_campaign(query))

    def kind(self, path: str) -> str | None:
        """The kind of the first row that fits a path as sent; None where no row fits."""
        plain = (unquote(path) if "%" in path else path).lower()
        extension = _extension(plain)
        for step in self._steps:
            if step.fits(plain, extension):
                return step.kind
        return None

    def mime_kind(self, mime: str | None) -> str | None:
        """The kind of a content type; None where it says nothing."""
        name = (mime or "").partition(";")[0].strip().lower()
        return self._mimes.get(name) or self._mimes.get(name.partition("/")[0] + "/")


def host_name(authority: str) -> str | None:
    """The host of an authority: lower case, without user, port, brackets and last dot."""
    host = authority.rpartition("@")[2].lower()
    if host.startswith("["):
        host, closed, _ = host[1:].partition("]")
        host = host if closed else ""
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    return host.rstrip(".") or None


def _split_host(url: str) -> tuple[str | None, str]:
    match = _ABSOLUTE.match(url) if url[:1] != "/" else None
    if match is None:
        return None, url
    host = host_name(match[1])
    return MARK if host and is_address(host) else host, url[match.end() :]


def _extension(path: str) -> str:
    last = path[path.rfind("/") + 1 :].partition(";")[0]
    dot = last.rfind(".")
    return last[dot + 1 :] if dot >= 0 else ""


def _columns(facts: Sequence[UrlFacts]) -> Iterable[Sequence[str | None]]:
    return zip(*facts, strict=True) if facts else [()] * len(UrlFacts._fields)


def _nothing(count: int) -> pl.Series:
    return pl.Series([None], dtype=pl.String).new_from_index(0, count)


def _campaign(query: str) -> Iterable[str | None]:
    """The utm values; of a parameter given twice the first counts, and empty is missing."""
    if "utm" not in query:
        return ()
    values: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        values.setdefault(unquote_plus(name), value)
    return [_value(values.get(name)) for name in _UTM]


def _value(raw: str | None) -> str | None:
    return redact(unquote_plus(raw).strip())[:UTM_LENGTH] or None if raw else None


def _steps(rows: list[Mapping[str, Any]]) -> tuple[_Step, ...]:
    runs: list[list[Mapping[str, Any]]] = []
    for row in rows:
        if runs and runs[-1][0]["kind"] == row["kind"]:
            runs[-1].append(row)
        else:
            runs.append([row])
    return tuple(_step(run) for run in runs)


#: The number of a step, and its kind.
_Rank = tuple[int, str | None]
_NEVER: _Rank = (sys.maxsize, None)


def _first(steps: Iterable[_Step], values: Callable[[_Step], Iterable[str]]) -> dict[str, _Rank]:
    """Which step comes first for a value."""
    found: dict[str, _Rank] = {}
    for rank, step in enumerate(steps):
        for value in values(step):
            found.setdefault(value, (rank, step.kind))
    return found


def _searched(steps: Iterable[_Step]) -> Iterable[str]:
    """What finds a path in which more than its extension or the whole of it can fit a step."""
    for step in steps:
        yield from (f"^{re.escape(text)}" for text in step.prefixes)
        yield from (f"{re.escape(text)}$" for text in step.suffixes)
        if step.pattern is not None:
            yield step.pattern.pattern


def _step(run: list[Mapping[str, Any]]) -> _Step:
    def all_of(key: str) -> list[str]:
        return [value for row in run for value in row.get(key, ())]

    searched = [re.escape(text) for text in all_of("contains")] + all_of("patterns")
    return _Step(
        kind=run[0]["kind"],
        exact=frozenset(all_of("exact")),
        extensions=frozenset(all_of("extensions")),
        prefixes=tuple(all_of("prefixes")),
        suffixes=tuple(all_of("suffixes")),
        pattern=re.compile("|".join(searched)) if searched else None,
    )
