"""What belongs to the application of the current request."""

from __future__ import annotations

from threading import Lock

from flask import Flask, current_app, request

from pipeline.cache import Cache
from pipeline.catalog import Catalog
from pipeline.config import Config
from pipeline.deadline import Deadline
from pipeline.engine import Engine, Limits
from webapp.gone import when_gone

_NAME = "tallylog"


def install(app: Flask, config: Config) -> None:
    app.config["TALLYLOG"] = config
    kept = Cache(config.web.query_cache_seconds, config.web.query_cache_mb * 1_000_000)
    app.extensions[_NAME] = {"lock": Lock(), "cache": kept}


def config() -> Config:
    found: Config = current_app.config["TALLYLOG"]
    return found


def catalog() -> Catalog:
    """The catalog, opened at the first request that needs it and shared by all threads. It knows
    the sites of the configuration: one without records can be asked about, too.

    Raises `StoreError` where it cannot be opened; the next request tries again.
    """
    held = current_app.extensions[_NAME]
    with held["lock"]:
        if "catalog" not in held:
            held["catalog"] = _opened(config())
        opened: Catalog = held["catalog"]
    return opened


def _opened(config: Config) -> Catalog:
    catalog = Catalog(config.store.data)
    known = {site.name for site in catalog.sites()}
    catalog.ensure_sites({s.name: s.timezone for s in config.sites if s.name not in known})
    return catalog


def engine() -> Engine:
    """What answers questions, shared by all threads."""
    held = current_app.extensions[_NAME]
    with held["lock"]:
        if "engine" not in held:
            held["engine"] = Engine(Limits(memory=config().web.query_memory))
        opened: Engine = held["engine"]
    return opened


def cache() -> Cache:
    """The answers that were given lately."""
    kept: Cache = current_app.extensions[_NAME]["cache"]
    return kept


def deadline() -> Deadline:
    """Of the questions of one request, which end when nobody waits for them any more."""
    made = Deadline(config().web.query_seconds)
    when_gone(request.environ, made.cancel)
    return made


def site_names() -> list[str]:
    """Sites of the configuration, then those that only have records."""
    return catalog().site_names(site.name for site in config().sites)
