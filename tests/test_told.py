"""What the engine says of questions and refusals is said in German where the page is German."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from babel import Locale
from babel.support import Translations
from flask.testing import FlaskClient

from pipeline import exclusions, notes, question
from pipeline.access import keys, links, users
from pipeline.access.secret import hashed
from pipeline.catalog import Catalog
from pipeline.errors import QueryTimeout, QueryTooLarge, TallylogError
from pipeline.filter_words import parse_text
from pipeline.question import Bounds, parse
from tests.events import DAY, add, event
from tests.web import add_user, application, configured, sign_in
from webapp.languages import FOLDER, Reader
from webapp.settings import _days
from webapp.told import SENTENCES, told

ENGLISH = Reader(Locale("en"), "en", Translations())
GERMAN = Reader(Locale("de"), "de", Translations.load(str(FOLDER), ["de"]))
WORD = re.compile(r"\b(the|is|are|not|there|write|name|ask|say|give|shows|too)\b")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    config = configured(tmp_path_factory.mktemp("told"), ("open",))
    catalog = Catalog(config.store.data)
    add(catalog, [event("09:00:00", "/", 1, site="open")])
    catalog.close()
    add_user(config, "ada")
    client: FlaskClient = application(config).test_client()
    client.set_cookie("language", "de")
    sign_in(client, "ada")
    return client


def problem(client: FlaskClient, address: str) -> str:
    """What the middle of the page says."""
    html = client.get(address, follow_redirects=True).text
    found = re.search(r'<div class="card (?:blank|door)">(.*?)</div>', html, re.S)
    assert found, html
    return unescape(re.sub(r"<[^>]+>", " ", found[1]))


DAYS = f"from={DAY}&to={DAY}"
PAGES = {
    "range=fortnight": "Es gibt keinen Zeitraum 'fortnight'. Es gibt: today",
    "from=2026-03-01": "Der Zeitraum hat kein Ende",
    "from=1-1-1&to=2026-03-01": "'1-1-1' ist kein Tag. Schreiben Sie ihn als",
    "from=1800-01-01&to=1800-01-02": "1800-01-01 ist zu weit weg. Nennen Sie einen Tag von 1970",
    "f=colour": "'colour' ist kein Filter.",
    "f=countri==FR": "Es gibt keine Dimension 'countri'. Meinten Sie country",
    "f=status==many": "status ist eine ganze Zahl, nicht 'many'.",
    "f=signed_in==yes": "signed_in ist true oder false, nicht 'yes'.",
    "f=page~": "page lässt sich nicht mit '' vergleichen.",
    "f=prop:'==x": "nennt keine Eigenschaft",
    "f=date==soon": "'soon' ist kein Tag.",
}


@pytest.mark.parametrize("asked", PAGES)
def test_what_cannot_be_asked_is_said_in_german(client: FlaskClient, asked: str) -> None:
    said = " ".join(problem(client, f"/s/open/?{asked}").split())
    assert PAGES[asked] in said
    assert not WORD.search(said), said


@pytest.mark.parametrize("address", ["/s/open/about", "/s/nowhere/", "/nowhere", "/share/none"])
def test_what_is_not_there_is_said_in_german(client: FlaskClient, address: str) -> None:
    said = problem(client, address)
    assert not WORD.search(said), said


def test_a_panel_that_cannot_answer_says_so_in_german(client: FlaskClient) -> None:
    html = unescape(client.get(f"/s/open/?{DAYS}&f=entry==/").text)
    assert "lassen sich nicht nach entry zählen" in html
    assert "can't be counted" not in html
    html = unescape(client.get(f"/s/open/?{DAYS}&f=page=~(").text)
    assert "ist kein regulärer Ausdruck" in html


def raised(call: Callable[[], object]) -> list[str]:
    with pytest.raises(TallylogError) as caught:
        call()
    return [text for text in (caught.value.what, caught.value.fix) if text]


def test_refusals_of_the_engine_are_known_sentences(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    keys.add(catalog, "one", "read", ["a"])
    users.add(catalog, "ada", None)
    deep = parse_text("page==/")
    many = parse("s", filters=[deep] * 101)
    long = parse("s", filters=[f"page=={'x' * 2001}"])
    calls: list[Callable[[], object]] = [
        lambda: exclusions.checked("moods", "x"),
        lambda: exclusions.checked("paths", "*"),
        lambda: exclusions.checked("addresses", "here"),
        lambda: notes.add(catalog, "s", DAY, ""),
        lambda: keys.add(catalog, "one", "read", ["a"]),
        lambda: keys.add(catalog, "", "read", ["a"]),
        lambda: keys.add(catalog, "two", "read", []),
        lambda: keys.revoke(catalog, "two"),
        lambda: links.share(catalog, "*"),
        lambda: links.unshare(catalog, 9),
        lambda: users.add(catalog, "ada", None),
        lambda: users.add(catalog, "a b", None),
        lambda: users.grant(catalog, "ada", "a", "king"),
        lambda: users.remove(catalog, "eve"),
        lambda: hashed("short"),
        lambda: links.set_up(catalog, "none", "eve", "correct horse battery"),
        lambda: _days("0"),
        lambda: Bounds().check(many),
        lambda: Bounds().check(long),
        lambda: question.parse("s", metrics="view"),
        lambda: question.parse("s", compare="yesteryear"),
        lambda: question.parse("s", first="2026-03-02", last="2026-03-01"),
    ]
    texts = [text for call in calls for text in raised(call)]
    texts += [QueryTooLarge().what, QueryTimeout(30).what, QueryTimeout(30).fix]
    for text in texts:
        german = told(GERMAN, text)
        assert german != text and not WORD.search(german), text
        assert told(ENGLISH, text) == text
    catalog.close()


def test_values_stay_in_their_places() -> None:
    text = "3 of the days from 2026-03-01 to 2026-03-05 are not in this answer: their raw events"
    text += " are gone, and what is kept of them cannot answer this"
    assert told(GERMAN, text).startswith("3 der Tage von 2026-03-01 bis 2026-03-05 fehlen")
    assert told(GERMAN, f"compared: {text}").startswith("verglichen: 3 der Tage")
    assert told(GERMAN, "Nobody foresaw this.") == "Nobody foresaw this."
    assert len(set(SENTENCES)) == len(SENTENCES)
