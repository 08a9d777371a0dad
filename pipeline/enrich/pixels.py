"""Requests for a pixel, as what they describe: a view of a page, or a custom event.

Such a request says in its query what the log of the page itself could have said, and more. Its
row of RAW is made into that of the page, so that all that follows goes as for any other record;
columns beyond RAW hold what only a pixel tells. docs/definitions.md says what parameters mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple
from urllib.parse import unquote_plus

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.enrich.columns import Codes, coded, combine, distinct, split
from pipeline.enrich.urls import host_name

PAGE, REFERRER, TITLE, EVENT, SITE = SHORT = ("p", "r", "t", "e", "s")
#: What is kept as it is told, under its own name.
PLAIN = (
    *("content_type", "content_id", "view_type", "view_source"),
    *("signed_in", "screen", "language", "value"),
)
#: Parameters that are no properties of an event; nor are those of a campaign.
PARAMETERS = frozenset({*SHORT, *PLAIN, "site", "viewer", "owner", "w", "l", "h", "o"})
CAMPAIGN = "utm_"
#: Longest title and longest name of an event kept.
TEXT_LENGTH = 255
#: Properties kept of an event.
PROPERTIES = 30

_WEB = re.compile(r"https?://([^/?#\\]+)", re.IGNORECASE)
_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_NOTHING = -1
Longs = npt.NDArray[np.int64]


class Seen(NamedTuple):
    """What a request for a pixel describes, as columns of RAW and beyond."""

    url: str | None
    host: str | None
    referrer: str | None
    kind: str
    site: str | None
    title: str | None
    event: str | None
    properties: str | None
    content_type: str | None = None
    content_id: str | None = None
    view_type: str | None = None
    view_source: str | None = None
    signed_in: str | None = None
    screen: str | None = None
    language: str | None = None
    value: str | None = None
    origin: str = "pixel"


@dataclass(frozen=True, slots=True)
class Pixels:
    """The paths of pixels, as they are asked for."""

    paths: tuple[str, ...] = ()

    def described(self, raw: pa.Table) -> pa.Table:
        """The rows, of which those of pixels are made into what they describe. One that describes
        nothing stays what it is, and in the columns that only pixels fill others have nothing."""
        rows = self._rows(raw)
        if not len(rows):
            return raw
        urls, headers = coded(raw, "url"), coded(raw, "referrer")
        size = len(headers.values)
        pairs, codes = distinct(combine((urls.codes[rows], 0), (headers.codes[rows], size)))
        seen = [
            describe(urls.values[url] or "", headers.values[header])
            for url, header in zip(*split(pairs, size), strict=True)
        ]
        telling = np.array([facts is not None for facts in seen])
        kept = telling[codes]
        rows, codes = rows[kept], (np.cumsum(telling) - 1)[codes[kept]]
        columns = zip(*(facts for facts in seen if facts), strict=True)
        for name, texts in zip(Seen._fields, columns, strict=False):
            if name not in raw.column_names and not any(texts):
                continue
            raw = _filled(raw, name, rows, codes, texts)
        return raw

    def _rows(self, raw: pa.Table) -> Longs:
        """The numbers of the rows that ask for a pixel."""
        if not self.paths:
            return np.zeros(0, np.int64)
        paths = "|".join(map(re.escape, self.paths))
        pattern = rf"^(?:(?i:https?)://[^/?#]*)?(?:{paths})(?:[?#]|$)"
        chunks = [
            pc.match_substring_regex(chunk.dictionary, pattern).take(chunk.indices).fill_null(False)
            for chunk in raw.column("url").chunks
        ]
        return np.flatnonzero(pa.chunked_array(chunks, pa.bool_()))


def describe(url: str, header: str | None) -> Seen | None:
    """What the request for this pixel describes; `header` is the Referer it came with. None
    where it names neither a page nor an event."""
    query = url.partition("?")[2].partition("#")[0]
    return described(parameters(query), query, header)


def described(told: Mapping[str, str], query: str, header: str | None) -> Seen | None:
    """The same of the parameters of the query."""
    page, event = _page(told.get(PAGE)) or _web(header), told.get(EVENT)
    if page is None and event is None:
        return None
    on = _WEB.match(page or "") or _WEB.match(header or "")
    return Seen(
        url=_with_campaign(page, query),
        host=host_name(on[1]) if on else None,
        referrer=told.get(REFERRER),
        kind="event" if event else "page",
        site=told.get("site") or told.get(SITE),
        title=_short(told.get(TITLE)),
        event=_short(event),
        properties=_properties(told) if event else None,
    )._replace(**{name: told[name][:TEXT_LENGTH] for name in PLAIN if name in told})


def parameters(query: str) -> dict[str, str]:
    """Decoded; of a parameter given twice the first counts, and one that is empty is missing."""
    found: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        found.setdefault(_decoded(name), _decoded(value).strip())
    return {name: value for name, value in found.items() if value}


def _decoded(text: str) -> str:
    return unquote_plus(text) if "%" in text else text.replace("+", " ")


def _page(told: str | None) -> str | None:
    """An address on the web, or a path; other addresses (file:, about:) are no pages."""
    if told is None or _WEB.match(told):
        return told
    if _ELSEWHERE.match(told):
        return None
    return told if told.startswith("/") else f"/{told}"


def _web(header: str | None) -> str | None:
    return header if header and _WEB.match(header) else None


def _with_campaign(page: str | None, query: str) -> str | None:
    """The page with the campaign of the pixel's own query, unless it has one."""
    if page is None or CAMPAIGN not in query:
        return page
    target = page.partition("#")[0]
    if CAMPAIGN in target.partition("?")[2]:
        return target
    pairs = "&".join(pair for pair in query.split("&") if pair.startswith(CAMPAIGN))
    return f"{target}{'&' if '?' in target else '?'}{pairs}"


def _properties(told: Mapping[str, str]) -> str | None:
    """As a JSON object of texts."""
    kept = {k: v for k, v in told.items() if k not in PARAMETERS and not k.startswith(CAMPAIGN)}
    first = dict(islice(kept.items(), PROPERTIES))
    return json.dumps(first, ensure_ascii=False) if first else None


def _short(text: str | None) -> str | None:
    return text[:TEXT_LENGTH] if text else None


def _filled(
    raw: pa.Table,
    name: str,
    rows: Longs,
    codes: Codes,
    texts: Sequence[str | None],
) -> pa.Table:
    """The table with `texts[codes[i]]` in row `rows[i]` of the column `name`."""
    column = coded(raw, name)
    values = [*column.values[:-1], *dict.fromkeys(text for text in texts if text is not None)]
    places = {text: place for place, text in enumerate(values)}
    old = len(column.values) - 1
    filled = np.where(column.codes == old, _NOTHING, column.codes).astype(np.int32)
    new = np.array([_NOTHING if text is None else places[text] for text in texts], np.int32)[codes]
    # The log's own host is better than none.
    filled[rows] = np.where(new == _NOTHING, filled[rows], new) if name == "host" else new
    indices = pa.array(filled, mask=filled == _NOTHING)
    array = pa.DictionaryArray.from_arrays(indices, pa.array(values, pa.string()))
    if name not in raw.column_names:
        return raw.append_column(name, array)
    return raw.set_column(raw.column_names.index(name), name, array)
