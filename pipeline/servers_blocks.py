"""The logs that a web server's configuration names, as blocks for config.toml.

Logs are put together by path, sites are named after the servers that write them, and a format
that reads as a shipped one does gets its name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parsers.registry import Format, make_format
from pipeline.config import Site
from pipeline.servers import AccessLog, Reading
from pipeline.servers_apache import read_apache
from pipeline.servers_nginx import read_nginx

#: Site of a log whose servers have no name that is a host's.
NAMELESS = "default"
READERS = {"nginx": read_nginx, "apache": read_apache}


@dataclass(frozen=True, slots=True)
class Block:
    """A [[source]]: exactly one of `site` and `by_host` is set."""

    site: str | None
    by_host: bool
    paths: tuple[str, ...]
    format: str | dict[str, str]
    remarks: tuple[str, ...]

    def toml(self) -> str:
        owner = "by_host = true" if self.by_host else f"site = {_quoted(self.site or NAMELESS)}"
        paths = ", ".join(map(_quoted, self.paths))
        lines = [f"# {remark}" for remark in self.remarks]
        return "\n".join(
            [*lines, "[[source]]", owner, f"paths = [{paths}]", f"format = {_value(self.format)}"]
        )

    def as_dict(self) -> dict[str, Any]:
        owner = {"by_host": True} if self.by_host else {"site": self.site}
        return {**owner, "paths": list(self.paths), "format": self.format}


@dataclass(frozen=True, slots=True)
class Blocks:
    """All that goes into config.toml; `sites` are those it does not have yet."""

    sites: tuple[Site, ...]
    sources: tuple[Block, ...]
    notes: tuple[str, ...]

    def toml(self) -> str:
        sites = [_site_toml(site) for site in self.sites]
        return "\n\n".join([*sites, *(block.toml() for block in self.sources)])

    def as_dict(self) -> dict[str, Any]:
        sites = [{"name": site.name, "hosts": list(site.hosts)} for site in self.sites]
        sources = [block.as_dict() for block in self.sources]
        return {"sites": sites, "sources": sources, "notes": list(self.notes)}


def find_sources(
    server: str, path: Path, formats: Mapping[str, Format], known: Sequence[Site]
) -> Blocks:
    """The blocks for the configuration of a server that READERS can read."""
    return blocks(READERS[server](path), formats, known)


def blocks(reading: Reading, formats: Mapping[str, Format], known: Sequence[Site]) -> Blocks:
    """The blocks for what was read. `known` are the sites that are configured already."""
    named = {(log.path, log.form) for log in reading.logs if log.hosts}
    # A server without a name that shares a log with others is the one for stray requests.
    logs = [log for log in reading.logs if log.hosts or (log.path, log.form) not in named]
    sites = _sites(logs, known)
    owners = {host: site.name for site in (*known, *sites) for host in site.hosts}
    groups: dict[tuple[str, str], list[AccessLog]] = {}
    for log in logs:
        groups.setdefault((log.path, log.form), []).append(log)
    sources = [_source(logs, reading, formats, owners) for logs in groups.values()]
    return Blocks(tuple(sites), tuple(filter(None, sources)), tuple(reading.notes))


def _sites(logs: Sequence[AccessLog], known: Sequence[Site]) -> list[Site]:
    """A site for each server of which no host belongs to one; it is named after its first host."""
    taken = {host for site in known for host in site.hosts} | {site.name for site in known}
    hosts: dict[str, dict[str, None]] = {}
    for log in logs:
        name = _site_name(log.hosts)
        if not taken & {name, *log.hosts}:
            hosts.setdefault(name, {}).update(dict.fromkeys(log.hosts))
    return [Site(name=name, hosts=tuple(found)) for name, found in hosts.items()]


def _site_name(hosts: Sequence[str]) -> str:
    return hosts[0].removeprefix("www.") if hosts else NAMELESS


def _source(
    logs: Sequence[AccessLog],
    reading: Reading,
    formats: Mapping[str, Format],
    owners: Mapping[str, str],
) -> Block | None:
    """The block of a log; None, with a note, where its format can't be read."""
    log = logs[0]
    try:
        fmt = make_format("", {reading.server: log.form})
    except ValueError as error:
        reading.note(log.place, f"skipped: {str(error).removeprefix('format : ')}")
        return None
    sites = list(dict.fromkeys(_owner(one.hosts, owners) for one in logs))
    remarks = [str(log.place), *filter(None, (one.remark for one in logs))]
    by_host = len(sites) > 1 and tells_host(fmt)
    if len(sites) > 1 and not by_host:
        several = f"{', '.join(sites)} write this log, and its lines don't say which"
        remarks.append(f"{several}: add the host to the format to tell them apart")
    name = shipped_name(fmt, formats)
    return Block(
        None if by_host else sites[0],
        by_host,
        (log.path + ("" if log.path.endswith("*") else "*"),),
        name or {reading.server: log.form},
        tuple(dict.fromkeys(remarks)),
    )


def _owner(hosts: Sequence[str], owners: Mapping[str, str]) -> str:
    return next((owners[host] for host in hosts if host in owners), _site_name(hosts))


def shipped_name(fmt: Format, formats: Mapping[str, Format]) -> str | None:
    """The name of the format that reads lines of text in the same way, if there is one."""
    if fmt.dialect != "text":
        return None  # The names of the keys are the server's own, so no shipped list is as exact.
    fits = [name for name, other in formats.items() if _same(fmt, other)]
    return min(fits, key=lambda name: len(formats[name].layouts), default=None)


def _same(fmt: Format, other: Format) -> bool:
    shapes = {_shape(layout.text) for layout in other.layouts}
    rest = [(f.clocks, dict(f.escape), f.missing) for f in (fmt, other)]
    return shapes == {_shape(layout.text) for layout in fmt.layouts} and rest[0] == rest[1]


def _shape(layout: str) -> str:
    """A layout as it is compared: nginx writes a dash where Apache has what nobody fills in."""
    return layout.replace("{", "").replace("}", "").replace("$ident", "-")


def tells_host(fmt: Format) -> bool:
    """Whether lines say which host was asked."""
    return "host" in fmt.fields or any("host" in layout.whole.fields for layout in fmt.layouts)


def _site_toml(site: Site) -> str:
    hosts = f"\nhosts = [{', '.join(map(_quoted, site.hosts))}]" if site.hosts else ""
    return f"[[site]]\nname = {_quoted(site.name)}{hosts}"


def _quoted(text: str) -> str:
    """A text of TOML: as it is between single quotes if it can be."""
    plain = "'" not in text and text.isprintable() and ('"' in text or "\\" in text)
    return f"'{text}'" if plain else json.dumps(text, ensure_ascii=False)


def _value(fmt: str | dict[str, str]) -> str:
    if isinstance(fmt, str):
        return _quoted(fmt)
    return "{ " + ", ".join(f"{key} = {_quoted(text)}" for key, text in fmt.items()) + " }"
