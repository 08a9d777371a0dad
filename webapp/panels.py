"""The panels of the dashboard, as rows: what each asks, and how its answer is shown."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline import schema
from pipeline.question import METRICS
from webapp.languages import mark

KNOWN = {**schema.DIMENSIONS, **schema.DETAILS}


@dataclass(frozen=True, slots=True)
class Tab:
    """A question of a panel. Of `people` it counts those that the page is about, by `metrics`; the
    others always count requests. A `first` value is listed before the others."""

    name: str
    title: str
    by: str
    metrics: tuple[str, ...]
    filters: tuple[str, ...] = ()
    people: bool = True
    order: str = ""
    first: tuple[str, ...] = ()
    map: bool = False

    @property
    def available(self) -> bool:
        return self.by in KNOWN and all(name in METRICS for name in self.metrics)


@dataclass(frozen=True, slots=True)
class Panel:
    name: str
    title: str
    tabs: tuple[Tab, ...]
    wide: bool = False
    of_bots: bool = True
    rows: int = 9
    empty: str = field(default=mark("Nothing of this kind in this range."))

    def shown(self, name: str) -> Tab:
        tabs = [tab for tab in self.tabs if tab.available]
        return next((tab for tab in tabs if tab.name == name), tabs[0])


READ = ("visitors", "views")
CAME = ("visitors", "visits")
SENT = ("hits", "bytes")
TIMES = ("latency_p50", "latency_p90", "latency_p99")
AI_FIRST = ("ai_training", "ai_search", "ai_assistant")
BOTS = ("bot!=",)
BROKEN = ("status==404",)

PANELS = (
    Panel(
        "pages",
        mark("Pages"),
        (
            Tab("page", mark("Top pages"), "page", READ),
            Tab("entry", mark("Entry pages"), "entry", ("visits", "bounce_rate")),
            Tab("exit", mark("Exit pages"), "exit", ("visits", "views_per_visit")),
            Tab(
                "content",
                mark("Content"),
                "content_id",
                ("content_views", "visitors"),
                ("content_id!=",),
            ),
            Tab("host", mark("Hosts"), "host", READ),
        ),
    ),
    Panel(
        "sources",
        mark("Sources"),
        (
            Tab("source", mark("Sources"), "source", CAME),
            Tab("channel", mark("Channels"), "channel", CAME),
            Tab("referrer", mark("Referrers"), "referrer", CAME),
            Tab("ai", mark("AI assistants"), "source", CAME, ("channel==ai",)),
            Tab("campaign", mark("Campaigns"), "utm_campaign", CAME, ("utm_campaign!=",)),
            Tab("medium", mark("Media"), "utm_medium", CAME, ("utm_medium!=",)),
        ),
    ),
    Panel(
        "places",
        mark("Countries"),
        (
            Tab("map", mark("Map"), "country", ("visitors", "visits"), map=True),
            Tab("country", mark("List"), "country", ("visitors", "visits")),
            Tab("language", mark("Languages"), "language", READ, ("language!=",)),
        ),
        wide=True,
    ),
    Panel(
        "devices",
        mark("Devices"),
        of_bots=False,
        tabs=(
            Tab("device", mark("Devices"), "device", READ),
            Tab("browser", mark("Browsers"), "browser", READ),
            Tab("os", mark("Systems"), "os", READ),
            Tab("screen", mark("Screens"), "screen", READ, ("screen!=",)),
        ),
    ),
    Panel(
        "events",
        mark("Events"),
        of_bots=False,
        tabs=(
            Tab("event", mark("Events"), "event", ("events", "visitors"), ("event!=",)),
            Tab("origin", mark("Evidence"), "origin", READ),
        ),
        empty=mark("No events yet: send one with tallylog('signup') or a data-analytics-event."),
    ),
    Panel(
        "bots",
        mark("Bots"),
        (
            Tab("ai", mark("AI crawlers"), "bot", SENT, ("bot_category~ai_*",), people=False),
            Tab("bot", mark("All bots"), "bot", SENT, BOTS, people=False),
            Tab(
                "kind",
                mark("Kinds"),
                "bot_category",
                SENT,
                BOTS,
                people=False,
                first=AI_FIRST,
            ),
            Tab("reason", mark("Reasons"), "bot_reason", SENT, BOTS, people=False),
            Tab("page", mark("Pages read"), "page", SENT, (*BOTS, "class==page"), people=False),
        ),
    ),
    Panel(
        "delivery",
        mark("Delivery"),
        (
            Tab("status", mark("Status"), "status", SENT, people=False),
            Tab("broken", mark("Not found"), "page", ("hits", "bot_hits"), BROKEN, people=False),
            Tab(
                "links",
                mark("Broken links"),
                "referrer",
                ("hits", "bot_hits"),
                BROKEN,
                people=False,
            ),
            Tab(
                "slow", mark("Slowest"), "page", (*TIMES, "hits"), people=False, order="latency_p90"
            ),
            Tab("bytes", mark("Bandwidth"), "page", ("bytes", "hits"), people=False),
            Tab("cache", mark("Cache"), "cache", SENT, ("cache!=",), people=False),
            Tab("class", mark("Kinds"), "class", SENT, people=False),
            Tab("protocol", mark("Protocol"), "protocol", SENT, people=False),
        ),
    ),
)

#: The large figures on top of the page.
TILES = {
    "people": (
        *("visitors", "visits", "views", "views_per_visit", "bounce_rate", "visit_duration"),
        *("hits", "bytes"),
    ),
    "bots": ("hits", "bytes", "error_rate", "not_found", "latency_p50"),
    "all": ("hits", "bot_hits", "bytes", "error_rate", "not_found", "latency_p50"),
}


def tiles(who: str) -> tuple[str, ...]:
    return tuple(name for name in TILES[who] if name in METRICS)


def panels(who: str = "people") -> list[Panel]:
    """Those that have something to say of them."""
    return [panel for panel in PANELS if who != "bots" or panel.of_bots]
