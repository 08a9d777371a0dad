"""`tallylog backfill`: which files, for which site, in which format; then ingest and roll up."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from parsers.registry import Format, load_formats
from parsers.wrappers import find_format
from pipeline import journal, sources
from pipeline.catalog import Catalog
from pipeline.coded import COLUMNS
from pipeline.config import Config, Exclude, Source
from pipeline.config import Site as ConfiguredSite
from pipeline.enrich import Enricher, Log, Pixels, Proxies, Rules, Site
from pipeline.enrich.salts import Salts
from pipeline.errors import FormatError, SourceError, store_error
from pipeline.ingest import PIECE_BYTES, Ingest
from pipeline.kept import Kept, Rows
from pipeline.progress import Meter, Silent
from pipeline.reading import AUTO, Request
from pipeline.rollup import rollup
from pipeline.summary import Summary

#: Name of the site where neither the command line nor the configuration names one.
DEFAULT_SITE = "default"


def backfill(
    config: Config,
    data_dir: Path,
    paths: Sequence[str] = (),
    site: str | None = None,
    format: str = AUTO,
    jobs: int = 2,
    again: bool = False,
    progress: Meter | None = None,
    piece_bytes: int = PIECE_BYTES,
) -> Summary:
    """Read the paths, or the sources of the configuration, and roll up the days they touched.

    `again` also reads known lines of days that have neither events nor statistics left.
    Raises `SourceError` where nothing could be read for want of a path, a site or a format, and
    `StoreError` where the store cannot be written. What is wrong with single files is in the
    summary's `problems`.
    """
    began = time.monotonic()
    formats = dict(load_formats(config.formats))
    wanted = _sources(config, data_dir, paths, site, format)
    sites = sites_of(config, wanted)
    requests = [
        replace(request(source, config, sites, formats), path=path)
        for source in wanted
        for path in sources.expand(source.paths)
    ]
    meter = progress or Silent()
    catalog = Catalog(data_dir)
    try:
        ids = catalog.ensure_sites({s.name: s.timezone for s in sites.values()})
        catalog.set_views_from({s.name: s.views_from for s in config.sites})
        salts = Salts(data_dir / "salts.db")
        salts.destroy()
        enricher = Enricher(salts, config.store.country_mmdb, config.store.keep_agent == "string")
        meter.start(_size(requests), len(requests))
        ingest = Ingest(
            catalog, enricher, formats, ids, jobs, piece_bytes, meter=meter, again=again
        )
        ingest.kept = Kept(COLUMNS)
        ingest.run(requests)
        meter.finish()
        _roll_up(catalog, ingest.days, ingest.kept.rows())
    except (OSError, sa.exc.OperationalError) as error:
        raise store_error(error, data_dir) from error
    finally:
        catalog.close()
    ingest.summary.seconds = time.monotonic() - began
    return ingest.summary


def _sources(
    config: Config, data_dir: Path, paths: Sequence[str], site: str | None, fmt: str
) -> list[Source]:
    if not paths:
        found = [s for s in config.sources if site is None or s.site == site]
        if site is None:
            found += [s for s in journal_of(config, data_dir) if sources.matches(s.paths)]
        if not found:
            raise SourceError(
                "There is nothing to read.",
                "command line and configuration",
                "name a log, or add a [[source]] to config.toml",
            )
        return found
    if site is None and len(config.sites) > 1:
        raise SourceError(
            "It is not said which site the logs are about.",
            "--site",
            "name one of " + ", ".join(s.name for s in config.sites),
        )
    name = site or (config.sites[0].name if config.sites else DEFAULT_SITE)
    return [Source(site=name, paths=tuple(paths), format=fmt)]


def journal_of(config: Config, data_dir: Path) -> list[Source]:
    """What the collector was told, as a source of all sites."""
    paths = (journal.pattern(data_dir),)
    source = Source(by_host=True, paths=paths, format=journal.FORMAT, pixels=())
    return [source] if config.sites else []


def sites_of(config: Config, wanted: Sequence[Source]) -> dict[str, ConfiguredSite]:
    """The sites that the sources are about, by name."""
    if any(source.by_host for source in wanted):
        return {site.name: site for site in config.sites}
    names = [source.site for source in wanted if source.site]
    return {name: config.site_named(name) for name in names}


def request(
    source: Source, config: Config, sites: dict[str, ConfiguredSite], formats: dict[str, Format]
) -> Request:
    """How files of the source are read; which one is left open."""
    names = list(sites) if source.by_host else [str(source.site)]
    chosen = [sites[name] for name in names]
    log = Log(
        0,
        tuple(Site(s.name, s.timezone, frozenset(s.hosts)) for s in chosen),
        source.by_host,
        _rules(config.exclude, source.exclude),
        Proxies(source.trusted_proxies),
        Pixels(source.pixels),
    )
    name = _format_name(source, formats)
    scope = "" if source.by_host else str(source.site)
    return Request("", scope, log, name)


def _rules(*parts: Exclude) -> Rules:
    return Rules(
        tuple(path for part in parts for path in part.paths),
        tuple(agent for part in parts for agent in part.agents),
        tuple(address for part in parts for address in part.addresses),
        tuple(referrer for part in parts for referrer in part.referrers),
    )


def _format_name(source: Source, formats: dict[str, Format]) -> str:
    """The format's name; a table of the configuration is given one and added to `formats`."""
    if isinstance(source.format, dict):
        name = f"of {source.paths[0]}"
        formats.update(load_formats({name: source.format}))
        return name
    if source.format != AUTO and find_format(formats, source.format) is None:
        from difflib import get_close_matches

        near = get_close_matches(source.format, formats)
        raise FormatError(
            f"There is no format {source.format!r}.",
            "--format or [[source]]",
            "use " + ", ".join(near or [*formats, AUTO]),
        )
    return source.format


def _size(requests: Sequence[Request]) -> int | None:
    if any(request.path == sources.STDIN for request in requests):
        return None
    return sum(Path(request.path).stat().st_size for request in requests)


def _roll_up(
    catalog: Catalog, days: set[tuple[str, dt.date]], kept: Mapping[Path, Sequence[Rows]]
) -> None:
    if days:
        dates = [date for _, date in days]
        rollup(catalog, sorted({site for site, _ in days}), min(dates), max(dates), kept=kept)
