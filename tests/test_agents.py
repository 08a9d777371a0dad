"""Who asks: agents labelled by hand, those of real logs, and those of crawler-user-agents."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from pipeline.enrich import rulebook
from pipeline.enrich.agents import AGENT_LENGTH, AgentFacts, Agents, bot_rules, crawler_data
from pipeline.schema import BOT_CATEGORIES

HERE = Path(__file__).parent / "enrich"
LABELLED = tomllib.loads((HERE / "agents.toml").read_text("utf-8"))
REAL = (HERE / "agents.txt").read_text("utf-8").splitlines()
RULES = rulebook.read("bots")

#: A newer release may rename a pattern or add a tag; then our rows have to be looked through.
same_data = pytest.mark.skipif(
    version("crawler-user-agents") != "1.67.0", reason="rows were written for other data"
)


@pytest.fixture(scope="module")
def agents() -> Agents:
    return Agents()


@pytest.mark.parametrize("row", LABELLED["human"], ids=lambda row: row["agent"])
def test_a_person_is_known_by_browser_system_and_device(agents, row):
    expected = AgentFacts(row.get("browser"), row.get("os"), row["device"])
    assert agents.describe(row["agent"]) == expected


@pytest.mark.parametrize("row", LABELLED["bot"], ids=lambda row: row["agent"])
def test_a_bot_is_known_by_category_and_name(agents, row):
    facts = agents.describe(row["agent"])
    assert (facts.bot_category, facts.bot) == (row["category"], row["name"])
    assert facts.bot_reason == row.get("reason", facts.bot_reason)


def test_a_missing_agent_is_an_empty_one(agents):
    assert agents.describe(None) == agents.describe("") == agents.describe(" - ")


def test_every_agent_of_real_logs_is_wholly_a_person_or_wholly_a_bot(agents):
    for agent in REAL:
        facts = agents.describe(agent)
        human = (facts.browser, facts.os, facts.device)
        bot = (facts.bot_category, facts.bot, facts.bot_reason)
        if facts.bot is None:
            assert facts.device and bot == (None, None, None), agent
        else:
            assert all(bot) and human == (None, None, None), agent
            assert facts.bot_category in BOT_CATEGORIES, agent


def test_every_instance_that_the_crawler_data_list_is_found_to_be_a_bot(agents):
    dropped = {row["pattern"] for row in RULES["entry"] if row.get("category") == "human"}
    missed = [
        instance
        for entry in crawler_data()
        if entry["pattern"] not in dropped
        for instance in entry["instances"]
        if agents.describe(instance).bot is None
    ]
    assert missed == []


def test_only_the_beginning_of_a_long_agent_is_looked_at(agents):
    human = "Mozilla/5.0 (X11; Linux x86_64; rv:27.0) Gecko/20100101 Firefox/27.0"
    assert agents.describe(human.ljust(AGENT_LENGTH) + "Googlebot/2.1").browser == "Firefox"
    assert agents.describe("Mozilla/5.0 (" + "a;(" * 40_000).bot is None


def test_a_name_taken_from_an_agent_never_holds_an_address(agents):
    facts = agents.describe("probe 192.0.2.7/1.0")
    assert "192.0.2.7" not in f"{facts.bot} {facts.bot_reason}"


@same_data
def test_every_rule_has_a_declared_category_and_a_readable_name():
    for rule in bot_rules():
        assert rule.category in BOT_CATEGORIES or rule.category == "human", rule
        assert rule.category == "human" or rule.name, rule
        assert not re.search(r"[\[\]()|*?$^\\]", rule.name), rule


@same_data
def test_our_rows_about_the_crawler_data_still_find_their_entry():
    known = {entry["pattern"] for entry in crawler_data()}
    ours = {row["pattern"] for row in RULES["entry"]} | set(RULES["names"])
    assert sorted(ours - known) == []
    tags = {tag for entry in crawler_data() for tag in entry["tags"]}
    mapped = {tag for row in RULES["tag"] if len(row["tags"]) == 1 for tag in row["tags"]}
    assert sorted(tags - mapped) == []
    assert set(RULES["late_tags"]) <= tags


def test_every_row_of_the_agent_rules_gives_its_reason_and_a_pattern_python_reads_too():
    devices = rulebook.read("devices")["device"]
    rows = [*RULES["tag"], *RULES["entry"], *RULES["before"], *RULES["after"], *devices]
    assert all(row["reason"].strip() for row in rows)
    for row in (*RULES["before"], *RULES["after"], *devices):
        re.compile(row["pattern"])
