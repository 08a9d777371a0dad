"""RAW to EVENTS: what every record means. Cost goes with the distinct values, not the lines."""

from pipeline.enrich.events import Enriched, Enricher, Log, Site
from pipeline.enrich.exclude import Rules

__all__ = ["Enriched", "Enricher", "Log", "Rules", "Site"]
