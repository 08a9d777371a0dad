"""Reads config.toml and says everything that is wrong with it at once: what, in which line, and
how to mend it. Unknown keys are refused with the nearest known one."""

from __future__ import annotations

import difflib
import re
import tomllib
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from pipeline.config import Config
from pipeline.errors import ConfigError, TallylogError

#: A place in the file: keys and positions in arrays, such as ("source", 0, "paths").
Location = tuple[str | int, ...]
#: Where, what is wrong, and how to mend it.
Problem = tuple[Location, str, str]

_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\"' -]+?)\s*\]\]?")
_KEY = re.compile(r"\s*([\w-]+|\"[^\"]+\"|'[^']+')\s*[=.]")


def load(path: Path | None = None, data: Path | None = None) -> Config:
    """The configuration in `path`, or in ./config.toml, or the defaults where there is none.
    `data` overrides the folder of the store."""
    if path is None and Path("config.toml").is_file():
        path = Path("config.toml")
    config = _read(path) if path else Config()
    if data is None:
        return config
    return config.model_copy(update={"store": config.store.model_copy(update={"data": data})})


def _read(path: Path) -> Config:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fix = "give the path of a readable UTF-8 file with --config"
        raise ConfigError([TallylogError(f"can't read the configuration: {error}", "", fix)]) from (
            error
        )
    return parse(text, path)


def parse(text: str, path: Path) -> Config:
    """`path` gives the messages a name and relative paths their folder."""
    try:
        table = tomllib.loads(text)
        config = Config.model_validate(table, context={"base": path.parent})
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([TallylogError(f"not valid TOML: {error}", str(path))]) from error
    except ValidationError as error:
        raise _refusal(text, path, _problems(error)) from error
    if contradictions := list(_contradictions(config)):
        raise _refusal(text, path, contradictions)
    return config


def _refusal(text: str, path: Path, problems: Iterable[Problem]) -> ConfigError:
    lines = _line_numbers(text)
    numbered = sorted((_nearest_line(lines, at), what, fix) for at, what, fix in problems)
    return ConfigError(
        [TallylogError(what, f"{path}, line {line}", fix) for line, what, fix in numbered]
    )


def _problems(error: ValidationError) -> Iterator[Problem]:
    seen = set()
    for detail in error.errors(include_url=False):
        location = _known(detail)
        if location not in seen:
            seen.add(location)
            yield location, *_explain(location, detail)


def _line_numbers(text: str) -> dict[Location, int]:
    """The line in which each key and table first stands. Strings over several lines are not
    looked through, so a line number is a help, not a proof."""
    numbers: dict[Location, int] = {}
    counts: dict[Location, int] = {}
    table: Location = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _table_location(header[2], header[1] == "[[", counts)
            numbers.setdefault(table, number)
        elif key := _KEY.match(line):
            numbers.setdefault((*table, key[1].strip("\"'")), number)
    return numbers


def _table_location(name: str, is_array: bool, counts: dict[Location, int]) -> Location:
    location: Location = ()
    parts = [part.strip().strip("\"'") for part in name.split(".")]
    for position, part in enumerate(parts, 1):
        location = (*location, part)
        if is_array and position == len(parts):
            counts[location] = counts.get(location, -1) + 1
        if location in counts:
            location = (*location, counts[location])
    return location


def _nearest_line(lines: Mapping[Location, int], location: Location) -> int:
    while location and location not in lines:
        location = location[:-1]
    return lines.get(location, 1)


def _field(location: Location) -> tuple[Location, FieldInfo | None, type[BaseModel]]:
    """How much of a location exists in the models, the field there, and the table around it."""
    model: type[BaseModel] = Config
    field: FieldInfo | None = None
    inner: type[BaseModel] | None = Config
    for depth, part in enumerate(location):
        if isinstance(part, int):
            continue
        if inner is None or part not in (fields := keys(inner)):
            return location[:depth], field, inner or model
        model, field = inner, fields[part]
        inner = table_model(field)
    return location, field, model


def keys(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The keys of a table by their names in the file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def table_model(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a key that holds a table or an array of tables."""
    candidates = (field.annotation, *get_args(field.annotation))
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


def _known(detail: ErrorDetails) -> Location:
    """Drops what pydantic adds behind a key, such as the branch of a union."""
    location = detail["loc"]
    return location if detail["type"] == "extra_forbidden" else _field(location)[0]


def _explain(location: Location, detail: ErrorDetails) -> tuple[str, str]:
    """What is wrong, and how to mend it."""
    name = next(str(part) for part in reversed(location) if isinstance(part, str))
    _, field, model = _field(location)
    if detail["type"] == "extra_forbidden":
        return f"unknown key {name!r}", _nearest(name, list(keys(model)))
    if detail["type"] == "missing":
        return f"the key {name!r} is missing", field.description or "" if field else ""
    message = detail["msg"].removeprefix("Value error, ")
    label = ".".join(str(part) for part in location if isinstance(part, str))
    if "time zone" in message:
        return f"{label}: {message}", _nearest(str(detail["input"]), _zones())
    return f"{label}: {message}", field.description or "" if field else ""


def _zones() -> list[str]:
    return sorted(zoneinfo.available_timezones())


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(known)}" if len(known) < 20 else ""


def _contradictions(config: Config) -> Iterator[Problem]:
    """What is well formed but can't be meant."""
    names = [site.name for site in config.sites]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield ("site", index, "name"), f"the site {name!r} stands here twice", "remove one"
    hosts: dict[str, str] = {}
    for index, site in enumerate(config.sites):
        for host in site.hosts:
            if hosts.setdefault(host, site.name) != site.name:
                what = f"the host {host!r} belongs to the site {hosts[host]!r} already"
                yield ("site", index, "hosts"), what, "a host belongs to one site"
    for index, source in enumerate(config.sources):
        yield from _source_contradictions(index, source.site, source.by_host, names)
    tables: dict[Location, Any] = {("format", name): t for name, t in config.formats.items()}
    named: dict[Location, str] = {}
    for index, source in enumerate(config.sources):
        place = ("source", index, "format")
        if not isinstance(source.format, str):
            tables[place] = source.format
        elif source.format != "auto":
            named[place] = source.format
    yield from _bad_formats(tables)
    yield from _unknown_formats(named, config.formats)


def _unknown_formats(named: Mapping[Location, str], own: Iterable[str]) -> Iterator[Problem]:
    if not named:
        return
    from parsers.registry import shipped_names
    from parsers.wrappers import inner_name

    known = ["auto", *shipped_names(), *own]
    for location, name in named.items():
        if not {name, inner_name(name)} & set(known):
            fix = _nearest(inner_name(name), known) or "`tallylog formats` lists them"
            yield location, f"there is no format {name!r}", fix


def _bad_formats(tables: Mapping[Location, Any]) -> Iterator[Problem]:
    if not tables:
        return
    from parsers.registry import make_format

    for location, table in tables.items():
        try:
            make_format(str(location[-1]) if location[0] == "format" else "of the source", table)
        except (TypeError, ValueError) as error:
            yield location, str(error), "docs/formats-custom.md shows how formats are described"


def _source_contradictions(
    index: int, site: str | None, by_host: bool, names: list[str]
) -> Iterator[Problem]:
    if (site is None) != by_host:
        fix = 'give either site = "NAME" or by_host = true'
        yield ("source", index), "a source needs a site or by_host, and not both", fix
    elif site is not None and site not in names:
        fix = _nearest(site, names) or "add a [[site]] of that name"
        yield ("source", index, "site"), f"no [[site]] is named {site!r}", fix
