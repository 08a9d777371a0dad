"""The panels of the dashboard, as rows: what each asks, and how its answer is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pipeline import schema
from pipeline.question import METRICS
from webapp.languages import mark

KNOWN = {**schema.DIMENSIONS, **schema.DETAILS}


@dataclass(frozen=True, slots=True)
class Tab:
    """A question of a panel. Of `people` it counts those that the page is about, by `metrics`; the
    others always count requests. A `first` value is listed before the others. Values of `by` are
    known by that of `within`; those that are lists of names are `unfolded`, name by name."""

    name: str
    title: str
    by: str
    metrics: tuple[str, ...]
    filters: tuple[str, ...] = ()
    people: bool = True
    order: str = ""
    first: tuple[str, ...] = ()
    map: bool = False
    within: str = ""
    unfolded: bool = False

    @property
    def available(self) -> bool:
        known = self.by in KNOWN or self.by.startswith(schema.PROPERTY)
        return known and all(name in METRICS for name in self.metrics)


@dataclass(frozen=True, slots=True)
class Panel:
    name: str
    title: str
    tabs: tuple[Tab, ...]
    wide: bool = False
    of_bots: bool = True
    rows: int = 9
    empty: str = field(default=mark("Nothing of this kind in this range."))

    def named(self, name: str) -> Tab | None:
        """The tab of that name; that of a property is there where its name is listed."""
        tabs = {tab.name: tab for tab in self.tabs if tab.available}
        if name.startswith(schema.PROPERTY) and any(tab.unfolded for tab in tabs.values()):
            title = name.removeprefix(schema.PROPERTY)
            return Tab(name, title, name, ("events", "visits"), (f"{name}!=",))
        return tabs.get(name)

    def shown(self, name: str) -> Tab:
        return self.named(name) or next(tab for tab in self.tabs if tab.available)


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
                within="content_type",
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
            Tab("event", mark("Events"), "event", ("events", "visits"), ("event!=",)),
            Tab(
                "properties",
                mark("Properties"),
                schema.PROPERTY_NAMES,
                ("events",),
                (f"{schema.PROPERTY_NAMES}!=",),
                unfolded=True,
            ),
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


@dataclass(frozen=True, slots=True)
class Subject:
    """What a page of details is about one of: its large figures, and of the panels of the site all
    tabs that are not by the subject itself, some by other names and some counted by others."""

    title: str
    tiles: tuple[str, ...]
    titles: Mapping[str, str]
    metrics: Mapping[str, str] = field(default_factory=dict)

    def panel(self, panel: Panel, dimension: str) -> Panel:
        tabs = tuple(self._tab(tab) for tab in panel.tabs if tab.by != dimension)
        return replace(panel, title=self.titles.get(panel.name, panel.title), tabs=tabs)

    def _tab(self, tab: Tab) -> Tab:
        return replace(tab, metrics=tuple(self.metrics.get(name, name) for name in tab.metrics))


#: Visits that began or ended at a page, and the dimensions that say so.
ENDS = {"entries": "entry", "exits": "exit"}
SUBJECTS = {
    "page": Subject(
        mark("Page"),
        (
            *("visitors", "views", "visits", "entries", "exits", "bounce_rate"),
            *("bot_hits", "latency_p90"),
        ),
        {"pages": mark("Visits that came here"), "sources": mark("Sources that led here")},
    ),
    "content_id": Subject(
        mark("Content item"),
        (
            *("visitors", "content_views", "visits", "visit_duration", "bounce_rate"),
            *("hits", "bot_hits", "bytes"),
        ),
        {"pages": mark("Pages that show it"), "sources": mark("Sources that led here")},
        {"views": "content_views"},
    ),
}
#: Dimensions whose values have a page of details, and as what.
DETAILED = {"page": "page", "entry": "page", "exit": "page", "content_id": "content_id"}
#: What is counted instead where the filters are about events, which are no views.
OF_EVENTS = {"visitors": "events", "views": "visits"}
EVENT_TILES = ("events", "conversions", "conversion_rate", "hits")


def tiles(who: str, subject: str = "", of_events: bool = False) -> tuple[str, ...]:
    """The large figures; those of people where these are counted."""
    if of_events and who not in ("bots", "all"):
        return EVENT_TILES
    if who not in TILES or who == "people":
        return SUBJECTS[subject].tiles if subject else TILES["people"]
    return TILES[who]


def panels(who: str = "people", subject: str = "") -> list[Panel]:
    """Those that have something to say of them."""
    shown = [panel for panel in PANELS if who != "bots" or panel.of_bots]
    return [SUBJECTS[subject].panel(p, subject) for p in shown] if subject else shown
