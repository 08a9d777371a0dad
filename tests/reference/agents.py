"""Who asked: bot or human, with pure Python patterns tried one after the other."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import crawleruseragents
from ua_parser import Parser
from ua_parser.basic import Resolver
from ua_parser.loaders import load_lazy_builtins

from tests.reference.paths import rules

LENGTH = 512
HUMAN = "human"
#: What is known of whoever asked where the log has no user agents.
NOTHING: dict[str, str | None] = dict.fromkeys(("browser", "os", "device", "bot", "bot_category"))


class Pattern:
    """A regular expression; one without special characters is looked for as it stands."""

    def __init__(self, text: str) -> None:
        # Rust's \x{..} and Python's \u.... name the same character.
        text = re.sub(r"\\x\{([0-9A-F]{4})\}", r"\\u\1", text)
        plain = re.sub(r"\\([^A-Za-z0-9])", r"\1", text)
        simple = not re.search(r"[\[\](){}.*+?^$|\\]", re.sub(r"\\[^A-Za-z0-9]", "", text))
        self.literal = plain if simple else None
        self.compiled = None if simple else re.compile(text)

    def search(self, agent: str) -> str | None:
        """The text of the first group, or "" where it has none; None where it does not fit."""
        if self.compiled is None:
            return "" if self.literal in agent else None
        found = self.compiled.search(agent)
        if found is None:
            return None
        return (found.group(1) or "") if self.compiled.groups else ""


@cache
def bot_patterns() -> list[tuple[Pattern, str, str]]:
    """(pattern, category, name) in the order that the head of bots.toml gives."""
    book = rules("bots")
    early: list[tuple[Pattern, str, str]] = []
    late: list[tuple[Pattern, str, str]] = []
    data = Path(crawleruseragents.__file__).with_name("crawler-user-agents.json")
    for entry in json.loads(data.read_text("utf-8")):
        category = _category(book, entry)
        if category != HUMAN:
            is_late = any(tag in book["late_tags"] for tag in entry["tags"])
            row = (Pattern(entry["pattern"]), category, _name(book, entry["pattern"]))
            (late if is_late else early).append(row)
    own = {
        part: [(Pattern(r["pattern"]), r["category"], r.get("name", "")) for r in book[part]]
        for part in ("before", "after")
    }
    return [*own["before"], *early, *late, *own["after"]]


def _category(book: dict, entry: dict) -> str:
    for row in book["entry"]:
        if row["pattern"] == entry["pattern"]:
            return row["category"]
    for row in book["tag"]:
        if all(tag in entry["tags"] for tag in row["tags"]):
            return row["category"]
    return "unknown"


def _name(book: dict, pattern: str) -> str:
    """The pattern as a word: no anchors, no escapes, of a set its first character."""
    if pattern in book["names"]:
        return book["names"][pattern]
    word = ""
    rest = pattern.strip("^$")
    while rest:
        if rest[0] == "[":
            word += rest[1]
            rest = rest[rest.index("]") + 1 :]
        elif rest[0] == "\\":
            word += rest[1]
            rest = rest[2:]
        else:
            word += rest[0]
            rest = rest[1:]
    return word.strip(" /;()")


@cache
def device_patterns() -> list[tuple[Pattern, str]]:
    return [(Pattern(row["pattern"]), row["device"]) for row in rules("devices")["device"]]


@cache
def browser_parser() -> Parser:
    """The package's engine in pure Python, which is not the one the product uses."""
    return Parser(Resolver(load_lazy_builtins()))


@cache
def describe(agent: str | None) -> dict[str, str | None]:
    """browser, os and device of a human; bot and bot_category of a bot."""
    text = (agent or "")[:LENGTH]
    facts = dict(NOTHING)
    for pattern, category, name in bot_patterns():
        group = pattern.search(text)
        if group is None:
            continue
        if category == HUMAN:
            break
        facts["bot_category"] = category
        facts["bot"] = name.replace("{name}", group.strip()[:40])
        return facts
    browser, system = browser_parser().parse_user_agent(text), browser_parser().parse_os(text)
    facts["browser"] = browser.family if browser else None
    facts["os"] = system.family if system else None
    fitting = (device for pattern, device in device_patterns() if pattern.search(text) is not None)
    facts["device"] = next(fitting, "desktop")
    return facts
