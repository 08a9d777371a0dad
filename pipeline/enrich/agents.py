"""Who asks: a person's browser, system and device, or a bot with its category and reason.

Bots are told by rules/bots.toml and the data of crawler-user-agents; browsers and systems by
those of ua-parser. All pattern lists go through the engine ua_parser_rs, which answers with the
first pattern that fits, and takes microseconds for thousands of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.enrich import rulebook
from pipeline.enrich.redact import redact

if TYPE_CHECKING:
    import ua_parser_rs

#: Nothing after this many characters of an agent is looked at.
AGENT_LENGTH = 512
#: Longest name taken from an agent itself.
NAME_LENGTH = 40

Rows = list[dict[str, Any]]


class AgentFacts(NamedTuple):
    """A human has no bot fields, a bot no others."""

    browser: str | None = None
    os: str | None = None
    device: str | None = None
    bot_category: str | None = None
    bot: str | None = None
    bot_reason: str | None = None


@dataclass(frozen=True, slots=True)
class BotRule:
    """A pattern and what it says. `{name}` in `name` stands for the pattern's first group."""

    pattern: str
    category: str
    name: str
    says: str

    def facts(self, found: str) -> AgentFacts | None:
        """None for a rule that says: this is a person."""
        if self.category == "human":
            return None
        name = self.name.replace("{name}", redact(found.strip()[:NAME_LENGTH]))
        return AgentFacts(
            bot_category=self.category, bot=name, bot_reason=self.says.replace("{name}", name)
        )


class Agents:
    """All patterns, compiled once; about a tenth of a second."""

    __slots__ = ("_bots", "_browsers", "_devices", "_fixed", "_rules", "_systems")

    def __init__(self) -> None:
        import ua_parser_rs
        from ua_parser_builtins.lazy import MATCHERS

        self._rules = bot_rules()
        self._fixed = [None if "{name}" in r.name else r.facts("") for r in self._rules]
        self._bots = _extractor(
            (r.pattern, f"{i} $1" if "{name}" in r.name else f"{i}")
            for i, r in enumerate(self._rules)
        )
        devices = rulebook.read("devices")["device"]
        self._devices = _extractor((row["pattern"], row["device"]) for row in devices)
        fields = attrgetter("regex", "family", "major", "minor", "patch", "patch_minor")
        self._browsers = ua_parser_rs.UserAgentExtractor(map(fields, MATCHERS[0]))
        self._systems = ua_parser_rs.OSExtractor(map(fields, MATCHERS[1]))

    def describe(self, agent: str | None) -> AgentFacts:
        """The facts of one User-Agent header; None is a record without the header."""
        text = (agent or "")[:AGENT_LENGTH]
        return self._bot(text) or self._human(text)

    def _bot(self, text: str) -> AgentFacts | None:
        hit = self._bots.extract(text)
        if hit is None:
            return None
        index, _, found = hit.family.partition(" ")
        fixed = self._fixed[int(index)]
        return fixed or self._rules[int(index)].facts(found)

    def _human(self, text: str) -> AgentFacts:
        browser, system = self._browsers.extract(text), self._systems.extract(text)
        device = self._devices.extract(text)
        return AgentFacts(
            browser=browser.family if browser else None,
            os=system.family if system else None,
            device=device.family if device else "desktop",
        )


def bot_rules() -> list[BotRule]:
    """Every bot pattern in the order it is tried: see the head of rules/bots.toml."""
    rows = rulebook.read("bots")
    data = _known_crawlers(rows)
    return [*map(_own_rule, rows["before"]), *data, *map(_own_rule, rows["after"])]


def crawler_data() -> Rows:
    """The entries of crawler-user-agents, read without its package, which compiles them all."""
    path = files("crawleruseragents").joinpath("crawler-user-agents.json")
    entries: Rows = json.loads(path.read_text(encoding="utf-8"))
    return entries


def _known_crawlers(rows: Mapping[str, Any]) -> Iterable[BotRule]:
    own = {row["pattern"]: row for row in rows["entry"]}
    names: dict[str, str] = rows["names"]
    late = set(rows["late_tags"])
    for entry in sorted(crawler_data(), key=lambda e: bool(late & set(e["tags"]))):
        pattern = entry["pattern"]
        row = own.get(pattern, {})
        category = row.get("category") or _category(entry["tags"], rows["tag"])
        if category != "human":
            name = names.get(pattern) or _plain_name(pattern)
            yield BotRule(pattern, category, name, f"agent matches {name}")


def _category(tags: list[str], rows: Rows) -> str:
    return next((r["category"] for r in rows if set(r["tags"]) <= set(tags)), "unknown")


def _own_rule(row: Mapping[str, str]) -> BotRule:
    says = row.get("says", "agent matches {name}")
    return BotRule(row["pattern"], row["category"], row.get("name", ""), says)


def _plain_name(pattern: str) -> str:
    """A pattern without its escapes, of a character set the first, is a readable name."""
    plain = re.sub(r"\[(.)[^\]]*\]", r"\1", pattern.strip("^$"))
    return re.sub(r"\\(.)", r"\1", plain).strip(" /;()")


def _extractor(rows: Iterable[tuple[str, str]]) -> ua_parser_rs.UserAgentExtractor:
    import ua_parser_rs

    return ua_parser_rs.UserAgentExtractor(
        (p, family, None, None, None, None) for p, family in rows
    )
