"""The formats: one TOML file each in formats/, and those of the configuration.

A format says how to cut a line (a layout, or for JSON and W3C a map of field names), how its
times are written, how its values are escaped and which texts mean "missing". Adding one needs
no Python.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib import resources
from typing import Any

from parsers.keys import keys_of
from parsers.layout import Layout, compile_layout
from parsers.pasted import spell_out
from parsers.times import Clock, clock
from parsers.tokens import FIELDS, check_frame
from parsers.values import ESCAPES
from parsers.wrappers import Wrapper

#: key -> what it means. These are the keys of a format's TOML, shipped or in the configuration.
KEYS: dict[str, str] = {
    "title": "What it is, for people.",
    "dialect": "text (a layout), json (an object a line), w3c (#Fields), ltsv or logfmt.",
    "layout": "The line: $field or ${field}, $$ for a dollar sign, and other text (dialect text).",
    "nginx": "Instead of layout or fields: a log_format of nginx, with or without its escape=.",
    "apache": "Likewise a LogFormat of Apache, or a format of lighttpd or varnishncsa.",
    "json": "Likewise field -> key.path, in a log of one JSON object a line.",
    "w3c": "Likewise true, for a log with #Fields.",
    "like": "Likewise the name of a shipped format; keys beside it take the place of its own.",
    "fields": "Field -> names it may have in the log, the best first (not of dialect text).",
    "time": "Ways the time may be written: clf, iso8601, epoch, or strptime letters.",
    "zone": "Time zone (Europe/Berlin) of times that are written without one; else they are UTC.",
    "escape": "Field -> how its value is escaped; one word for all of them.",
    "missing": "Texts that mean that there is no value.",
    "columns": "W3C only: names of the columns where the log has no #Fields, blanks between them.",
    "records": "JSON only: key of an array of records in a line; empty for an array alone.",
    "marks": "Names of which each line has one, and none of another format (not of text and w3c).",
    "visitor": "JSON only: name -> its values where a visitor asked, not a part of the CDN.",
    "covers": "Formats whose lines it reads too; one that reads as many is preferred.",
    "sample": "A line of it, to be known by.",
    "variant": "W3C only: what differs in files that have a certain field.",
}
VARIANT_KEYS: dict[str, str] = {
    "when": "Name of the W3C field that such files have.",
    "fields": "Entries that replace those of the format.",
    "escape": "Entries that replace those of the format.",
}
DIALECTS = ("text", "json", "w3c", "ltsv", "logfmt")


@dataclass(frozen=True, slots=True)
class Variant:
    """What differs in files of a W3C format that have the field `when`."""

    when: str
    fields: Mapping[str, tuple[str, ...]]
    escape: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Format:
    """Everything a parser needs to know about a format."""

    name: str
    title: str
    dialect: str
    layouts: tuple[Layout, ...]
    fields: Mapping[str, tuple[str, ...]]
    times: tuple[str, ...]
    clocks: tuple[Clock, ...]
    escape: Mapping[str, str]
    missing: frozenset[str]
    variants: tuple[Variant, ...]
    columns: tuple[str, ...]
    records: str | None
    visitor: Mapping[str, tuple[str, ...]]
    marks: tuple[str, ...]
    covers: frozenset[str]
    sample: str
    #: Marks of other formats; only a format without marks has them.
    foreign: tuple[str, ...] = ()
    wrappers: tuple[Wrapper, ...] = ()

    def escape_of(self, field: str) -> str:
        return self.escape.get(field, self.escape.get("*", "none"))


def load_formats(extra: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Format]:
    """The shipped formats and `extra` ones by name; an extra one may replace a shipped one."""
    tables = {name: _shipped(name) for name in shipped_names()} | dict(extra or {})
    formats = {name: make_format(name, table) for name, table in tables.items()}
    objects = [fmt for fmt in formats.values() if fmt.dialect == "json"]
    foreign = tuple(sorted({mark for fmt in objects for mark in fmt.marks}))
    return {
        name: fmt if fmt.marks or fmt.dialect != "json" else replace(fmt, foreign=foreign)
        for name, fmt in formats.items()
    }


def shipped_names() -> list[str]:
    """The names of all formats but those of a configuration."""
    entries = sorted(resources.files("parsers").joinpath("formats").iterdir(), key=str)
    return [one.name.removesuffix(".toml") for one in entries if one.name.endswith(".toml")]


def _shipped(name: str) -> Mapping[str, Any]:
    known = shipped_names()
    if name not in known:
        near = get_close_matches(name, known, n=3, cutoff=0)
        raise ValueError(f"no format {name!r} is shipped; did you mean {', '.join(near)}?")
    source = resources.files("parsers").joinpath("formats", f"{name}.toml")
    return tomllib.loads(source.read_text("utf-8"))


def make_format(name: str, table: Mapping[str, Any]) -> Format:
    """The format a TOML table describes; ValueError says what is wrong and how to put it right."""
    try:
        return _make(name, table)
    except ValueError as error:
        raise ValueError(f"format {name}: {error}") from error


def _make(name: str, table: Mapping[str, Any]) -> Format:
    _refuse_unknown(table, KEYS)
    table = spell_out(table, _shipped)
    dialect = _dialect(table)
    times, zone = _words(table, "time", ["clf", "iso8601", "epoch"]), _text(table, "zone", "UTC")
    clocks = tuple(clock(text, zone) for text in times)
    escape = _escape(table)
    texts = _words(table, "layout", ()) if dialect == "text" else ()
    fields = _fields(table) if dialect != "text" else {}
    if dialect != "text":
        check_frame([field for field, names in fields.items() if names], "fields")
    if dialect == "json":
        for names in fields.values():
            list(map(keys_of, names))
    return Format(
        name=name,
        title=_text(table, "title", name),
        dialect=dialect,
        layouts=tuple(compile_layout(text, clocks, escape) for text in texts),
        fields=fields,
        times=times,
        clocks=clocks,
        escape=escape,
        missing=frozenset(_words(table, "missing", ["-"])),
        variants=tuple(_variant(entry) for entry in table.get("variant", ())),
        columns=tuple(_text(table, "columns", "").split()),
        records=_text(table, "records") if "records" in table else None,
        visitor=_table_of_words(table, "visitor"),
        marks=_words(table, "marks", ()) if "marks" in table else (),
        covers=frozenset(_words(table, "covers", ()) if "covers" in table else ()),
        sample=_text(table, "sample", ""),
    )


def _dialect(table: Mapping[str, Any]) -> str:
    dialect = _text(table, "dialect", "text" if "layout" in table else "json")
    if dialect not in DIALECTS:
        raise ValueError(f"dialect is {dialect!r}; it must be one of {', '.join(DIALECTS)}")
    wrong, right = ("fields", "layout") if dialect == "text" else ("layout", "fields")
    if wrong in table or right not in table:
        raise ValueError(f"dialect {dialect} needs the key {right} and not {wrong}")
    return dialect


def _variant(table: Mapping[str, Any]) -> Variant:
    _refuse_unknown(table, VARIANT_KEYS)
    return Variant(_text(table, "when"), _fields(table), _escape(table))


def _refuse_unknown(table: Mapping[str, Any], known: Mapping[str, str]) -> None:
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, n=1, cutoff=0)
            raise ValueError(f"unknown key {key!r}; did you mean {near[0]!r}?")


def _text(table: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise ValueError(f"{key} must be a text" + (", not " + repr(value) if value else ""))
    return value


def _words(table: Mapping[str, Any], key: str, default: Sequence[str]) -> tuple[str, ...]:
    value = table.get(key, default)
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, Sequence) or not words or any(not isinstance(w, str) for w in words):
        raise ValueError(f"{key} must be a text or a list of texts, not {value!r}")
    return tuple(words)


def _fields(table: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    entries = table.get("fields", {})
    if not isinstance(entries, Mapping):
        raise ValueError(f"fields must be a table of field = names, not {entries!r}")
    for name in entries:
        if name not in FIELDS:
            near = get_close_matches(name, sorted(FIELDS), n=3) or sorted(FIELDS)
            raise ValueError(f"fields: unknown field {name!r}; did you mean {', '.join(near)}?")
    # No name at all takes the field away, which is of use in a variant.
    return {name: _words(entries, name, ()) if entries[name] else () for name in entries}


def _table_of_words(table: Mapping[str, Any], key: str) -> dict[str, tuple[str, ...]]:
    entries = table.get(key, {})
    if not isinstance(entries, Mapping):
        raise ValueError(f"{key} must be a table of name = texts, not {entries!r}")
    return {name: _words(entries, name, ()) for name in entries if keys_of(name)}


def _escape(table: Mapping[str, Any]) -> dict[str, str]:
    value = table.get("escape", {})
    entries = {"*": value} if isinstance(value, str) else dict(value)
    for field, scheme in entries.items():
        if field != "*" and field not in FIELDS:
            raise ValueError(f"escape: unknown field {field!r}")
        if scheme not in ESCAPES:
            raise ValueError(f"escape: {scheme!r} is not one of {', '.join(ESCAPES)}")
    return entries
