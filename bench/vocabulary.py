"""The words of the generated log: browsers, bots, referrers, pages and assets.

Everything is built from small tables at the moment it is asked for. The order of every list is
fixed, so that a seed gives the same log each time.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
DESKTOPS = (
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 10_15_7",
    "X11; Linux x86_64",
    "X11; CrOS x86_64 14541.0.0",
)
GECKOS = (
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 10.15",
    "X11; Linux x86_64",
    "X11; Ubuntu; Linux x86_64",
)
with Path(__file__).with_suffix(".toml").open("rb") as file:
    TABLES = tomllib.load(file)
SECTIONS, WORDS, STYLES, PHONES, IOS, PREFIXES = (
    TABLES[name].split() for name in ("sections", "words", "styles", "phones", "ios", "prefixes")
)
BOTS: list[tuple[float, str]] = TABLES["bots"]
REFERRERS: list[tuple[float, str]] = TABLES["referrers"]


def browsers() -> list[str]:
    """About 2,000 distinct agents of browsers, desktop, phone and tablet."""
    return list(dict.fromkeys(_chromes() + _androids() + _geckos() + _apples()))


def _chromes() -> list[str]:
    found = []
    for version in range(96, 143):
        for system in DESKTOPS:
            chrome = f"Mozilla/5.0 ({system}) {WEBKIT} Chrome/{version}.0.0.0 Safari/537.36"
            found += [chrome, f"{chrome} Edg/{version}.0.0.0"]
        windows = f"Mozilla/5.0 ({DESKTOPS[0]}) {WEBKIT} Chrome/{version}.0.0.0 Safari/537.36"
        found.append(f"{windows} OPR/{version - 14}.0.0.0")
    return found


def _androids() -> list[str]:
    found = []
    for version in range(100, 143):
        found.append(
            f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} "
            f"Chrome/{version}.0.0.0 Mobile Safari/537.36"
        )
    for number, phone in enumerate(name.replace("_", " ") for name in PHONES):
        for version in range(90, 111):
            build = f"{version}.0.{4400 + 60 * (version - 90)}.{40 + number}"
            found.append(
                f"Mozilla/5.0 (Linux; Android {10 + number % 4}; {phone}) {WEBKIT} "
                f"Chrome/{build} Mobile Safari/537.36"
            )
    for version in range(18, 29):
        found.append(
            f"Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-S911B) {WEBKIT} "
            f"SamsungBrowser/{version}.0 Chrome/{85 + 2 * version}.0.0.0 Mobile Safari/537.36"
        )
    return found


def _geckos() -> list[str]:
    found = []
    for version in range(91, 146):
        for system in GECKOS:
            shown = version if version < 110 or version > 119 else 109
            agent = f"Mozilla/5.0 ({system}; rv:{shown}.0) Gecko/20100101 Firefox/{version}.0"
            found.append(agent)
        found.append(
            f"Mozilla/5.0 (Android 14; Mobile; rv:{version}.0) "
            f"Gecko/{version}.0 Firefox/{version}.0"
        )
    return found


def _apples() -> list[str]:
    found = []
    for system in IOS:
        shown = ".".join(system.split("_")[:2])
        for device in ("iPhone; CPU iPhone OS", "iPad; CPU OS"):
            start = f"Mozilla/5.0 ({device} {system} like Mac OS X) {APPLE}"
            found.append(f"{start} Version/{shown} Mobile/15E148 Safari/604.1")
            for version in (120, 126, 131, 136):
                found.append(f"{start} CriOS/{version}.0.6478.54 Mobile/15E148 Safari/604.1")
            found.append(f"{start} FxiOS/{110 + len(found) % 30}.0 Mobile/15E148 Safari/605.1.15")
        mac = f"Mozilla/5.0 ({DESKTOPS[1]}) {APPLE}"
        found.append(f"{mac} Version/{shown} Safari/605.1.15")
    return found


def assets() -> list[str]:
    """About 5,000 distinct static files, the most asked for first."""
    styles = [f"/static/css/{n}.{_digest(i)}.css" for i, n in enumerate(STYLES)]
    scripts = [f"/static/js/{n}.{_digest(i + 99)}.js" for i, n in enumerate(STYLES)]
    fonts = [f"/static/fonts/inter-{w}.woff2" for w in ("regular", "medium", "bold", "italic")]
    icons = ["/static/img/logo.svg", "/static/img/favicon.ico", "/static/img/sprite.svg"]
    sizes = ((480, "webp"), (800, "webp"), (1200, "jpg"), (96, "png"))
    pictures = [
        f"/static/img/{WORDS[i % len(WORDS)]}-{WORDS[i * 7 % 97]}-{i}-{width}w.{ending}"
        for i in range(1240)
        for width, ending in sizes
    ]
    return styles + scripts + fonts + icons + pictures


def _digest(number: int) -> str:
    return format((number * 2654435761 + 97) % 2**32, "08x")


def queries() -> list[str]:
    """Queries of page views; the first is none at all."""
    mails = [f"?utm_source=newsletter&utm_medium=email&utm_campaign={w}-2026" for w in WORDS[:24]]
    paid = [
        f"?utm_source={s}&utm_medium=cpc&utm_campaign={w}_sale&utm_term={w}"
        for s in ("google", "bing", "facebook")
        for w in WORDS[24:48]
    ]
    searches = [f"?q={a}+{b}" for a in WORDS[:40] for b in WORDS[40:60]]
    pagers = [f"?page={n}&sort={s}" for n in range(1, 60) for s in ("new", "top")]
    return ["", *mails, *paid, *pagers, *searches]
