"""RAW to EVENTS: what every record means. Cost goes with the distinct values, not the lines."""

from pipeline.enrich.clients import Proxies
from pipeline.enrich.events import Enriched, Enricher, count_classes
from pipeline.enrich.exclude import Rules
from pipeline.enrich.lexicon import Lexicon
from pipeline.enrich.log import Log, Site
from pipeline.enrich.pixels import Pixels

__all__ = [
    "Enriched",
    "Enricher",
    "Lexicon",
    "Log",
    "Pixels",
    "Proxies",
    "Rules",
    "Site",
    "count_classes",
]
